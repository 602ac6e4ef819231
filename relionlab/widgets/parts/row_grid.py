"""Any number of rows in the browser, of which only those in view are sent: what thumbnails and tables have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from relionlab.display.row_choice import RowChoice
from relionlab.widgets.parts.page_files import joined, page_script

_SHARED = Path(__file__)


def grid_script(own: Path) -> str:
    """Return a grid's script behind the one that all grids share."""
    return page_script(_SHARED.with_suffix(".js"), own)


def grid_style(own: Path) -> str:
    """Return a grid's style sheet behind the one that all grids share."""
    return joined(_SHARED.with_suffix(".css"), own)


class RowGrid(anywidget.AnyWidget):
    """Shows rows in the order of a row choice; clicks and keys choose among them.

    choice  order and choice, shared with all that shows the same rows
    do      is called with the name of what a key or a menu asks for: "all", "none", "invert", "open" …
    """

    count = traitlets.Int(0).tag(sync=True)
    """Number of rows that can be scrolled to."""
    epoch = traitlets.Int(0).tag(sync=True)
    """Grows when what is at a place changes: another order, another look."""
    arranged = traitlets.Int(0).tag(sync=True)
    """Grows when the order changes, which begins at the top again."""
    current = traitlets.Int(-1).tag(sync=True)
    """The place that is looked at; -1: none yet."""
    height = traitlets.Int(430).tag(sync=True)
    """Most of the screen that the grid takes, px."""
    label = traitlets.Unicode("").tag(sync=True)
    """What is shown, for those who cannot see it."""

    def __init__(self, choice: RowChoice, **traits: Any) -> None:
        self.choice = choice
        self.do: Callable[[str], None] = lambda _name: None
        self._from_page = False
        super().__init__(count=len(choice.shown), **traits)
        self.on_msg(self._heard)
        choice.on_change(self._changed)

    def refresh(self) -> None:
        """Show all that is in view anew."""
        self.epoch += 1

    def _want(self, wanted: Mapping[str, Any]) -> None:
        """Send what is at the places ``wanted["from"]`` up to ``wanted["to"]``, and then :meth:`_done`."""
        raise NotImplementedError

    def _done(self, wanted: Mapping[str, Any]) -> None:
        self.send({"kind": "done", "id": wanted["id"], "epoch": wanted["epoch"]})

    # --- what changes -----------------------------------------------------------------------------------------------

    def _changed(self, change: str) -> None:
        if change == "shown":
            with self.hold_sync():
                self.count = len(self.choice.shown)
                self.current = self._place()
                self.epoch += 1
                self.arranged += 1
            self._send_chosen()
        elif change == "chosen" and not self._from_page:
            self._send_chosen()
        elif change == "current":
            self.current = self._place()

    def _place(self) -> int:
        return -1 if self.choice.current is None else self.choice.place(self.choice.current)

    def _send_chosen(self) -> None:
        bits = np.packbits(self.choice.chosen[self.choice.shown], bitorder="little")
        self.send({"kind": "chosen"}, [bits.tobytes()])

    # --- what the page says -----------------------------------------------------------------------------------------

    @traitlets.observe("current")
    def _looked(self, change: Mapping[str, Any]) -> None:
        if 0 <= change["new"] < len(self.choice.shown):
            self.choice.look_at(int(self.choice.shown[change["new"]]))

    def _heard(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        kind = content.get("kind")
        if kind == "want":
            self._want(content)
        elif kind == "ready":
            self._send_chosen()
        elif kind == "do":
            self.current = int(content["place"])
            self.do(str(content["name"]))
        elif kind == "choose":
            self._hear_choice(content)

    def _hear_choice(self, content: Mapping[str, Any]) -> None:
        if content["arranged"] != self.arranged:  # clicked in an order that is no more: show what is chosen now
            self._send_chosen()
            return
        places = np.arange(int(content["from"]), min(int(content["to"]) + 1, len(self.choice.shown)))
        self._from_page = True  # which has marked them already
        try:
            self.choice.set_places(places, on=bool(content["on"]))
        finally:
            self._from_page = False
