"""How the files of a refinement are called: run_it025_data.star, run_ct10_it011_model.star."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_ITERATION = re.compile(r"_it(\d+)_optimiser\.star$")


def iteration_of(optimiser: str) -> int | None:
    """Return the iteration that a run_itNNN_optimiser.star is of, ``None`` if its name does not say."""
    found = _ITERATION.search(optimiser)
    return int(found[1]) if found else None


def continued_root(root: str, optimiser: str) -> str:
    """Return the root of the files of a continued run: with _ctN, unless it is another root than before.

    >>> continued_root("Class2D/job001/run", "Class2D/job001/run_it010_optimiser.star")
    'Class2D/job001/run_ct10'
    """
    before = str(PurePosixPath(_ITERATION.sub("", optimiser)))
    iteration = iteration_of(optimiser)
    stem = re.sub(r"_ct\d+$", "", before)
    if iteration is not None and str(PurePosixPath(root)) in (before, stem):
        return f"{root}_ct{iteration}"
    return root
