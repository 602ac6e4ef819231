"""What a job looks like that goes on from where it, or RELION, stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relionlab.errors import ParameterError
from relionlab.jobs.base import Job
from relionlab.jobs.options.run_names import iteration_of

CONTINUE_KEY = "fn_cont"
"""RELION's name in job.star for the file from which a refinement goes on."""


def continued_job(
    job: Job, directory: Path, *, project: Path, changes: Mapping[str, Any], finished: bool = False
) -> tuple[Job, bool]:
    """Return the job that continues this one, and whether it goes on (else it starts from the beginning).

    directory  of the job; its newest complete optimiser file is continued from, unless ``changes`` name another
    changes    parameters that may be changed on continuing
    finished   it came to its end: what was wanted once has been done

    Raises ParameterError for others.
    """
    field = job.fields_by_key().get(CONTINUE_KEY)
    allowed = {name for name, parameter in job.parameters().items() if parameter.on_continue} | {field}
    wrong = [name for name in changes if name not in allowed]
    if wrong:
        free = ", ".join(sorted(name for name in allowed if name)) or "none"
        raise ParameterError(
            f"{', '.join(wrong)} cannot change when {directory.name} is continued; what can: {free}. "
            "Add a new job to change anything else."
        )
    once = {name: parameter.once for name, parameter in job.parameters().items()}
    values = {name: type(job).model_fields[name].default for name in once if once[name] and finished} | dict(changes)
    if field is not None and field not in values:
        newest = newest_optimiser(directory)
        values[field] = "" if newest is None else newest.relative_to(project).as_posix()
    continued = job.changed(**values)
    continued.check()
    return continued, bool(field and values[field])


def newest_optimiser(directory: Path) -> Path | None:
    """Return the optimiser file of the last iteration that was written completely, ``None`` if there is none.

    RELION and relionlab write the optimiser last; still, the data file beside it must be there too.
    """
    found = []
    for path in directory.glob("run*_optimiser.star"):
        iteration = iteration_of(path.name)
        if iteration is not None and path.with_name(path.name.replace("_optimiser", "_data")).exists():
            found.append((iteration, path.stat().st_mtime, path))
    return max(found)[2] if found else None


def fresh_copy(job: Job) -> Job:
    """Return the job with the same values that begins anew: nothing is continued."""
    field = job.fields_by_key().get(CONTINUE_KEY)
    return job.changed(**{field: job.default(field)}) if field is not None else job


def iterations_field(job: Job) -> str | None:
    """Return the parameter that counts a job's iterations in all, ``None`` for a job that has no such number."""
    return next(
        (
            name
            for name, parameter in job.parameters().items()
            if parameter.flag == "--iter" and parameter.on_continue and job.applies(name)
        ),
        None,
    )


def iterations_done(directory: Path) -> int | None:
    """Return the last iteration that a job's directory holds completely, ``None`` if there is none."""
    newest = newest_optimiser(directory)
    return iteration_of(newest.name) if newest is not None else None
