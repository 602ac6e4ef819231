"""How a job's end is written down: message, marker, files made, state in the pipeline; in this order.

Whatever is interrupted in between, the marker in the job directory decides, and whoever looks next completes the rest.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from relionlab.errors import LockedError, StarError
from relionlab.jobs.base import Node
from relionlab.project.markers import mark
from relionlab.project.pipeline_file import OUTPUT_NODES_FILE, read_output_nodes
from relionlab.project.progress import PROCESS_FILE, Progress, death

if TYPE_CHECKING:
    from relionlab.project.job_directory import JobDirectory


def conclude(job: JobDirectory, state: str, message: str = "") -> None:
    """Write down that a job has ended as "finished", "failed" or "aborted".

    message  why, for the two bad ends; without it a job whose process is gone gets a sentence that says so
    """
    message = message or (death(job.path) or "" if state == "failed" else "")
    with suppress(OSError):  # a full disk: the marker, an empty file, may still go
        told = Progress.read(job.path) or Progress()
        if message:
            Progress(told.done, told.total, told.what, told.updated, message).write(job.path)
            with (job.path / "run.err").open("a") as stream:
                stream.write(f"ERROR: {message}\n" if state == "failed" else f"{message}\n")
    mark(job.path, state)
    try:
        job.set_state(state, outputs=made_outputs(job))
    except LockedError as error:
        with (job.path / "run.err").open("a") as stream:
            stream.write(f"The pipeline does not show yet that this job is {state}. {error}\n")
    (job.path / PROCESS_FILE).unlink(missing_ok=True)


def made_outputs(job: JobDirectory) -> list[Node]:
    """Return the files that the job's programs say they made."""
    try:
        return list(read_output_nodes(job.path / OUTPUT_NODES_FILE))
    except StarError:
        return []
