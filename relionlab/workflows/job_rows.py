"""The jobs of a project as lines of a list: newest first, with what is said about each at a glance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relionlab.jobs.workflow_stages import stage_of, type_of
from relionlab.project import JobDirectory, Project
from relionlab.project.job_times import JobTimes, job_times
from relionlab.project.pipeline import Process
from relionlab.workflows.headline import headline

STATES = ("running", "scheduled", "finished", "failed", "aborted")


@dataclass(frozen=True)
class JobRow:
    """One line of the list.

    name, alias  "Class2D/job008"; the alias without the folder, "round1", "" if there is none
    kind         folder of its type, "Class2D"
    stage        stage of the workflow
    state        one of STATES
    time         when it ended, else began, in seconds since 1970; ``None`` if nothing tells
    seconds      how long it took; ``None`` if that is not known
    number       the number that matters, in words; "" if it has none, or was not read yet
    """

    name: str
    alias: str
    kind: str
    stage: str
    state: str
    time: float | None
    seconds: float | None = None
    number: str = ""

    @property
    def title(self) -> str:
        """What people call it: its alias, else its number."""
        return self.alias or self.name.rpartition("/")[2]


class JobRows:
    """The lines of a project's list; what cannot change any more is looked up once.

    project  nothing is written into it
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._times: dict[str, JobTimes] = {}
        self._numbers: dict[str, str] = {}

    def read(self) -> list[JobRow]:
        """Return the lines as the folder has them now, newest first, with the numbers that are known by now."""
        processes = self.project.pipeline.processes
        rows = [self._row(process) for process in processes]
        return sorted(rows, key=lambda row: -_number_of(row.name))

    def missing(self, rows: list[JobRow]) -> list[str]:
        """Return the names of the jobs whose number has not been looked up."""
        return [row.name for row in rows if row.name not in self._numbers and row.state in ("finished", "running")]

    def look_up(self, name: str) -> None:
        """Read the number of one job, so that the next :meth:`read` has it."""
        pipeline = self.project.pipeline
        state = self._state(pipeline.process(name))
        found = headline(
            self.project.directory / name,
            state=state,
            outputs=pipeline.outputs_of(name),
            project=self.project.directory,
        )
        self._numbers[name] = found

    def _row(self, process: Process) -> JobRow:
        state = self._state(process)
        kind = process.name.rpartition("/")[0] or type_of(process.label).folder
        times = self._times_of(process.name, state)
        if state == "running":
            self._numbers.pop(process.name, None)
            number = headline(self._path(process.name), state=state, outputs=(), project=self.project.directory)
        else:
            number = self._numbers.get(process.name, "")
        alias = (process.alias or "").rpartition("/")[2]
        stage = stage_of(process.label)
        return JobRow(process.name, alias, kind, stage, state, times.latest, times.seconds, number)

    def _state(self, process: Process) -> str:
        """Return the state; only where the pipeline says "running" is the directory looked at."""
        return JobDirectory(self.project, process.name).state if process.state == "running" else process.state

    def _times_of(self, name: str, state: str) -> JobTimes:
        if state in ("running", "scheduled"):
            self._times.pop(name, None)
            return job_times(self._path(name))
        if name not in self._times:
            self._times[name] = job_times(self._path(name))
        return self._times[name]

    def _path(self, name: str) -> Path:
        return self.project.directory / name


def counts(rows: list[JobRow]) -> Mapping[str, int]:
    """Return how many jobs are in each state; those that none is in are left out."""
    return {state: n for state in STATES if (n := sum(1 for row in rows if row.state == state))}


def _number_of(name: str) -> int:
    found = re.search(r"(\d+)$", name)
    return int(found.group(1)) if found else 0
