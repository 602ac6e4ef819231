"""Handing a job to a cluster's queue by a submission script, made from RELION's own kind of template; and taking it out."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from relionlab.errors import JobStateError
from relionlab.jobs.base import Job

SCRIPT_FILE = "run_submit.script"
NUMBER_FILE = "run_submit.number"
_WITHDRAWN_BY = {"sbatch": "scancel", "qsub": "qdel", "bsub": "bkill"}
"""Command that submits to a queue -> the one that takes a job out again, running or not."""


def submit(job: Job, directory: Path, *, project: Path, command: Sequence[str]) -> None:
    """Write the submission script into the job directory and give it to the queue.

    job        with the Running tab's values: qsub, qsubscript, queuename, nr_mpi, nr_threads, min_dedicated
    command    what the queue is to run, in the project's folder

    What the queue answers goes to run.out. Raises JobStateError if the template is missing or the queue refuses.
    """
    template = project / str(getattr(job, "qsubscript", ""))
    if not template.is_file():
        raise JobStateError(
            f"The submission script {template} does not exist: give your cluster's template in the Running tab."
        )
    script = directory / SCRIPT_FILE
    script.write_text(filled_template(template.read_text(errors="replace"), _values(job, directory, project), command))
    call = [*shlex.split(str(getattr(job, "qsub", ""))), script.relative_to(project).as_posix()]
    try:
        answer = subprocess.run(call, cwd=project, capture_output=True, text=True, check=False)
    except OSError as error:
        raise JobStateError(
            f"The queue's command {call[0]!r} cannot be run ({error.strerror}): is this a submit host?"
        ) from error
    with (directory / "run.out").open("a") as stream:
        stream.write(f"{shlex.join(call)}\n{answer.stdout}")
    if answer.returncode:
        said = (answer.stderr or answer.stdout).strip() or f"exit status {answer.returncode}"
        raise JobStateError(f"The queue did not take the job: {said}. The script is {script}.")
    number = re.search(
        r"\d+", answer.stdout
    )  # "Submitted batch job 17", "17.server", 'Your job 17 ("run")', "Job <17>"
    (directory / NUMBER_FILE).write_text(number.group() if number else "")


def withdraw(job: Job, directory: Path) -> str:
    """Take a submitted job out of the queue, also if it runs there already, and return the command that did it.

    Raises JobStateError if its number or the queue's command is not known, or the queue refuses.
    """
    number = (directory / NUMBER_FILE).read_text().strip() if (directory / NUMBER_FILE).is_file() else ""
    submitting = Path(next(iter(shlex.split(str(getattr(job, "qsub", "")))), ""))
    if not number or submitting.name not in _WITHDRAWN_BY:
        raise JobStateError(
            f"How {directory.name} is taken out of the queue is not known here: do it there. It has been asked to stop."
        )
    call = [str(submitting.with_name(_WITHDRAWN_BY[submitting.name])), number]
    try:
        answer = subprocess.run(call, capture_output=True, text=True, check=False)
    except OSError as error:
        raise JobStateError(f"The queue's command {call[0]!r} cannot be run ({error.strerror}).") from error
    if answer.returncode:
        raise JobStateError(f"`{shlex.join(call)}` failed: {(answer.stderr or answer.stdout).strip()}")
    return shlex.join(call)


def filled_template(template: str, values: dict[str, str], command: Sequence[str]) -> str:
    """Return the script: every XXXnameXXX replaced, and our command in place of the line that has XXXcommandXXX.

    The whole line is replaced, with an mpirun that may stand in it: relionlab's workers are started by relionlab.
    Names that nobody knows become empty, as an unused XXXextra1XXX does.
    """
    lines = [shlex.join(command) if "XXXcommandXXX" in line else line for line in template.splitlines()]
    filled = re.sub(r"XXX(\w+?)XXX", lambda found: values.get(found.group(1), ""), "\n".join(lines))
    return filled + "\n"


def _values(job: Job, directory: Path, project: Path) -> dict[str, str]:
    processes, threads = int(getattr(job, "nr_mpi", 1)), int(getattr(job, "nr_threads", 1))
    dedicated = max(int(getattr(job, "min_dedicated", 1)), 1)
    cores = processes * threads
    output = directory.relative_to(project).as_posix()
    known = {
        "name": f"{output}/",
        "outfile": f"{output}/run.out",
        "errfile": f"{output}/run.err",
        "queue": str(getattr(job, "queuename", "")),
        "mpinodes": str(processes),
        "threads": str(threads),
        "cores": str(cores),
        "dedicated": str(dedicated),
        "nodes": str(math.ceil(cores / dedicated)),
        "date": time.asctime(),
    }
    extra = {key.removeprefix("qsub_"): value for key, value in job.extra if key.startswith("qsub_extra")}
    return known | extra
