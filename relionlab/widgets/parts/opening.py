"""Links: a widget opens another one, in the home page where there is one, else below itself."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Protocol

import ipywidgets as w

from relionlab.project import JobDirectory

_KEPT = 12
"""Steps back that a drawer remembers."""


class Opener(Protocol):
    """A place in which widgets open one another: class -> its particles -> their micrograph -> its CTF."""

    def open(self, title: str, make: Callable[[], w.Widget]) -> w.Widget:
        """Show the widget that ``make`` returns under this title; what is open under it already is shown instead."""
        ...


def show_job(opener: Opener, directory: JobDirectory) -> None:
    """Show the page of a job that a widget has just started, where the opener has pages of jobs, as the home page has."""
    show = getattr(opener, "open_job", None)
    if show is not None:
        show(directory.name)


class Drawer(w.VBox):
    """The place below a widget that stands alone in a notebook: shows what was opened last, with a way back to what was open
    before it, and a button to close it.
    """

    def __init__(self) -> None:
        self._title = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._back = w.Button(
            description="Back", icon="arrow-left", tooltip="Show what was open before", layout=w.Layout(width="90px")
        )
        close = w.Button(
            description="Close", icon="times", tooltip="Close what is open below", layout=w.Layout(width="90px")
        )
        self._back.on_click(lambda _button: self.back())
        close.on_click(lambda _button: self.shut())
        self._head = w.HBox([self._back, self._title, close])
        self._opened: list[tuple[str, w.Widget]] = []
        super().__init__([])
        self._show()
        self.add_class("rl-drawer")

    def open(self, title: str = "", make: Callable[[], w.Widget] | None = None) -> w.Widget:
        """Show the widget that ``make`` returns, in place of the one before; the same title is made anew."""
        if make is None:  # ipywidgets' own `open`, which tells the page of a widget as it is made
            super().open()
            return self
        made = make()
        self._opened = [(name, widget) for name, widget in self._opened if name != title][-_KEPT:]
        self._opened.append((title, made))
        self._show()
        return made

    def back(self) -> None:
        """Show what was open before; nothing if there is none."""
        self._opened = self._opened[:-1]
        self._show()

    def shut(self) -> None:
        """Show nothing."""
        self._opened = []
        self._show()

    def _show(self) -> None:
        self._head.layout.display = "" if self._opened else "none"
        if not self._opened:
            self._title.value = ""
            self.children = (self._head,)  # it is closed with the drawer
            return
        title, made = self._opened[-1]
        self._title.value = f'<span class="rl-title">{html.escape(title)}</span>'
        self._back.layout.display = "" if len(self._opened) > 1 else "none"
        self.children = (self._head, made)
