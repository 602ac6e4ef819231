"""The files that the iterations of a 3D run leave in its directory, found and read; RELION's and ours alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.errors import NodeError
from relionlab.io.star import read_star
from relionlab.io.table import Table

_NAME = re.compile(r"^(?P<root>.+?)(?:_it(?P<number>\d+))?(?:_half(?P<half>[12]))?_model\.star$")
_UNKNOWN = 999.0  # RELION's word for what was not determined


@dataclass(frozen=True)
class Round:
    """One iteration's files.

    number  of the iteration; the last one, in which a refinement joins its halves, has that of the one before and ``final``
    models  one model file, or those of half 1 and half 2
    """

    number: int
    models: tuple[Path, ...]
    final: bool = False

    @property
    def halves(self) -> bool:
        """Whether the two halves have models of their own."""
        return len(self.models) == 2

    def beside(self, kind: str) -> Path | None:
        """Return the iteration's file of a kind ("data", "sampling", "optimiser"), ``None`` if it is not there."""
        name = re.sub(r"(?:_half[12])?_model\.star$", f"_{kind}.star", self.models[0].name)
        path = self.models[0].with_name(name)
        return path if path.exists() else None

    def label(self) -> str:
        """Return the iteration in words."""
        return "at the end" if self.final else f"after iteration {self.number}"


def rounds(directory: str | Path, *, run: str = "") -> list[Round]:
    """Return the iterations of a job directory in order, the joined one last. One that is still being written is left out:
    its optimiser file, or a refinement's second half, is not there yet.

    run  of one run alone, by its root ("run" for ``run_ct10_it012_model.star`` too); empty: whatever is there
    """
    found: dict[tuple[int, bool, str], dict[str, Path]] = {}
    for path in sorted(Path(directory).glob("*_model.star")):
        parts = _NAME.match(path.name)
        if parts is None or (run and _run_of(path) != run):
            continue
        number = -1 if parts["number"] is None else int(parts["number"])
        found.setdefault((number, number < 0, parts["root"]), {})[parts["half"] or ""] = path
    listed = []
    for (number, final, _), files in found.items():
        models = tuple(files[half] for half in ("", "1", "2") if half in files)
        if "" in files or len(models) == 2:
            listed.append(Round(number, models[:1] if "" in files else models, final))
    whole = [one for one in listed if one.final or one.beside("optimiser")]  # RELION writes that file last
    listed = whole if any(not one.final for one in whole) else listed
    # a project that was made smaller may keep but one half, or the optimiser, of the iteration before the joined one
    known = [one.number for one in listed if not one.final] or [number for number, _, _ in found]
    last = max(known, default=0)
    done = [Round(last, one.models, final=True) if one.final else one for one in listed]
    return sorted(done, key=lambda one: (one.number, one.final, one.models[0].stat().st_mtime))


def rounds_of(source: str | Path) -> list[Round]:
    """Return the iterations of a job directory, or those of the run that a model file is of and not of others beside it."""
    place = Path(source)
    return rounds(place.parent, run=_run_of(place)) if place.is_file() else rounds(place)


def _run_of(model: Path) -> str:
    parts = _NAME.match(model.name)
    return re.sub(r"_ct\d+$", "", parts["root"]) if parts else model.name


def last_round(directory: str | Path) -> Round:
    """Return the last iteration of a job directory, or the one of a model file; NodeError if there is none."""
    source = Path(directory)
    every = rounds_of(source)
    if source.is_file():
        every = [one for one in every if source in one.models]
    if not every:
        raise NodeError(
            f"{source} holds no model.star: expected the directory of a 3D job that has finished an iteration."
        )
    return every[-1]


def is_three_dimensional(directory: str | Path) -> bool:
    """Say whether a job directory holds iterations of a 3D run."""
    every = rounds(directory)
    return (
        bool(every) and int(number(read_star(every[-1].models[0])["model_general"], "rlnReferenceDimensionality")) == 3
    )


def number(table: Table | None, label: str, *, unknown: float = float("nan")) -> float:
    """Return one number of a table, ``unknown`` where there is no such table or column, or RELION's 999."""
    if table is None or label not in table:
        return unknown
    value = float(table.value(label))
    return unknown if value >= _UNKNOWN else value


def column(table: Table, label: str) -> np.ndarray:
    """Return a column as numbers, nan where there is none or RELION's 999."""
    values = np.asarray(table[label], np.float64) if label in table else np.full(len(table), np.nan)
    return np.where(values >= _UNKNOWN, np.nan, values)


def measured_fsc(tables: Mapping[str, Table]) -> np.ndarray | None:
    """Return the correlation of the half-maps (shells,) in a model file's tables as far as it was measured, ``None`` if it was
    not: beyond the resolution that an iteration uses, RELION writes zeros.
    """
    spectrum = tables.get("model_class_1")
    if spectrum is None or "rlnGoldStandardFsc" not in spectrum:
        return None
    curve = np.asarray(spectrum["rlnGoldStandardFsc"], np.float64)
    known = np.flatnonzero(curve)
    return curve[: known[-1] + 1] if known.size > 1 else None
