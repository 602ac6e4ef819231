"""What can be said of a column in one line: how many values, their middle, their spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.display.column_words import value_text
from relionlab.io.labels import label as describe
from relionlab.io.table import Table


@dataclass(frozen=True)
class ColumnStatistics:
    """A column's numbers.

    count     values that are numbers
    missing   values that are none, or not finite
    lowest, highest, mean, median, deviation  of the numbers; nan if there are none
    distinct  different values
    """

    label: str
    count: int
    missing: int
    lowest: float
    highest: float
    mean: float
    median: float
    deviation: float
    distinct: int

    def __str__(self) -> str:
        """Return it as a sentence."""
        unit = describe(self.label).unit
        told = f" {unit}" if unit not in ("", "unitless") else ""
        if not self.count:
            return f"{self.distinct:,} different texts in {self.missing:,} rows"
        values = {
            "lowest": self.lowest,
            "median": self.median,
            "mean": self.mean,
            "highest": self.highest,
            "standard deviation": self.deviation,
        }
        parts = [f"{words} {value_text(value)}{told}" for words, value in values.items()]
        lost = f", {self.missing:,} rows without a number" if self.missing else ""
        return f"{self.count:,} values, {self.distinct:,} different{lost}: {', '.join(parts)}"


def column_statistics(table: Table, label: str, rows: np.ndarray | None = None) -> ColumnStatistics:
    """Return what can be said of a column, of these rows (mask or numbers) or of all."""
    column = table[label] if rows is None else table[label][rows]
    nothing = (np.nan,) * 5
    try:
        values = np.asarray(column, dtype=np.float64)
    except ValueError:
        return ColumnStatistics(label, 0, len(column), *nothing, len(set(column.tolist())))
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ColumnStatistics(label, 0, len(values), *nothing, 0)
    middle = float(np.median(finite))
    numbers = (float(finite.min()), float(finite.max()), float(finite.mean()), middle, float(finite.std()))
    return ColumnStatistics(label, len(finite), len(values) - len(finite), *numbers, len(np.unique(finite)))
