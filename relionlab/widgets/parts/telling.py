"""Widgets with a script of their own whose page tells what was done in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget


class TellingWidget(anywidget.AnyWidget):
    """A widget whose page sends messages of a kind, as "open", with a key: to what it was done."""

    def __init__(self, **traits: Any) -> None:
        self._listeners: dict[str, list[Callable[[Any], object]]] = {}
        super().__init__(**traits)
        self.on_msg(self._heard)

    def on(self, kind: str, listener: Callable[[Any], object]) -> None:
        """Have a function called with the key of each message of this kind."""
        self._listeners.setdefault(kind, []).append(listener)

    def _heard(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        for listener in self._listeners.get(content["kind"], ()):
            listener(content["key"])
