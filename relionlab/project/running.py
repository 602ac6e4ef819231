"""What ``relionlab run JOBDIR`` does: a job's programs, one after the other, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TextIO

from relionlab.errors import AbortedError, JobStateError, ParameterError, RelionlabError, RunError
from relionlab.io.disk import file_trouble
from relionlab.jobs import registry
from relionlab.jobs.base import Command, Program
from relionlab.project.ending import conclude, made_outputs
from relionlab.project.job_directory import ERROR_FILE, OUTPUT_FILE, JobDirectory, job_directory_at
from relionlab.project.markers import ABORT_NOW, mark
from relionlab.project.notes import note_commands
from relionlab.project.pipeline_file import OUTPUT_NODES_FILE
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE, Heartbeat, Progress
from relionlab.settings import Settings, settings

_PROGRESS_SECONDS = 0.2  # more often is only wear
_TERMINATED = "The job was told to end (SIGTERM). Continue it from its last finished step."


@dataclass
class JobContext:
    """The surroundings of a job that runs in its own process; see :class:`relionlab.jobs.context.Context`."""

    directory: Path
    job_directory: Path
    settings: Settings = field(default_factory=settings)
    told_to_end: bool = False
    _told: Progress = field(default_factory=Progress)
    _latest: Progress = field(default_factory=Progress)

    def path(self, name: str | Path) -> Path:
        """Return where a file named in a parameter or a STAR file lies."""
        return self.directory / name

    def say(self, text: str) -> None:
        """Add a line to run.out."""
        print(text, flush=True)

    def warn(self, text: str) -> None:
        """Add a line to run.err."""
        print(text, file=sys.stderr, flush=True)

    def progress(self, done: float, total: float, what: str) -> None:
        """Report how far the work is, in progress.json."""
        now = time.time()
        is_news = what != self._told.what or done >= total or now - self._told.updated > _PROGRESS_SECONDS
        self._latest = Progress(float(done), float(total), what, now)
        if is_news:
            self.tell()

    def tell(self) -> None:
        """Write the latest report, if it is not written yet."""
        if self._latest != self._told:
            self._latest.write(self.job_directory)
            self._told = self._latest

    def stop_if_asked(self) -> None:
        """Raise AbortedError if RELION_JOB_ABORT_NOW lies in the job directory, or the process was told to end."""
        if self.told_to_end:
            raise AbortedError(_TERMINATED)
        if (self.job_directory / ABORT_NOW).exists():
            raise AbortedError(
                "The job was stopped because somebody asked for it. Continue it from its last finished step."
            )


def run_job(
    directory: str | Path,
    *,
    draw: Callable[[JobDirectory], None] | None = None,
    changes: Mapping[str, str] | None = None,
) -> str:
    """Run the job in a job directory here and now, and return how it ended: "finished", "failed" or "aborted".

    directory  as "Class2D/job003/"; the project is the folder two levels up
    draw       called with the job directory after the programs, to draw its pictures; if it fails, the job does not
    changes    continue a job that has ended, with these parameters changed (name -> text, as in job.star); ``None``:
               run one that is not finished

    Nothing is raised for a job that fails: run.err, the exit marker and the pipeline say so. Raises ProjectError if
    the directory is no job's, JobStateError if somebody else is running it, or if it is finished; where it is
    continued, as :meth:`relionlab.project.JobDirectory.continue_with` does.
    """
    job = job_directory_at(directory)
    if changes is not None:
        _make_ready(job, changes)
    _take_over(job, again=changes is not None)
    with _logged(job.path), Heartbeat(job.path), contextlib.chdir(job.project.directory):
        state, message = _outcome(job, draw)
    conclude(job, state, message)
    return state


def _make_ready(job: JobDirectory, changes: Mapping[str, str]) -> None:
    declared = job.job
    unknown = [name for name in changes if name not in declared.parameters()]
    if unknown:
        raise ParameterError(
            f"{job.name} has no parameter {unknown[0]!r}: `relionlab reference {job.name.partition('/')[0]}` lists them."
        )
    job.ready_to_continue(**{name: declared.parse(name, text) for name, text in changes.items()})


def _take_over(job: JobDirectory, *, again: bool) -> None:
    if job.process.state == "finished" and not again:  # one that is started again from Python is running by now
        raise JobStateError(
            f"{job.name} is finished: running it again would overwrite its results, on which other jobs may rest. "
            f"`relionlab run {job.name}/ --continue` goes on with it and does what is missing; from Python, add a new job, "
            "or overwrite with start(again=True)."
        )
    record = ProcessRecord.read(job.path / PROCESS_FILE)
    if record is not None and record.alive() and record.pid != os.getpid():
        raise JobStateError(f"{job.name} is being run by {record}: wait for it or abort it.")
    asked = (job.path / ABORT_NOW).exists()  # somebody aborted it while its process was starting
    mark(job.path, None)
    if asked:
        (job.path / ABORT_NOW).touch()
    if job.process.state != "running":
        job.set_state("running")


def _outcome(job: JobDirectory, draw: Callable[[JobDirectory], None] | None) -> tuple[str, str]:
    context = JobContext(job.project.directory, job.path)
    try:
        with _terminable(context):
            _work(job, context)
            _draw(job, draw)
    except AbortedError as error:
        return "aborted", str(error)
    except KeyboardInterrupt:
        return "aborted", "The job was interrupted at the keyboard. Continue it from its last finished step."
    except RelionlabError as error:
        return "failed", str(error)
    except MemoryError:
        traceback.print_exc()
        return "failed", "There was not enough memory. Use fewer workers, a smaller box or a machine with more memory."
    except OSError as error:
        traceback.print_exc()
        return "failed", file_trouble(error, job.project.directory, then="continue the job")
    except Exception as error:  # noqa: BLE001 - whatever it is, the job must be marked as failed
        traceback.print_exc()
        return (
            "failed",
            f"An unforeseen {type(error).__name__}: {error}. This is a mistake in relionlab; run.err tells where.",
        )
    return "finished", ""


def _work(job: JobDirectory, context: JobContext) -> None:
    (job.path / OUTPUT_NODES_FILE).unlink(missing_ok=True)
    declared = job.job
    declared.check()
    commands = declared.commands(f"{job.name}/")
    note_commands(job.path, commands)
    try:
        for command in commands:
            context.stop_if_asked()
            context.say(str(command))
            _program(command).run(context)
    finally:
        context.tell()
    _check_outputs(job)


def _program(command: Command) -> Program:
    known = registry.programs()
    if command.program not in known:
        raise RunError(
            f"The job asks for the program {command.program!r}, which is not there; there are {', '.join(known)}."
        )
    return known[command.program].from_flags(command.arguments)


def _check_outputs(job: JobDirectory) -> None:
    wanted = job.job.outputs(f"{job.name}/") + made_outputs(job)
    # pictures (logfile.pdf, histogram.pdf) are drawn afterwards; no job fails by them
    files = [node.path for node in wanted if not node.kind.startswith("LogFile.pdf")]
    lost = [path for path in files if not (job.project.directory / path).exists()]
    if lost:
        raise RunError(
            f"The job came to its end without writing {', '.join(lost)}: its log {job.name}/run.out may tell why."
        )


def _draw(job: JobDirectory, draw: Callable[[JobDirectory], None] | None) -> None:
    if draw is None:
        return
    try:
        draw(job)
    except (AbortedError, KeyboardInterrupt):
        print(
            f"The job was told to end while its pictures were drawn; its results are complete. Draw them with"
            f" relionlab.display.write_logfile('{job.name}').",
            file=sys.stderr,
            flush=True,
        )
    except Exception as error:  # noqa: BLE001 - results without pictures are still results
        traceback.print_exc()
        print(f"WARNING: the pictures could not be drawn: {error}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _terminable(context: JobContext) -> Iterator[None]:
    """Turn SIGTERM, by which queues and machines end their processes, into an orderly end.

    The context keeps it in mind: what is raised at any place may be taken there for the fault of one file.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        context.told_to_end = True
        raise AbortedError(_TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _logged(directory: Path) -> Iterator[None]:
    """Send what is printed to run.out and run.err; on a terminal it is shown there as well."""
    with (
        (directory / OUTPUT_FILE).open("a", buffering=1) as out,
        (directory / ERROR_FILE).open("a", buffering=1) as err,
    ):
        with contextlib.redirect_stdout(_both(out, sys.stdout)), contextlib.redirect_stderr(_both(err, sys.stderr)):
            yield


def _both(file: TextIO, shown: TextIO) -> TextIO:
    return _Tee(file, shown) if shown.isatty() else file  # type: ignore[return-value]


class _Tee:
    """A text stream that writes to a file and to a terminal."""

    def __init__(self, file: TextIO, terminal: TextIO) -> None:
        self._file, self._terminal = file, terminal

    def write(self, text: str) -> int:
        self._terminal.write(text)
        return self._file.write(text)

    def flush(self) -> None:
        self._terminal.flush()
        self._file.flush()

    def isatty(self) -> bool:
        return False
