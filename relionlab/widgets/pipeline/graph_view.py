"""The flowchart in the page: scrolls, zooms, and tells which box was clicked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets


class GraphView(anywidget.AnyWidget):
    """Shows an SVG picture whose boxes carry ``data-job``; ``on_job`` hears of a box that is clicked."""

    _esm = Path(__file__).with_name("graph_view.js")
    _css = Path(__file__).with_name("graph_view.css")

    svg = traitlets.Unicode("").tag(sync=True)
    """The picture."""
    height = traitlets.Unicode("480px").tag(sync=True)
    """Height of the window in which it scrolls."""
    name = traitlets.Unicode("flowchart").tag(sync=True)
    """Name of the file that Save makes in the browser's downloads, without .svg."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._listeners: list[Callable[[str], None]] = []
        self.on_msg(self._heard)

    def on_job(self, listener: Callable[[str], None]) -> None:
        """Have a function called with the name of a job whose box is clicked."""
        self._listeners.append(listener)

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if content.get("kind") == "job":
            for listener in self._listeners:
                listener(str(content["name"]))
