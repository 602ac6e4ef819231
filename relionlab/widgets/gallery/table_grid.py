"""A table in the browser: any number of rows, of which only those in view are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from relionlab.display.column_words import heading, meaning, value_text
from relionlab.display.row_choice import RowChoice

_LETTER = 7.2  # px of a letter
_WIDEST, _NARROWEST = 330, 66
_PROBED = 200  # rows whose texts decide the width of a column


class TableGrid(anywidget.AnyWidget):
    """Shows rows in the order of a row choice; a click on a heading sorts, on a row chooses it.

    choice  the table, its order and what is chosen, shared with galleries and plots of the same rows
    """

    _esm = Path(__file__).with_name("table_grid.js")
    _css = Path(__file__).with_name("table_grid.css")

    count = traitlets.Int(0).tag(sync=True)
    """Number of rows that can be scrolled to."""
    epoch = traitlets.Int(0).tag(sync=True)
    """Grows when what is at a place changes."""
    arranged = traitlets.Int(0).tag(sync=True)
    """Grows when the order changes, which begins at the top again."""
    current = traitlets.Int(-1).tag(sync=True)
    """The place that is looked at; -1: none yet."""
    columns = traitlets.List().tag(sync=True)
    """What is shown: name, heading, tip, width (px) and whether it is a number."""
    sorted = traitlets.Dict().tag(sync=True)
    """Name of the column that orders the rows, and whether it does so descending."""
    height = traitlets.Int(430).tag(sync=True)
    """Of the table on the screen, px."""
    label = traitlets.Unicode("").tag(sync=True)
    """What is shown, for those who cannot see it."""

    def __init__(self, choice: RowChoice, *, columns: Sequence[str] | None = None, **traits: Any) -> None:
        self.choice = choice
        self.shown_columns = tuple(choice.table.labels if columns is None else columns)
        self.do: Callable[[str], None] = lambda _name: None
        self._from_page = False
        described = [self._described(label) for label in self.shown_columns]
        words = f"Table of {len(choice):,} rows"
        super().__init__(count=len(choice.shown), columns=described, sorted=self._order(), label=words, **traits)
        self.on_msg(self._heard)
        choice.on_change(self._changed)

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

    def _place(self) -> int:
        return -1 if self.choice.current is None else self.choice.place(self.choice.current)

    def _changed(self, change: str) -> None:
        if change == "shown":
            with self.hold_sync():
                self.count, self.current, self.sorted = len(self.choice.shown), self._place(), self._order()
                self.epoch += 1
                self.arranged += 1
            self._send_chosen()
        elif change == "chosen" and not self._from_page:
            self._send_chosen()
        elif change == "current":
            self.current = self._place()

    def _send_chosen(self) -> None:
        bits = np.packbits(self.choice.chosen[self.choice.shown], bitorder="little")
        self.send({"kind": "chosen"}, [bits.tobytes()])

    @traitlets.observe("current")
    def _looked(self, change: Mapping[str, Any]) -> None:
        if 0 <= change["new"] < len(self.choice.shown):
            self.choice.look_at(int(self.choice.shown[change["new"]]))

    def _heard(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        kind = content.get("kind")
        if kind == "want":
            places = np.arange(int(content["from"]), min(int(content["to"]), len(self.choice.shown)))
            about = {"kind": "rows", "epoch": content["epoch"], "id": content["id"], "from": int(content["from"])}
            self.send({**about, "rows": self.texts(places)})
        elif kind == "ready":
            self._send_chosen()
        elif kind == "do":
            self.do(str(content["name"]))
        elif kind == "sort":
            name = str(content["name"]) or None
            self.choice.sort(name, descending=name == self.choice.sorted_by and not self.choice.descending)
        elif kind == "choose":
            self._hear_choice(content)

    def _hear_choice(self, content: Mapping[str, Any]) -> None:
        if content["arranged"] != self.arranged:
            self._send_chosen()
            return
        places = np.arange(int(content["from"]), min(int(content["to"]) + 1, len(self.choice.shown)))
        self._from_page = True  # which has marked them already
        try:
            self.choice.set_places(places, on=bool(content["on"]))
        finally:
            self._from_page = False
