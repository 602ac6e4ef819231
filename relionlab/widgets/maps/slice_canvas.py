"""The slices of a map in the browser: the map goes there once, as bytes, and is cut there."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from relionlab.display.map_sources import ShownMap, binned, greys
from relionlab.widgets.parts.page_files import joined

MOST = 256
"""Voxels along a side that are sent to the page; larger maps are binned there."""

_HERE = Path(__file__).parent
_PARTS = ("slice_drawing.js", "slice_tools.js", "slice_view.js")


class SliceCanvas(anywidget.AnyWidget):
    """Three slices with linked cross-hairs; places are voxels of the full map, densities bytes between two levels."""

    _esm = joined(*(_HERE / name for name in _PARTS))
    _css = _HERE / "slice_view.css"

    map = traitlets.Bytes(b"").tag(sync=True)
    """The map, uint8, z slowest."""
    second = traitlets.Bytes(b"").tag(sync=True)
    """A second map of the same shape; empty: none."""
    mask = traitlets.Bytes(b"").tag(sync=True)
    """A mask of the same shape, 255 inside, packed by zlib; empty: none."""
    local = traitlets.Bytes(b"").tag(sync=True)
    """Local resolutions, packed by zlib: 0 unknown, else 1 to 255 between ``local_levels``; empty: none."""
    shape = traitlets.List(traitlets.Int(), [1, 1, 1]).tag(sync=True)
    """z, y, x of what was sent."""
    full_shape = traitlets.List(traitlets.Int(), [1, 1, 1]).tag(sync=True)
    """z, y, x of the map itself."""
    bin = traitlets.Int(1).tag(sync=True)
    """Voxels of the map for one that was sent, along each axis."""
    levels = traitlets.List(traitlets.Float(), [0.0, 1.0]).tag(sync=True)
    """Densities for which 0 and 255 stand."""
    second_levels = traitlets.List(traitlets.Float(), [0.0, 1.0]).tag(sync=True)
    """The same of the second map."""
    local_levels = traitlets.List(traitlets.Float(), [0.0, 1.0]).tag(sync=True)
    """Resolutions (Å) at the ends of the scale of colours."""
    statistics = traitlets.List(traitlets.Float(), [0.0, 1.0]).tag(sync=True)
    """Mean and standard deviation of the density."""
    pixel_size = traitlets.Float(0.0).tag(sync=True)
    """Å; 0: unknown, there is no scale bar."""
    names = traitlets.List(traitlets.Unicode(), []).tag(sync=True)
    """Of the first and the second map."""
    position = traitlets.List(traitlets.Int(), [0, 0, 0]).tag(sync=True)
    """The cross-hair: z, y, x."""
    black = traitlets.Float(0.0).tag(sync=True)
    """Byte that is drawn black."""
    white = traitlets.Float(255.0).tag(sync=True)
    """Byte that is drawn white."""
    auto_contrast = traitlets.List(traitlets.Float(), [0.0, 255.0]).tag(sync=True)
    """Black and white that suit the map."""
    mode = traitlets.Enum(["slices", "projections"], "slices").tag(sync=True)
    """What is drawn."""
    compare = traitlets.Enum(["one", "beside", "blend"], "one").tag(sync=True)
    """How the second map is shown."""
    share = traitlets.Float(0.5).tag(sync=True)
    """Of the second map in the blend, 0 to 1."""
    outline = traitlets.Bool(default_value=True).tag(sync=True)
    """Whether the mask's outline is drawn."""
    coloured = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether local resolution colours the map."""
    coloured_in_mask = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether it does so within the mask only."""
    pane = traitlets.Int(380).tag(sync=True)
    """Width of a slice in screen pixels."""
    tools = traitlets.Bool(default_value=True).tag(sync=True)
    """Whether contrast and choices stand below."""
    notice = traitlets.Unicode("").tag(sync=True)
    """A line below everything."""

    def __init__(self, **traits: Any) -> None:
        self._shown: list[ShownMap | None] = [None, None]
        super().__init__(**traits)
        self.on_msg(self._answer)

    def show(self, shown: ShownMap) -> None:
        """Show this map; a second one, mask and local resolution of another shape are taken away."""
        small, b = binned(shown.array, MOST)
        levels = shown.levels
        same = tuple(self.full_shape) == shown.array.shape and self._shown[0] is not None
        span = levels[1] - levels[0]
        contrast = [255 * float(np.clip((value - levels[0]) / span, 0, 1)) for value in shown.contrast()]
        self._shown[0] = shown
        with self.hold_sync():
            if not same:
                self.second = self.mask = self.local = b""
                self.position = [n // 2 for n in shown.array.shape]
                self._shown[1] = None
            self.shape, self.full_shape, self.bin = list(small.shape), list(shown.array.shape), b
            self.levels, self.statistics = list(levels), list(shown.statistics)
            self.pixel_size, self.names = shown.pixel_size, [shown.name, *self.names[1:2]]
            self.black, self.white = contrast
            self.auto_contrast = contrast
            self.notice = "" if b == 1 else (
                f"Drawn from means of {b}³ voxels while it moves, at full size as soon as the hand rests."
            )  # fmt: skip
            self.map = greys(small, levels).tobytes()

    def show_second(self, shown: ShownMap | None) -> None:
        """Show a second map of the same shape as well; its levels are set by its own mean and deviation, or ``None``: none."""
        self._shown[1] = shown
        if shown is None:
            self.second, self.compare = b"", "one"
            return
        first = self._shown[0]
        assert first is not None
        (mean, deviation), (other_mean, other_deviation) = first.statistics, shown.statistics
        factor = other_deviation / deviation if deviation > 0 else 1.0
        levels = [other_mean + factor * (level - mean) for level in self.levels]
        with self.hold_sync():
            self.second_levels, self.names = levels, [first.name, shown.name]
            self.second = greys(binned(shown.array, MOST)[0], levels).tobytes()

    def show_mask(self, mask: np.ndarray | None) -> None:
        """Outline a mask (z, y, x), 0 to 1; ``None``: none."""
        self.mask = b"" if mask is None else _packed(greys(binned(mask, MOST)[0], (0, 1)))

    def show_local(self, resolution: np.ndarray | None, levels: tuple[float, float] = (0.0, 1.0)) -> None:
        """Keep local resolutions (z, y, x) in Å ready as colours between two levels; 0 is unknown. ``None``: none."""
        if resolution is None:
            self.local, self.coloured = b"", False
            return
        small = binned(resolution, MOST)[0]
        place = 1 + greys(small, levels).astype(np.uint16) * 254 // 255
        with self.hold_sync():
            self.local_levels = list(levels)
            self.local = _packed(np.where(small > 0, place, 0).astype(np.uint8))

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """Give the page the exact density at a place, or the slices there at full size."""
        z, y, x = (int(value) for value in content.get("place", (0, 0, 0)))
        shown = self._shown[1 if content.get("second") else 0]
        if shown is None or not all(0 <= i < n for i, n in zip((z, y, x), shown.array.shape, strict=True)):
            return
        if content.get("kind") == "value":
            self.send({"kind": "value", "place": [z, y, x], "value": float(shown.array[z, y, x])})
        elif content.get("kind") == "planes":
            planes = [greys(part, self.levels) for part in (shown.array[z], shown.array[:, y], shown.array[:, :, x])]
            told = {"kind": "planes", "place": [z, y, x], "sizes": [list(plane.shape) for plane in planes]}
            self.send(told, [plane.tobytes() for plane in planes])


def _packed(values: np.ndarray) -> bytes:
    return zlib.compress(values.tobytes(), 1)
