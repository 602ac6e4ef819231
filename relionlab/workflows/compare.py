"""Jobs side by side: the parameters in which they differ, what came of each.

comparison = compare([project.job("Class2D/job003"), project.job("Class2D/job004")])
comparison.table()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relionlab.errors import InputError, JobStateError, ParameterError, StarError
from relionlab.jobs.base import Job
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.workflow_stages import type_of
from relionlab.params import to_text
from relionlab.project import JobDirectory
from relionlab.project.job_times import job_times
from relionlab.project.pace import spoken
from relionlab.workflows.outcome import Outcome, outcome

_NOTHING = "–"
MOST_JOBS = 24


@dataclass(frozen=True)
class ComparedRow:
    """One line of a comparison.

    label   what it is, in the form's words
    unit    "Å" …, "" for none
    values  one for each job, as text; "–" where a job has none
    key     the parameter's name; "" for results
    """

    label: str
    unit: str
    values: tuple[str, ...]
    key: str = ""

    @property
    def differs(self) -> bool:
        """Whether the jobs differ in it."""
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Comparison:
    """Jobs side by side.

    jobs        in the order in which they were given
    parameters  all that at least one of them has and that applies there
    results     state, time taken, what came out
    """

    jobs: tuple[JobDirectory, ...]
    parameters: tuple[ComparedRow, ...]
    results: tuple[ComparedRow, ...]

    @property
    def differing(self) -> tuple[ComparedRow, ...]:
        """The parameters in which the jobs differ."""
        return tuple(row for row in self.parameters if row.differs)

    def names(self) -> tuple[str, ...]:
        """Return what the jobs are called: alias, else number."""
        return tuple((job.alias_name or job.name) for job in self.jobs)

    def table(self) -> str:
        """Return the differences and the results as text, for a terminal or a notebook's cell."""
        rows = [("", *self.names())]
        rows += [
            (f"{row.label} [{row.unit}]" if row.unit else row.label, *row.values)
            for row in (*self.differing, *self.results)
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)


def compare(jobs: Sequence[JobDirectory]) -> Comparison:
    """Compare jobs, of one type or of several; a job whose parameters cannot be read has results alone.

    Raises InputError for fewer than two jobs, or more than can be shown side by side.
    """
    if not 2 <= len(jobs) <= MOST_JOBS:
        raise InputError(
            f"{len(jobs)} {'job was' if len(jobs) == 1 else 'jobs were'} chosen; give 2 to {MOST_JOBS} to compare."
        )
    columns = [_parameters(job) for job in jobs]
    rows: dict[str, tuple[str, str]] = {}
    for column in columns:
        for key, (label, unit, _) in column.items():
            rows.setdefault(key, (label, unit))
    parameters = tuple(
        ComparedRow(label, unit, tuple(column[key][2] if key in column else _NOTHING for column in columns), key)
        for key, (label, unit) in rows.items()
    )
    return Comparison(tuple(jobs), parameters, _results(jobs))


def parameter_rows(job: Job) -> dict[str, tuple[str, str, str]]:
    """Return the parameters that apply in a job: name -> label, unit ("" for none), value as text."""
    if isinstance(job, ForeignJob):
        return {name: (name, "", value) for name, value in job.options}
    return {
        name: (parameter.label, "" if parameter.unit == "unitless" else parameter.unit, to_text(getattr(job, name)))
        for name, parameter in job.parameters().items()
        if job.applies(name)
    }


def _parameters(job: JobDirectory) -> dict[str, tuple[str, str, str]]:
    try:
        return parameter_rows(job.job)
    except (JobStateError, StarError, ParameterError):
        return {}


def _results(jobs: Sequence[JobDirectory]) -> tuple[ComparedRow, ...]:
    states = [job.state for job in jobs]
    told = [outcome(job) for job in jobs]
    rows = [
        ComparedRow("Type", "", tuple(type_of(job.type).folder for job in jobs)),
        ComparedRow("State", "", tuple(states)),
        ComparedRow("Time taken", "", tuple(_taken(job) for job in jobs)),
        ComparedRow("Result", "", tuple(found.headline or _NOTHING for found in told)),
        *_numbers(told),
        ComparedRow("Verdict", "", tuple(f"{found.grade}: {found.reason}" for found in told)),
    ]
    return tuple(row for row in rows if row.label != "Type" or row.differs)


def _numbers(told: Sequence[Outcome]) -> list[ComparedRow]:
    """Return a row for each number that any of the jobs came to, in the order in which they are told."""
    names = dict.fromkeys(number.what for found in told for number in found.numbers)
    values = [{number.what: str(number) for number in found.numbers} for found in told]
    return [ComparedRow(name, "", tuple(value.get(name, _NOTHING) for value in values)) for name in names]


def _taken(job: JobDirectory) -> str:
    seconds = job_times(job.path).seconds
    return _NOTHING if seconds is None else spoken(seconds)
