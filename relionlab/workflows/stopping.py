"""Stop a classification that has come far enough and keep its good classes; or go on from one of its iterations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from relionlab.errors import JobStateError, ParameterError
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.project.continuing import CONTINUE_KEY


def selection(directory: JobDirectory, model: str | Path, *, classes: Iterable[int]) -> Select:
    """Return the Select job that keeps the particles of some classes after one iteration.

    model    run_itNNN_model.star of the iteration
    classes  their numbers, from 1; 2D averages are centred as well

    Raises ParameterError if no class is given, or the iteration's particles are not there.
    """
    numbers = sorted({int(number) for number in classes})
    if not numbers:
        raise ParameterError("No class is chosen: click the good ones first.")
    model = Path(model)
    data = model.name.replace("_model.star", "_data.star")
    if not any(model.with_name(data + end).exists() for end in ("", ".gz", ".bz2", ".zst")):
        raise ParameterError(
            f"{model.name} has no {data} beside it, so its particles are not known: choose another iteration."
        )
    return Select(
        fn_model=directory.project.relative(model),
        classes=ranges(numbers),
        do_recenter=directory.name.startswith("Class2D"),
    )


def stop_and_select(
    directory: JobDirectory, model: str | Path, *, classes: Iterable[int], told: Callable[[str], None] = lambda _: None
) -> JobDirectory:
    """Stop a classification, if it still runs, and start the Select job that keeps some classes of one of its iterations.

    told  is called with what is waited for, in words

    A job stops after its present step; so long this waits. The classification stays as it is then, and can be continued.
    """
    job = selection(directory, model, classes=classes)
    if directory.state == "running":
        directory.abort()
        told(f"{directory.name} was asked to stop; it ends its present step first.")
        directory.wait()
    return directory.project.run(job)


def continue_from(directory: JobDirectory, model: str | Path, *, iterations: int | None = None) -> JobDirectory:
    """Continue a classification or refinement from one of its iterations, which need not be the last.

    model       run_itNNN_model.star of that iteration
    iterations  how many there shall be in all; ``None``: as before

    Raises JobStateError if the job runs, or its type cannot be continued; ParameterError if there is nothing left to do.
    """
    model = Path(model)
    job = directory.job
    field = job.fields_by_key().get(CONTINUE_KEY)
    if field is None:
        raise JobStateError(f"{directory.name} cannot be continued from an iteration: it has none.")
    optimiser = model.with_name(re.sub(r"(?:_half[12])?_model\.star$", "_optimiser.star", model.name))
    if not optimiser.exists():
        raise ParameterError(
            f"{optimiser.name} is not there, and only from it can the job go on: choose another iteration."
        )
    changes: dict[str, object] = {field: directory.project.relative(optimiser)}
    wanted = iterations or getattr(job, "nr_iter", None)
    found = re.search(r"_it(\d+)_", model.name)
    if found and wanted is not None and int(found[1]) >= wanted:
        raise ParameterError(
            f"Iteration {int(found[1])} is the last of {wanted}: give more iterations to go on from it."
        )
    if iterations is not None and "nr_iter" in job.parameters():
        changes["nr_iter"] = iterations
    return directory.continue_with(**changes)


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers as "1,3,5-8"."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
