"""A choice made by eye, as the Select job that keeps it, in the files that RELION's own gallery leaves.

save_selection(project, "Extract/job009/particles.star", chosen)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from relionlab.errors import ParameterError
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.selecting.select import Select
from relionlab.jobs.selecting.selection import BACKUP
from relionlab.project import JobDirectory, Project

Chosen = Literal["classes", "particles", "micrographs"]
_WRITTEN_OUT = 400
"""Characters of numbers that still fit into a form's field; longer choices stand in backup_selection.star only."""


def selection_job(source: str, chosen: np.ndarray, *, what: Chosen) -> Select:
    """Return the Select job that keeps the chosen classes of a model, or rows of a list of particles or micrographs.

    source  the model or the list, relative to the project
    chosen  (n,) bool, one for each class or row
    Raises ParameterError if nothing is chosen.
    """
    numbers = np.flatnonzero(chosen) + 1
    if not numbers.size:
        raise ParameterError(f"Nothing is chosen: choose the {what} to keep first.")
    text = ranges(numbers.tolist())
    field = {"classes": "fn_model", "particles": "fn_data", "micrographs": "fn_mic"}[what]
    return Select(**{field: source, "classes": text if len(text) <= _WRITTEN_OUT else BACKUP})


def save_selection(
    project: Project, source: str | Path, chosen: np.ndarray, *, what: Chosen, how: Sequence[str] = ()
) -> JobDirectory:
    """Start the Select job of a choice and return its directory; it holds backup_selection.star from the beginning.

    how  the steps by which it was chosen, in words, for the job's note.txt
    """
    added = project.add(selection_job(project.relative(source), chosen, what=what))
    write_star(added.path / BACKUP, [Table({"rlnSelected": np.asarray(chosen).astype(np.int64)})])
    if how:
        added.note("\n".join(["", "Chosen in the gallery:", *(f"- {step}" for step in how)]))
    return added.start()


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers as "1,3,5-8"."""
    values = np.fromiter(numbers, dtype=np.int64)
    if not values.size:
        return ""
    parts = np.split(values, np.flatnonzero(np.diff(values) != 1) + 1)
    return ",".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)
