"""A Bokeh figure that changes in place, and that hears taps, drags and keys.

source = ColumnDataSource({"x": [], "y": []}, name="picks")
figure = bokeh.plotting.figure(name="micrograph", …)
live = LiveFigure(figure, handles=["threshold"], keys=["Delete"])
live.data("picks", x=xs, y=ys)          # new columns, as bytes; the figure is not made again
live.set("threshold", location=0.3)
live.on("drag", lambda event: print(event.hit, event.x))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import traitlets

from relionlab.display.bokeh_view import BokehPage, script
from relionlab.display.picture import Picture
from relionlab.display.style import upright

_SCRIPT = Path(__file__).with_name("live_figure.js")
_SENT = {"f": "float32", "i": "int32", "u": "uint32", "b": "uint8"}
"""How numbers of each kind travel; uint8 and float64 stay as they are."""


@dataclass(frozen=True)
class FigureEvent:
    """What happened in a figure.

    type     "tap" (pressed and let go in one place), "drag" (a handle on its way), "drop" (the end of it), "key",
             "range" (another part of the figure is shown)
    figure   name of the figure
    x, y     where the pointer is, in the units of the axes
    start    where a drag began
    button   0 left, 1 middle, 2 right
    keys     "shift", "ctrl", "alt", as far as they were held
    hit      name of the handle under the pointer, or ""
    index    which point of the handle, if it is a glyph of points; -1: none
    key      the key of a "key", as "Delete" or "ctrl+z"
    shown    (x0, x1, y0, y1) that a "range" shows, else ``None``
    """

    type: str
    figure: str
    x: float
    y: float
    start: tuple[float, float] | None = None
    button: int = 0
    keys: tuple[str, ...] = ()
    hit: str = ""
    index: int = -1
    key: str = ""
    shown: tuple[float, float, float, float] | None = None


class LiveFigure(BokehPage):
    """Shows a Bokeh figure, or a layout of several, in every place where the widget is displayed.

    figure       a Bokeh model, or a Picture; models that are to change carry a ``name``
    handles      names of what can be dragged: Spans, renderers of points, or figures (then anywhere in them). A handle
                 follows the pointer in the page, and "drag" and "drop" are told
    keys         which keys are told, and kept from the page: "Delete", "ArrowLeft", "ctrl+z" …
    ranges       whether "range" is told
    description  what the figure shows, for those who cannot see it
    """

    _esm = script(_SCRIPT, _SCRIPT.with_name("live_render.js"))

    handles = traitlets.List(traitlets.Unicode()).tag(sync=True)
    told_keys = traitlets.List(traitlets.Unicode()).tag(sync=True)  # `keys` is ipywidgets' own
    tell_ranges = traitlets.Bool(default_value=False).tag(sync=True)
    description = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        figure: Picture | Any,
        *,
        handles: Sequence[str] = (),
        keys: Sequence[str] = (),
        ranges: bool = False,
        description: str = "",
        **traits: Any,
    ) -> None:
        from relionlab.display.render import to_bokeh

        self.figure = to_bokeh(figure) if isinstance(figure, Picture) else upright(figure)
        self._listeners: dict[str, list[Callable[[FigureEvent], None]]] = {}
        self._models: dict[str, Any] = {}
        super().__init__(
            handles=list(handles), told_keys=list(keys), tell_ranges=ranges, description=description, **traits
        )
        self.on_msg(self._heard)

    def data(self, name: str, **columns: np.ndarray | Sequence[Any]) -> None:
        """Replace columns of the ColumnDataSource of this name; the others stay.

        columns  one value per row, numbers or texts; or a 2-D array, uint8 (for a colour mapper) or uint32 (RGBA): the one
                 image of an image glyph. All columns that are left must have the same number of rows
        """
        source = self._named(name)
        described: list[dict[str, Any]] = []
        buffers: list[bytes] = []
        kept: dict[str, Any] = {}
        for column, values in columns.items():
            array = _travelling(values)
            if array is None:
                described.append({"name": column, "values": list(values)})
                kept[column] = list(values)
                continue
            described.append({"name": column, "dtype": str(array.dtype), "shape": array.shape, "buffer": len(buffers)})
            buffers.append(array.tobytes())
            kept[column] = [array] if array.ndim == 2 else array
        # All at once, whatever lengths the columns had before; a copy, for several figures may share a column.
        source.data = {**source.data, **kept} if set(source.data) - set(kept) else kept
        self.send({"kind": "data", "name": name, "columns": described}, buffers)

    def set(self, name: str, **properties: Any) -> None:
        """Set properties (numbers, texts, truth values, lists) of the model of this name, as ``location`` of a Span."""
        self._named(name).update(**properties)
        self.send({"kind": "set", "name": name, "properties": properties})

    def on(self, type: str, listener: Callable[[FigureEvent], None]) -> None:  # noqa: A002 - the event's own word
        """Have a function called whenever an event of this type happens; see :class:`FigureEvent`."""
        self._listeners.setdefault(type, []).append(listener)

    def _named(self, name: str) -> Any:
        if name not in self._models:  # Bokeh looks through all models: too slow for every step of a drag
            found = self.figure.select_one({"name": name})
            if found is None:
                raise KeyError(f"the figure holds no model of the name {name!r}")
            self._models[name] = found
        return self._models[name]

    def _heard(self, _widget: Any, content: Mapping[str, Any], _buffers: Any) -> None:
        if content.get("kind") == "ask for the figure":
            self._show(str(content["view"]))
        elif content.get("kind") == "event":
            try:
                self._tell(_event(content))
            finally:
                if content.get("answer"):
                    self.send({"kind": "heard"})

    def _show(self, view: str) -> None:
        """Send the figure as it is now to a place that has just been made."""
        from bokeh.embed import json_item

        self.send({"kind": "item", "view": view, "item": json_item(self.figure)})

    def _tell(self, event: FigureEvent) -> None:
        for listener in self._listeners.get(event.type, ()):
            listener(event)


def _event(content: Mapping[str, Any]) -> FigureEvent:
    start = content.get("start")
    shown = tuple(content[name] for name in ("x0", "x1", "y0", "y1")) if "x0" in content else None
    return FigureEvent(
        type=content["type"],
        figure=content["figure"],
        x=content["x"],
        y=content["y"],
        start=(start[0], start[1]) if start else None,
        button=content.get("button", 0),
        keys=tuple(content.get("keys", ())),
        hit=content.get("hit", ""),
        index=content.get("index", -1),
        key=content.get("key", ""),
        shown=shown,  # type: ignore[arg-type]
    )


def _travelling(values: np.ndarray | Sequence[Any]) -> np.ndarray | None:
    """Return the values as an array that a page can read; ``None`` for texts and the like."""
    array = np.asarray(values)
    if array.dtype == np.uint8 or array.dtype == np.float64:
        return np.ascontiguousarray(array)
    kind = _SENT.get(array.dtype.kind)
    return None if kind is None else np.ascontiguousarray(array, dtype=kind)
