"""The pages of a form: RELION's tabs, of which only the one in view has its rows made."""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Any

import ipywidgets as w

from relionlab.params import Declared
from relionlab.widgets.forms.field import Field

LEVELS = ("basic", "advanced", "developer")
_MARK = " ●"
_FOCUS_SECONDS = 0.25  # a row that has just been made is in the page by then


class Pages(w.Tab):
    """The tabs of a declaration.

    fields  name -> field
    """

    def __init__(self, declared: type[Declared], fields: dict[str, Field]) -> None:
        self.names = {tab: _switches_first(declared, names) for tab, names in declared.tabs().items()}
        self._fields, self._level, self._explain = fields, LEVELS[0], False
        self._wrong: frozenset[str] = frozenset()
        self._needed: frozenset[str] = frozenset()
        self._boxes = {tab: w.VBox(layout=w.Layout(padding="6px 2px 2px 2px")) for tab in self.names}
        self._shown: tuple[str, ...] = ()
        super().__init__([])
        self.observe(lambda _change: self._fill(), "selected_index")

    @property
    def tab(self) -> str:
        """The page in view."""
        return self._shown[self.selected_index or 0] if self._shown else ""

    def rows_of(self, tab: str) -> list[str]:
        """Return the parameters that a page shows at the present level."""
        levels = LEVELS[: LEVELS.index(self._level) + 1]
        return [
            name
            for name in self.names[tab]
            if self._fields[name].parameter.level in levels or name in self._wrong | self._needed
        ]

    def show(self, *, level: str, explain: bool) -> None:
        """Show the rows of a level ("basic", "advanced" or "developer") and, ``explain``, their explanations."""
        self._level, self._explain = level, explain
        self._arrange()

    def mark(self, wrong: Collection[str], *, needed: Collection[str] = ()) -> None:
        """Mark the pages that hold a wrong value, and show its row, and those that are to be filled, whatever their level."""
        if (self._wrong, self._needed) != (frozenset(wrong), frozenset(needed)):
            self._wrong, self._needed = frozenset(wrong), frozenset(needed)
            self._arrange()

    def jump(self, name: str) -> None:
        """Bring a parameter into view; its level must be shown."""
        tab = next(tab for tab, names in self.names.items() if name in names)
        self.selected_index = self._shown.index(tab)
        self._fill()
        row = self._fields[name].row
        for field in self._fields.values():
            if "row" in field.__dict__:
                field.row.remove_class("rl-found")
        row.add_class("rl-found")
        later = threading.Timer(_FOCUS_SECONDS, self._fields[name].entry.focus)
        later.daemon = True
        later.start()

    def _arrange(self) -> None:
        before = self.tab
        visible = tuple(tab for tab in self.names if self.rows_of(tab))
        if visible != self._shown:
            self._shown = visible
            self.children = tuple(self._boxes[tab] for tab in visible)
            index = visible.index(before) if before in visible else 0
            self.selected_index = index if visible else None
        titles = tuple(f"{tab}{_MARK}" if self._wrong.intersection(self.names[tab]) else tab for tab in visible)
        if self.titles != titles:
            self.titles = titles
        self._fill()

    def _fill(self, _change: Any = None) -> None:
        """Make the rows of the page in view."""
        if not self._shown:
            return
        names = self.rows_of(self.tab)
        for name in names:
            self._fields[name].explain(shown=self._explain)
        rows = tuple(self._fields[name].row for name in names)
        if self._boxes[self.tab].children != rows:
            self._boxes[self.tab].children = rows


def _switches_first(declared: type[Declared], names: list[str]) -> list[str]:
    """Return a page's parameters in their order, but a switch never below the first one that waits for it."""
    ordered: list[str] = []
    for name in names:
        conditions = declared.parameters()[name].when
        switches = [
            one.field for one in conditions if one.value is True and one.comparison == "==" and one.field in names
        ]
        ordered += [one for one in (*switches, name) if one not in ordered]
    return ordered
