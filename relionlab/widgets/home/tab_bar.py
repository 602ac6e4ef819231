"""A bar of tabs that can be closed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets


class TabBar(anywidget.AnyWidget):
    """Shows titles, one of them in front; ``on_event`` hears ("show", key), ("close", key) and ("keep", key)."""

    _esm = Path(__file__).with_name("tab_bar.js")
    _css = Path(__file__).with_name("tab_bar.css")

    tabs = traitlets.List().tag(sync=True)
    """Per tab: key and title."""
    current = traitlets.Unicode("").tag(sync=True)
    """Key of the tab in front."""
    preview = traitlets.Unicode("").tag(sync=True)
    """Key of the tab that the next one replaces unless something is done in it; "" if there is none."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._listeners: list[Callable[[str, str], None]] = []
        self.on_msg(self._heard)

    def show(self, tabs: Sequence[tuple[str, str]], current: str, preview: str = "") -> None:
        """Show these tabs (key, title), which is in front, and which is only looked at."""
        shown = [list(tab) for tab in tabs]
        if shown != self.tabs:
            self.tabs = shown
        self.preview = preview
        self.current = current

    def on_event(self, listener: Callable[[str, str], None]) -> None:
        """Have a function called with what happened ("show", "close", "keep") and the key of the tab."""
        self._listeners.append(listener)

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        for listener in self._listeners:
            listener(str(content.get("kind", "")), str(content.get("key", "")))
