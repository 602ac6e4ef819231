"""Links: a widget opens another one, in the home page where there is one, else below itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import ipywidgets as w


class Opener(Protocol):
    """A place in which widgets open one another: class -> its particles -> their micrograph -> its CTF."""

    def open(self, title: str, make: Callable[[], w.Widget]) -> w.Widget:
        """Show the widget that ``make`` returns under this title; what is open under it already is shown instead."""
        ...


class Drawer(w.VBox):
    """The place below a widget that stands alone in a notebook: holds what was opened last, with a button to close it."""

    def __init__(self) -> None:
        self._title = w.HTML(layout=w.Layout(flex="1 1 auto"))
        close = w.Button(
            description="Close", icon="times", tooltip="Close what is open below", layout=w.Layout(width="90px")
        )
        close.on_click(lambda _button: self.shut())
        self._head = w.HBox([self._title, close])
        super().__init__([])
        self.add_class("rl-drawer")

    def open(self, title: str, make: Callable[[], w.Widget]) -> w.Widget:
        """Show the widget that ``make`` returns, in place of the one before."""
        import html

        self._title.value = f'<span class="rl-title">{html.escape(title)}</span>'
        made = make()
        self.children = (self._head, made)
        return made

    def shut(self) -> None:
        """Show nothing."""
        self.children = ()
