"""Run jobs of a project one after the other, watched in the terminal; what is done already is not done again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from relionlab.errors import JobStateError, RunError
from relionlab.jobs.base import Job
from relionlab.params import Parameter, to_text
from relionlab.project import JobDirectory, Project
from relionlab.project.job_directory import ERROR_FILE

if TYPE_CHECKING:
    from rich.progress import Progress

ANEW = "give another folder (in a notebook the lesson's first argument, in the shell --dir), or remove it (--fresh)."
"""What to do about a folder that holds something else, in words."""
LOOK_EVERY_SECONDS = 0.2
MOST_WARNINGS = 5
"""Warnings of a job that are shown; the others can be read in its run.err."""
_END = re.compile(r"ERROR:|The job was |Traceback |\s|\w+(Error|Exception)\b")
"""Begins of lines in run.err with which a job has ended, or which belong to a traceback."""
_WARNING = re.compile(r"^warning:\s*", re.IGNORECASE)


class Watcher(Protocol):
    """Shows how a stage goes."""

    def begin(self, title: str) -> None:
        """Say what starts."""
        ...

    def progress(self, done: float, total: float, what: str) -> None:
        """Say how far it is."""
        ...

    def end(self, text: str) -> None:
        """Say what came of it."""
        ...

    def warn(self, text: str) -> None:
        """Say what the stage warned of, after its end."""
        ...


class Terminal:
    """Shows stages as lines of the terminal, with a bar where the terminal can move its cursor."""

    def __init__(self) -> None:
        from rich.console import Console

        # in a notebook lines: rich would make a block of HTML of each, and kernels say that they are terminals
        lines = False if Console().is_jupyter else None
        self._console = Console(highlight=False, force_jupyter=lines, force_terminal=lines)
        self._bar: Progress | None = None
        self._title = ""

    def begin(self, title: str) -> None:
        """Say what starts."""
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._title = title
        if not self._console.is_terminal:
            self._console.print(f"{title} …")
            return
        columns = (TextColumn("{task.description:<12}"), BarColumn(36), MofNCompleteColumn())
        self._bar = Progress(
            *columns, TextColumn("{task.fields[what]}"), TimeElapsedColumn(), console=self._console, transient=True
        )
        self._task = self._bar.add_task(title, total=None, what="")
        self._bar.start()

    def progress(self, done: float, total: float, what: str) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=round(done, 1), total=round(total, 1) or None, what=what)

    def end(self, text: str) -> None:
        """Take the bar away and leave a line."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        if text:
            self._console.print(f"{self._title:<12} {text}", soft_wrap=True)

    def warn(self, text: str) -> None:
        """Leave a line below the stage's own."""
        self._console.print(f"{'':<12} warning: {text}", soft_wrap=True, markup=False)


@dataclass
class Clock:
    """Seconds that each stage took, kept in a file, so that they survive an interruption."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path) -> Clock:
        """Return the clock kept in a file; a new one if there is none, or it cannot be read."""
        try:
            return cls(path, {str(name): float(value) for name, value in json.loads(path.read_text()).items()})
        except (OSError, ValueError, AttributeError):
            return cls(path)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the seconds that the block takes to a stage, also if it is interrupted."""
        before, start = self.seconds.get(stage, 0.0), time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] = before + time.monotonic() - start
            self.keep()

    def keep(self) -> None:
        """Write the file."""
        self.path.write_text(json.dumps(self.seconds, indent=2) + "\n")


def finished(
    project: Project, job: Job, *, alias: str, clock: Clock, watcher: Watcher, stage: str = ""
) -> JobDirectory:
    """Return the finished job of this alias: made, started, awaited or continued, as it needs.

    stage  name for the watcher and the clock; "": the job's folder

    Raises JobStateError if the alias belongs to a job with other parameters; RunError, with the job's own message,
    if it fails. An interruption (Ctrl-C) asks the job to stop, and leaves it to be continued by the next call.
    """
    directory = existing(project, f"{job.folder}/{alias}")
    if directory is None:
        directory = project.add(job, alias=alias)
    elif not same_work(directory.job, job):
        raise JobStateError(
            f"{project.directory} holds a {job.folder} job of this tutorial with other parameters ("
            f"{difference(directory.job, job)}): {ANEW}"
        )
    if directory.state == "finished":
        return directory
    watcher.begin(stage or job.folder)
    try:
        with clock.measure(stage or job.folder):
            go_on(directory)
            watch(directory, watcher)
    except BaseException:
        watcher.end("")
        raise
    if directory.state != "finished":
        watcher.end("failed")
        raise RunError(f"{directory.name} is {directory.state}: {directory.message} Its log: {directory.path}/run.out")
    watcher.end(f"{directory.name}, {clock.seconds[stage or job.folder]:.0f} s")
    for text in warnings_of(directory):
        watcher.warn(text)
    return directory


def warnings_of(*directories: JobDirectory) -> tuple[str, ...]:
    """Return what finished jobs warned of, each warning once, a line of run.err each; at most five of a job.

    What an earlier, failed or interrupted attempt left there as its end is no warning.
    """
    found: list[str] = []
    for directory in directories:
        lines = [line for line in directory.warnings().splitlines() if line.strip() and not _END.match(line)]
        told = list(dict.fromkeys(_WARNING.sub("", line.strip()) for line in lines))
        found += told[:MOST_WARNINGS]
        if len(told) > MOST_WARNINGS:
            found.append(f"{len(told) - MOST_WARNINGS} more in {directory.name}/{ERROR_FILE}.")
    return tuple(dict.fromkeys(found))


def existing(project: Project, alias: str) -> JobDirectory | None:
    """Return the job of an alias ("Class2D/tutorial"), ``None`` if there is none."""
    return project.job(alias) if alias in project.pipeline else None


def done_before(project: Project, job: Job) -> JobDirectory | None:
    """Return the project's newest job that does the same work and runs or is finished, ``None`` if there is none."""
    for directory in reversed(project.jobs()):
        same_kind = directory.name.partition("/")[0] == job.folder
        if same_kind and directory.state in ("running", "finished") and same_work(directory.job, job):
            return directory
    return None


def go_on(directory: JobDirectory) -> None:
    """Start a scheduled job, or continue one that was interrupted; one that runs is left running."""
    if directory.state == "scheduled":
        directory.start()
    elif directory.state in ("failed", "aborted"):
        directory.continue_with()


def watch(directory: JobDirectory, watcher: Watcher) -> None:
    """Follow a job's progress until it has ended; an interruption asks it to stop, and waits until it has."""
    try:
        while directory.wait(LOOK_EVERY_SECONDS) == "running":
            told = directory.progress()
            if told is not None and told.total > 0:
                watcher.progress(told.done, told.total, told.what)
    except KeyboardInterrupt:
        if directory.state == "running":
            directory.abort()
            directory.wait(30)
        raise


def same_work(first: Job, second: Job) -> bool:
    """Say whether two jobs would do the same: all that matters is equal, how they run may differ."""
    return not _differing(first, second)


def difference(found: Job, wanted: Job) -> str:
    """Say how one job differs from the other: "number of classes 10 instead of 12"."""
    declared = wanted.parameters()
    return (
        ", ".join(
            f"{declared[name].label.lower()} {to_text(getattr(found, name))}, not {to_text(getattr(wanted, name))}"
            for name in _differing(found, wanted)
        )
        or f"type {type(found).__name__}, not {type(wanted).__name__}"
    )


def _kept_as(parameter: Parameter) -> str | None:
    """Return a parameter's name in job.star, that of a later RELION where 3.1 does not know it; ``None``: it is not kept."""
    return next((key for dialect in ("3.1", "4", "5") if (key := parameter.key_in(dialect))), None)


def _differing(first: Job, second: Job) -> list[str]:
    if type(first) is not type(second):
        return list(second.parameters())[:1]
    return [
        name
        for name, parameter in second.parameters().items()
        if (parameter.tab not in ("Running", "Compute") or name == "other_args")  # a seed, for example
        and _kept_as(parameter) not in (None, "fn_cont")
        and second.applies(name)
        and to_text(getattr(first, name)) != to_text(getattr(second, name))  # as job.star keeps them
    ]
