"""The picks of one micrograph while hands work on them: all columns of their file, and the steps that can be undone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.io.coordinates import FOM, X, Y, read_coordinates, write_coordinates
from relionlab.io.table import Table

CLASS, PSI = "rlnClassNumber", "rlnAnglePsi"
BY_HAND = -999
"""RELION's figure of merit, class and angle of particles picked by hand."""
_MOST_STEPS = 500  # that can be undone


class HandPicks:
    """Coordinates of a micrograph's particles in px, in the order of their picking, with whatever else is known of them.

    filaments  whether the first and the second pick are the ends of a filament, the third and the fourth of the next, …: an
               end that is removed takes the other one with it

    Steps with the same ``stroke`` that follow one another are undone together; "" stands for itself.
    """

    def __init__(self, table: Table | None = None, *, filaments: bool = False) -> None:
        self.filaments = filaments
        start = table if table is not None and len(table) else None
        self._columns = {label: start[label].copy() for label in start} if start is not None else _empty()
        self._before: list[tuple[str, dict[str, np.ndarray]]] = []
        self._after: list[tuple[str, dict[str, np.ndarray]]] = []

    @classmethod
    def read(cls, path: Path, *, filaments: bool = False) -> HandPicks:
        """Read a coordinate file of any form; no file is no picks. Raises InputError if it cannot be understood."""
        return cls(read_coordinates(path) if path.is_file() else None, filaments=filaments)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def x(self) -> np.ndarray:
        """(n,) px."""
        return self._columns[X]

    @property
    def y(self) -> np.ndarray:
        """(n,) px."""
        return self._columns[Y]

    @property
    def labels(self) -> list[str]:
        """The columns there are."""
        return list(self._columns)

    @property
    def table(self) -> Table:
        """The picks as they are written."""
        return Table(self._columns)

    def values(self, label: str) -> np.ndarray | None:
        """Return a column as numbers, nan for picks by hand; None if there is none, or it is no numbers."""
        column = self._columns.get(label)
        if column is None or column.dtype.kind not in "iuf":
            return None
        found = column.astype(np.float64)
        return np.where(found == BY_HAND, np.nan, found)

    # --- steps ----------------------------------------------------------------------------------------------------

    def add(self, x: float, y: float, *, stroke: str = "") -> None:
        """Add a particle."""
        self._keep(stroke)
        new = {X: float(x), Y: float(y), FOM: BY_HAND, CLASS: BY_HAND, PSI: BY_HAND}
        self._columns = {label: _longer(column, new.get(label)) for label, column in self._columns.items()}

    def remove(self, x: float, y: float, *, stroke: str = "") -> bool:
        """Remove the particle at this very place; says whether there was one."""
        index = self._index(x, y)
        if index is None:
            return False
        self._keep(stroke)
        gone = [index] if not self.filaments else [end for end in (index, index ^ 1) if end < len(self)]
        self._columns = {label: np.delete(column, gone) for label, column in self._columns.items()}
        return True

    def move(self, start: tuple[float, float], end: tuple[float, float], *, stroke: str = "") -> bool:
        """Move the particle that is at ``start``, (x, y) in px; says whether there was one."""
        index = self._index(*start)
        if index is None:
            return False
        self._keep(stroke)
        moved = {label: column.copy() for label, column in self._columns.items()}
        moved[X][index], moved[Y][index] = end
        self._columns = moved
        return True

    def undo(self) -> bool:
        """Take the last stroke back; says whether there was one."""
        return self._turn(self._before, self._after)

    def redo(self) -> bool:
        """Do again what was taken back last; says whether there was anything."""
        return self._turn(self._after, self._before)

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to take back."""
        return bool(self._before)

    @property
    def can_redo(self) -> bool:
        """Whether there is anything to do again."""
        return bool(self._after)

    def write(self, path: Path) -> None:
        """Write the coordinates (write-then-rename); without picks there is no file, as in RELION before the first.

        A filament that has one end so far is not written: RELION refuses a file with an odd number of ends.
        """
        written = len(self) - (len(self) % 2 if self.filaments else 0)
        if written:
            write_coordinates(path, Table({label: column[:written] for label, column in self._columns.items()}))
        else:
            path.unlink(missing_ok=True)

    def _index(self, x: float, y: float) -> int | None:
        found = np.flatnonzero((self.x == x) & (self.y == y))
        return int(found[0]) if found.size else None

    def _keep(self, stroke: str) -> None:
        self._after.clear()
        if stroke and self._before and self._before[-1][0] == stroke:
            return
        self._before.append((stroke, self._columns))
        del self._before[:-_MOST_STEPS]

    def _turn(
        self, taken: list[tuple[str, dict[str, np.ndarray]]], given: list[tuple[str, dict[str, np.ndarray]]]
    ) -> bool:
        if not taken:
            return False
        stroke, columns = taken.pop()
        given.append((stroke, self._columns))
        self._columns = columns
        return True


def _empty() -> dict[str, np.ndarray]:
    numbers = np.zeros(0)
    return {X: numbers, Y: numbers, CLASS: np.zeros(0, dtype=np.int64), PSI: numbers, FOM: numbers}


def _longer(column: np.ndarray, value: float | None) -> np.ndarray:
    """Return a column with a new particle's value; what is not known of it is 0 or "None", as RELION writes it."""
    unknown = 0 if column.dtype.kind in "iufb" else "None"
    added = np.array([unknown if value is None else value]).astype(
        column.dtype if column.dtype.kind in "iufb" else object
    )
    return np.concatenate([column.astype(object) if added.dtype == object else column, added])
