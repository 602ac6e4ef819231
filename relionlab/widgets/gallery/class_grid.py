"""The grid of class averages in the browser: one sprite of images, captions, and which classes are chosen."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from relionlab.display.class_averages import caption, number, tile
from relionlab.display.mosaic import enlarge, round_length
from relionlab.display.results import ClassAverages, Order
from relionlab.widgets.parts.page_files import page_script

SPRITE_COLUMNS = 10


class ClassGrid(anywidget.AnyWidget):
    """Shows class averages; with ``selectable`` a click chooses one, a shift-click all between two."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("class_grid.css")

    sprite = traitlets.Bytes(b"").tag(sync=True)
    """All averages in one PNG, ``columns`` beside each other, in the order of their numbers."""
    items = traitlets.List().tag(sync=True)
    """Per class: number, place in the sprite, lines of the caption, tip."""
    order = traitlets.List(traitlets.Int()).tag(sync=True)
    """Class numbers in the order in which they are shown."""
    selected = traitlets.List(traitlets.Int()).tag(sync=True)
    """Numbers of the chosen classes."""
    last = traitlets.Int(0).tag(sync=True)
    """Number of the class that was clicked last; 0: none yet."""
    selectable = traitlets.Bool(default_value=True).tag(sync=True)
    """Whether a click chooses."""
    tile = traitlets.Int(112).tag(sync=True)
    """Width of an average in screen pixels."""
    columns = traitlets.Int(SPRITE_COLUMNS).tag(sync=True)
    """Images beside each other in the sprite."""
    bar_share = traitlets.Float(0.0).tag(sync=True)
    """Length of the scale bar as a share of the box."""
    bar_label = traitlets.Unicode("").tag(sync=True)
    """Its length in words."""

    def show(self, averages: ClassAverages, *, by: Order = "size") -> None:
        """Show these averages; what was chosen and still exists stays chosen."""
        width = averages.pixel_size * averages.images.shape[-1]
        bar = round_length(width / 3)
        numbers = [int(n) for n in averages.numbers]
        with self.hold_sync():
            self.sprite = sprite(averages, self.tile)
            self.items = [_item(averages, index) for index in range(len(averages))]
            self.order = [numbers[index] for index in averages.order(by)]
            self.selected = [n for n in self.selected if n in numbers]
            self.bar_share, self.bar_label = bar / width, f"{bar:g} Å"


def sprite(averages: ClassAverages, pixels: int) -> bytes:
    """Return all averages as one greyscale PNG, drawn at twice the screen's pixels for fine screens."""
    from PIL import Image

    size = 2 * pixels
    rows = -(-len(averages) // SPRITE_COLUMNS)
    canvas = np.zeros((rows * size, SPRITE_COLUMNS * size), dtype=np.uint8)
    for index in range(len(averages)):
        row, column = divmod(index, SPRITE_COLUMNS)
        drawn = enlarge(tile(averages, index), size)
        canvas[row * size : (row + 1) * size, column * size : (column + 1) * size] = drawn
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _item(averages: ClassAverages, index: int) -> dict[str, Any]:
    count = "" if averages.counts[index] < 0 else f", {averages.counts[index]} particles fit it best"
    tip = (
        f"Class {averages.numbers[index]}{count}; {100 * averages.share[index]:.2f} % of all, by probability; "
        f"resolution {number(averages.resolution[index])} Å; angles ± {number(averages.accuracy_rotations[index])}°, "
        f"offsets ± {number(averages.accuracy_offsets[index])} Å"
    )
    return {
        "number": int(averages.numbers[index]),
        "place": index,
        "lines": caption(averages, index).split("\n"),
        "tip": tip,
    }
