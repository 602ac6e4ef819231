"""A STAR table to look at: every column with its unit, sortable in the page."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.style import both, thin_lines
from relionlab.errors import StarError
from relionlab.io.star import read_star
from relionlab.io.table import Table

_WIDEST = 950  # px of the screen: beside the list of jobs


def star_table(source: Table | str | Path, *, name: str | None = None, most: int = 1000) -> Picture:
    """Show a table of a STAR file.

    source  a table or a STAR file
    name    which of the file's tables ("particles"); by default the longest
    most    only this many rows are shown
    """
    import holoviews as hv

    table = source if isinstance(source, Table) else _pick(Path(source), name)
    rows = min(len(table), most)
    columns = {
        _heading(table, label): np.asarray([_text(value) for value in table[label][:rows]]) for label in table.labels
    }
    if rows == 1:
        columns = {"Label": np.asarray(list(columns)), "Value": np.concatenate(list(columns.values()))}
    headings = list(columns)
    widths = [_width([heading, *columns[heading]]) for heading in headings]
    drawn = hv.Table(columns, headings[:1], headings[1:])
    drawn = both(
        drawn,
        {
            "width": min(_WIDEST, sum(widths) + 60),
            "height": min(480, 60 + 25 * len(columns[headings[0]])),
            "fit_columns": False,
            "hooks": [partial(_set_widths, widths=widths)],
        },
        {"fig_inches": (min(16, 1.2 * len(headings) + 1), 8), "max_rows": 30, "hooks": [thin_lines]},
    )
    shown = "" if rows == len(table) else f" The first {rows:,} are shown."
    return Picture(drawn, f"Table {table.name}".strip(), f"{len(table):,} rows, {len(table.labels)} columns.{shown}")


def _width(words: list[str]) -> int:
    """Return how many pixels of the screen a column of these words needs."""
    return min(420, 30 + 7 * max(len(word) for word in words))


def _set_widths(plot: Any, _element: Any, *, widths: list[int]) -> None:
    for column, width in zip(plot.handles["table"].columns, widths, strict=True):
        column.width = width


def _pick(path: Path, name: str | None) -> Table:
    tables = read_star(path)
    if not tables:
        raise StarError(f"{path} holds no table: expected a STAR file with at least one data_ block.")
    if name is None:
        return max(tables.values(), key=len)
    if name not in tables:
        raise StarError(f"{path} has no table {name!r}; it has {', '.join(map(repr, tables))}.")
    return tables[name]


def _heading(table: Table, label: str) -> str:
    unit = table.unit(label)
    return label.removeprefix("rln") + (f" ({unit})" if unit and unit != "unitless" else "")


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
