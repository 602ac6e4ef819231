"""Which rows of a table are shown, in which order, and which of them are chosen: what gallery, table and plot share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

import numpy as np

from relionlab.errors import ParameterError, StarError
from relionlab.io.row_filter import column_named, matching
from relionlab.io.table import Table

_NAMED = 6  # rows that a step names
_REMEMBERED = 200  # steps
Change = Literal["shown", "chosen", "current"]


class RowChoice:
    """Rows of a table in an order, with those that are chosen, and one that is looked at.

    table    the table
    shown    (m,) row numbers from 0 in the order of the screen, after sorting and filtering
    chosen   (n,) bool over all rows of the table; a filter hides rows, it does not unchoose them
    current  the row clicked last, ``None`` before the first click
    steps    how the choice came about, in words, since the last time that nothing was chosen
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.shown = np.arange(len(table))
        self.chosen = np.zeros(len(table), dtype=bool)
        self.current: int | None = None
        self.sorted_by: str | None = None
        self.descending = False
        self.condition = ""
        self.steps: list[str] = []
        self._listeners: list[Callable[[Change], None]] = []

    def __len__(self) -> int:
        return len(self.table)

    @property
    def count(self) -> int:
        """Number of chosen rows."""
        return int(np.count_nonzero(self.chosen))

    @property
    def rows(self) -> np.ndarray:
        """Numbers, from 0, of the chosen rows, ascending."""
        return np.flatnonzero(self.chosen)

    def on_change(self, listener: Callable[[Change], None]) -> None:
        """Have a function called with "shown", "chosen" or "current" after that has changed."""
        self._listeners.append(listener)

    # --- order ----------------------------------------------------------------------------------------------------

    def sort(self, label: str | None, *, descending: bool = False) -> None:
        """Show the rows in the order of a column; ``None``: of the file. Rows without a number come last."""
        self.sorted_by = None if label is None else column_named(self.table, label)
        self.descending = descending
        self._arrange()

    def filter(self, condition: str) -> None:
        """Show only rows that meet a condition (see :func:`relionlab.io.row_filter.matching`); "": all."""
        matching(self.table, condition)  # refuses before anything changes
        self.condition = condition
        self._arrange()

    def place(self, row: int) -> int:
        """Return where a row is shown, from 0; -1: it is not."""
        found = np.flatnonzero(self.shown == row)
        return int(found[0]) if found.size else -1

    # --- choosing -------------------------------------------------------------------------------------------------

    def select(self, rows: Iterable[int] | np.ndarray) -> None:
        """Choose these rows (numbers from 0, or a mask over all rows), and no others."""
        given = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows))
        mask = np.zeros(len(self), dtype=bool)
        if given.dtype == bool:
            mask[:] = given
        elif given.size:
            outside = given[(given < 0) | (given >= len(self))]
            if outside.size:
                raise ParameterError(f"There is no row {int(outside[0]) + 1}: the table has {len(self):,} rows.")
            mask[given.astype(np.int64)] = True
        self._choose(mask, f"chose {np.count_nonzero(mask)} rows", anew=True)

    def set_places(self, places: np.ndarray, *, on: bool) -> None:
        """Choose, or unchoose, the rows at these places of the screen, besides what is chosen."""
        rows = self.shown[places]
        numbers = ", ".join(str(row + 1) for row in rows[:_NAMED].tolist()) + (" …" if len(rows) > _NAMED else "")
        self._set(rows, on=on, step=f"{'chose' if on else 'took out'} {numbers}")

    def _set(self, rows: np.ndarray, *, on: bool, step: str) -> None:
        mask = self.chosen.copy()
        mask[rows] = on
        self._choose(mask, step)

    def select_all(self) -> None:
        """Choose all rows that are shown, besides what is chosen."""
        self._set(self.shown, on=True, step=f"chose all {self._order_words()}")

    def clear(self) -> None:
        """Choose no row."""
        self._choose(np.zeros(len(self), dtype=bool), "chose none", anew=True)

    def invert(self) -> None:
        """Of the rows that are shown, choose those that were not chosen."""
        mask = self.chosen.copy()
        mask[self.shown] = ~mask[self.shown]
        self._choose(mask, f"inverted {self._order_words()}")

    def select_above(self, row: int | None = None) -> None:
        """Choose a row, by default the one clicked last, and all that are shown before it."""
        place = self._place(row)
        step = f"chose {self.shown[place] + 1} and all above it {self._order_words()}"
        self._set(self.shown[: place + 1], on=True, step=step)

    def select_below(self, row: int | None = None) -> None:
        """Choose a row, by default the one clicked last, and all that are shown after it."""
        place = self._place(row)
        step = f"chose {self.shown[place] + 1} and all below it {self._order_words()}"
        self._set(self.shown[place:], on=True, step=step)

    def select_where(self, condition: str) -> None:
        """Choose all rows of the table that meet a condition, and no others."""
        self._choose(matching(self.table, condition), f"chose those with {condition.strip()}", anew=True)

    def look_at(self, row: int | None) -> None:
        """Make a row the one that is looked at."""
        if row != self.current:
            self.current = row
            self._tell("current")

    # --- inside ---------------------------------------------------------------------------------------------------

    def _place(self, row: int | None) -> int:
        row = self.current if row is None else row
        place = -1 if row is None else self.place(row)
        if place < 0:
            raise ParameterError("Click one first: it and all that are shown above, or below, it will be chosen.")
        return place

    def _order_words(self) -> str:
        """Return in which order, and of which rows."""
        direction = "descending" if self.descending else "ascending"
        order = f"in the order of {self.sorted_by}, {direction}" if self.sorted_by else "in the order of the file"
        return f"{order}, of those with {self.condition.strip()}" if self.condition.strip() else order

    def _choose(self, mask: np.ndarray, step: str, *, anew: bool = False) -> None:
        if np.array_equal(mask, self.chosen):
            return
        self.steps = [step] if anew or not self.chosen.any() else [*self.steps[-_REMEMBERED:], step]
        self.chosen = mask
        self._tell("chosen")

    def _arrange(self) -> None:
        if self.sorted_by is None:
            order = np.arange(len(self))[:: -1 if self.descending else 1]
        else:
            order = sorted_rows(self.table, self.sorted_by, descending=self.descending)
        if self.condition:
            order = order[matching(self.table, self.condition)[order]]
        self.shown = order
        self._tell("shown")

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)


def sorted_rows(table: Table, label: str, *, descending: bool = False) -> np.ndarray:
    """Return row numbers in the order of a column; equal rows keep the order of the file, NaN comes last either way."""
    column = table[label]
    if column.dtype == object:
        try:
            column = table.numbers(label)
        except StarError:  # texts are put in the order of the alphabet
            order = np.array(sorted(range(len(column)), key=column.tolist().__getitem__), dtype=np.int64)
            return order[::-1] if descending else order
    if column.dtype.kind != "f":
        return np.argsort(-column if descending else column, kind="stable")
    bad = ~np.isfinite(column)
    keys = np.where(bad, np.inf, -column if descending else column)
    return np.argsort(keys, kind="stable")
