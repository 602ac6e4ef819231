"""A table in the browser: any number of rows, of which only those in view are sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from relionlab.display.column_words import heading, meaning, value_text
from relionlab.display.row_choice import RowChoice
from relionlab.widgets.parts.row_grid import RowGrid, grid_script, grid_style

_LETTER = 7.2  # px of a letter
_WIDEST, _NARROWEST = 330, 66
_PROBED = 200  # rows whose texts decide the width of a column


class TableGrid(RowGrid):
    """Shows rows in the order of a row choice; a click on a heading sorts, on a row chooses it.

    choice  the table, its order and what is chosen, shared with galleries and plots of the same rows
    """

    _esm = grid_script(Path(__file__).with_suffix(".js"))
    _css = grid_style(Path(__file__).with_suffix(".css"))

    columns = traitlets.List().tag(sync=True)
    """What is shown: name, heading, tip, width (px) and whether it is a number."""
    sorted = traitlets.Dict().tag(sync=True)
    """Name of the column that orders the rows, and whether it does so descending."""

    def __init__(self, choice: RowChoice, *, columns: Sequence[str] | None = None, **traits: Any) -> None:
        self.choice = choice
        self.shown_columns = tuple(choice.table.labels if columns is None else columns)
        described = [self._described(label) for label in self.shown_columns]
        words = f"Table of {len(choice):,} rows"
        super().__init__(choice, columns=described, sorted=self._order(), label=words, **traits)

    def show_columns(self, labels: Sequence[str]) -> None:
        """Show these columns only, in this order."""
        self.shown_columns = tuple(labels)
        with self.hold_sync():
            self.columns = [self._described(label) for label in self.shown_columns]
            self.epoch += 1

    def texts(self, places: np.ndarray) -> list[list[str]]:
        """Return the cells of the rows at these places, the row's number in the file first."""
        rows = self.choice.shown[places]
        columns = [map(value_text, self.choice.table[label][rows].tolist()) for label in self.shown_columns]
        return [list(cells) for cells in zip(map("{:,}".format, (rows + 1).tolist()), *columns, strict=True)]

    def _described(self, label: str) -> dict[str, Any]:
        column = self.choice.table[label]
        probe = column[:: max(1, len(column) // _PROBED)][:_PROBED]
        longest = max([len(value_text(value)) for value in probe.tolist()] + [len(heading(label)) + 2])
        width = int(min(max(longest * _LETTER + 18, _NARROWEST), _WIDEST))
        about = {"name": label, "heading": heading(label), "tip": meaning(label)}
        return {**about, "width": width, "numeric": column.dtype != object}

    def _order(self) -> dict[str, Any]:
        return {"name": self.choice.sorted_by or "", "descending": self.choice.descending}

    def _changed(self, change: str) -> None:
        if change == "shown":
            self.sorted = self._order()
        super()._changed(change)

    def _want(self, wanted: Mapping[str, Any]) -> None:
        places = np.arange(int(wanted["from"]), min(int(wanted["to"]), len(self.choice.shown)))
        about = {"kind": "rows", "epoch": wanted["epoch"], "from": int(wanted["from"])}
        self.send({**about, "rows": self.texts(places)})
        self._done(wanted)

    def _heard(self, widget: Any, content: Mapping[str, Any], buffers: Any) -> None:
        if content.get("kind") != "sort":
            super()._heard(widget, content, buffers)
            return
        name = str(content["name"]) or None
        self.choice.sort(name, descending=name == self.choice.sorted_by and not self.choice.descending)
