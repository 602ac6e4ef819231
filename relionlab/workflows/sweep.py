"""A sweep: the same job over several values of one parameter, run one after the other, and the table of what came out.

    sweep = plan_sweep(project, Class2D(fn_img=…), "tau_fudge", values=[0.5, 1, 2, 4])
    sweep.start()
    sweep.comparison().table()

The machine is shared, so the jobs take turns. A process of its own runs them: it goes on when the notebook is closed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relionlab.errors import JobStateError, ParameterError, ProjectError
from relionlab.io.atomic import atomic_write
from relionlab.jobs.base import Job
from relionlab.params import Parameter, to_text
from relionlab.project import JobDirectory, Project
from relionlab.project.process_record import ProcessRecord
from relionlab.workflows.compare import Comparison, compare

FOLDER = ".relionlab/sweeps"
MOST_VALUES = 24
USUAL: dict[str, tuple[float, ...]] = {
    "tau_fudge": (0.5, 1, 2, 4),
    "nr_classes": (10, 20, 50, 100),
    "width_mask_edge": (3, 6, 9, 12),
    "extend_inimask": (0, 3, 6, 9),
    "inimask_threshold": (0.005, 0.01, 0.02, 0.04),
    "ini_high": (20, 40, 60),
    "threshold_autopick": (0.05, 0.1, 0.2, 0.4),
}
"""Values that are often tried, by job.star's name of the parameter."""
_UNFIT = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True)
class Sweep:
    """Jobs that differ in one parameter.

    name       of the sweep, also the beginning of the aliases
    parameter  name of the field
    values     one for each job, as job.star has them
    names      the jobs' names, in the order in which they run
    """

    project: Project
    name: str
    parameter: str
    values: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def jobs(self) -> tuple[JobDirectory, ...]:
        """The jobs that still are in the project."""
        known = self.project.pipeline
        return tuple(JobDirectory(self.project, name) for name in self.names if name in known)

    @property
    def running(self) -> bool:
        """Whether the process that runs the jobs is alive."""
        record = ProcessRecord.read(self._place(".process"))
        return record is not None and record.alive() is not False

    def start(self) -> Sweep:
        """Run the jobs that have not run yet, one after the other, in a process of its own."""
        if self.running:
            raise JobStateError(f"The sweep {self.name} is running already.")
        self._place(".stop").unlink(missing_ok=True)
        command = [sys.executable, "-P", "-m", "relionlab.workflows.one_by_one", self.name]
        package = str(Path(__file__).resolve().parents[2])
        paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
        log = self._place(".log")
        with log.open("ab") as out:
            process = subprocess.Popen(
                command,
                cwd=self.project.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        _children.append(process)
        ProcessRecord.of(process.pid).write(self._place(".process"))
        return self

    def stop(self) -> Sweep:
        """Start no further job, and ask the one that runs to stop."""
        self._place(".stop").touch()
        for job in self.jobs:
            if job.state == "running":
                job.abort()
        return self

    @property
    def stopped(self) -> bool:
        """Whether somebody asked it to stop."""
        return self._place(".stop").exists()

    def comparison(self) -> Comparison:
        """Return the jobs side by side."""
        return compare(self.jobs)

    def save(self) -> None:
        """Write the record from which :func:`read_sweeps` finds the sweep again."""
        record = {"parameter": self.parameter, "values": self.values, "jobs": self.names}
        with atomic_write(self._place(".json")) as place:
            place.write_text(json.dumps(record, indent=2) + "\n")

    def _place(self, suffix: str) -> Path:
        return self.project.directory / FOLDER / f"{self.name}{suffix}"


_children: list[subprocess.Popen[bytes]] = []  # kept so that they are reaped


def sweepable(job: type[Job] | Job) -> dict[str, Parameter]:
    """Return the parameters of a job type that numbers or choices can be swept over: those that decide what comes out."""
    kinds = job if isinstance(job, type) else type(job)
    return {
        name: parameter
        for name, parameter in kinds.parameters().items()
        if parameter.tab not in ("Running", "Compute")
        and not parameter.node
        and (kinds.kind(name)[0] in (int, float, bool) or kinds.kind(name)[1])
    }


def usual_values(job: Job, parameter: str) -> tuple[float, ...]:
    """Return values that are worth trying: the usual ones, else halves and doubles of the present value."""
    declared = job.parameters()[parameter]
    key = next((declared.key_in(d) for d in ("3.1", "4") if declared.key_in(d)), None) or parameter
    if key in USUAL:
        return USUAL[key]
    value, (plain, choices) = getattr(job, parameter), job.kind(parameter)
    if plain is bool or choices or not isinstance(value, int | float) or value == 0:
        return ()
    low, high = declared.bounds
    found = [plain(value * factor) for factor in (0.5, 1, 2)]
    return tuple(dict.fromkeys(x for x in found if (low is None or x >= low) and (high is None or x <= high)))


def parse_values(job: Job, parameter: str, text: str) -> list[Any]:
    """Return the values that a text like "0.5, 1, 2, 4" names; raises ParameterError, saying which cannot be read."""
    words = [word.strip() for word in text.replace(";", ",").split(",") if word.strip()]
    values = [job.parse(parameter, word) for word in words]
    if len(set(values)) < len(values):
        raise ParameterError(f"A value stands twice in {text!r}: each makes one job.")
    return values


def plan_sweep(project: Project, job: Job, parameter: str, *, values: Sequence[Any]) -> Sweep:
    """Add a job for each value to the project, as scheduled; aliases tell the value. Nothing is run.

    Raises ParameterError for fewer than two values, or one that the job refuses; then nothing is added.
    """
    if parameter not in sweepable(job):
        raise ParameterError(f"{type(job).__name__} has no parameter {parameter!r} that can be swept over.")
    if not 2 <= len(values) <= MOST_VALUES:
        raise ParameterError(f"{len(values)} values were given; a sweep takes 2 to {MOST_VALUES}, as 0.5, 1, 2, 4.")
    jobs = [job.changed(**{parameter: value}) for value in values]
    for planned in jobs:
        planned.check()
    declared = job.parameters()[parameter]
    word = _UNFIT.sub("_", declared.key_in("3.1") or parameter)
    name = _free_name(project, word)
    texts = tuple(to_text(value) for value in values)
    added: list[JobDirectory] = []
    try:
        for planned, text in zip(jobs, texts, strict=True):
            alias = f"{name}_{_UNFIT.sub('_', text)}"
            added.append(project.add(planned, alias=alias))
    except Exception:
        for directory in added:
            directory.delete()
        raise
    sweep = Sweep(project, name, parameter, texts, tuple(directory.name for directory in added))
    sweep.save()
    return sweep


def read_sweeps(project: Project) -> list[Sweep]:
    """Return the project's sweeps, newest first; none whose jobs are all gone."""
    files = sorted((project.directory / FOLDER).glob("*.json"), key=lambda path: -path.stat().st_mtime)
    return [sweep for file in files if len((sweep := read_sweep(project, file.stem)).jobs) > 0]


def read_sweep(project: Project, name: str) -> Sweep:
    """Return the sweep of this name; raises ProjectError if there is none."""
    place = project.directory / FOLDER / f"{name}.json"
    try:
        found = json.loads(place.read_text())
        return Sweep(project, name, found["parameter"], tuple(found["values"]), tuple(found["jobs"]))
    except (OSError, ValueError, KeyError) as error:
        raise ProjectError(f"{place} is no record of a sweep ({error}).") from None


def _free_name(project: Project, wanted: str) -> str:
    taken = {path.stem for path in (project.directory / FOLDER).glob("*.json")}
    number = 1
    while f"{wanted}_{number}" in taken:
        number += 1
    return f"{wanted}_{number}"
