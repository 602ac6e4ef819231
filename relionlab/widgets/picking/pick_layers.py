"""Layers of picks on a micrograph and the edits that change them: the same rules as in micrograph_picks.js.

The page draws an edit before Python hears of it; Python then does the same to its own layers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Style = Literal["ring", "square", "dashed", "cross"]
Kind = Literal["add", "remove", "move"]


@dataclass(frozen=True)
class Edit:
    """One change made by hand in the page.

    kind        add, remove or move
    x, y        where, px of the micrograph; of a move: from where
    to_x, to_y  of a move: to where
    layer       name of the layer that the pick is in (add: into which it goes)
    micrograph  name that :meth:`MicrographView.show` was given for the image that was on the screen
    stroke      edits of one gesture, as a sweep, have the same number, and are undone together
    sequence    1, 2, 3 … in the order of their making in one page
    """

    kind: Kind
    x: float
    y: float
    layer: str
    to_x: float = 0.0
    to_y: float = 0.0
    micrograph: str = ""
    stroke: str = ""
    sequence: int = 0


def _none() -> np.ndarray:
    return np.zeros(0)


@dataclass
class Layer:
    """Picks of one origin, drawn alike.

    x, y        px of the micrograph, float64
    values      one for each pick, by which it is coloured (nan: the layer's colour); None: all in the layer's colour
    style       ring, square, dashed (a ring) or cross
    colour      of the lines
    editable    whether hands can move and remove its picks
    removed_to  layer that shows what was removed from this one; "": nothing is left of it
    moved_to    layer that a moved pick of this one goes to; "": it stays in this one
    visible     whether it is drawn
    paired      whether picks are the ends of filaments, two by two: both go together
    """

    name: str
    x: np.ndarray = field(default_factory=_none)
    y: np.ndarray = field(default_factory=_none)
    values: np.ndarray | None = None
    style: Style = "ring"
    colour: str = "#E69F00"
    editable: bool = True
    removed_to: str = ""
    moved_to: str = ""
    visible: bool = True
    paired: bool = False

    def __len__(self) -> int:
        return len(self.x)

    def put(self, x: Any, y: Any, values: Any = None) -> None:
        """Hold these picks instead of those before."""
        self.x, self.y = (np.array(given, dtype=np.float64).reshape(-1) for given in (x, y))
        self.values = None if values is None else np.array(values, dtype=np.float64).reshape(-1)

    def add(self, x: float, y: float) -> None:
        """Add a pick, without a value."""
        self.x, self.y = np.append(self.x, x), np.append(self.y, y)
        if self.values is not None:
            self.values = np.append(self.values, np.nan)

    def index(self, x: float, y: float) -> int:
        """Return which pick is at this very place; -1: none."""
        found = np.flatnonzero((self.x == x) & (self.y == y))
        return int(found[0]) if found.size else -1

    def drop(self, index: int) -> None:
        """Remove a pick; of a filament, both ends."""
        gone = [index] if not self.paired else [end for end in (index, index ^ 1) if end < len(self)]
        self.x, self.y = np.delete(self.x, gone), np.delete(self.y, gone)
        if self.values is not None:
            self.values = np.delete(self.values, gone)

    def message(self) -> dict[str, Any]:
        """Return the layer as the page gets it."""
        return {
            "name": self.name,
            "style": self.style,
            "colour": self.colour,
            "editable": self.editable,
            "removed_to": self.removed_to,
            "moved_to": self.moved_to,
            "visible": self.visible,
            "paired": self.paired,
            "x": self.x.tobytes(),
            "y": self.y.tobytes(),
            "values": None if self.values is None else self.values.tobytes(),
        }


def apply(layers: dict[str, Layer], edit: Edit) -> None:
    """Do an edit to the layers; one whose pick is no longer there does nothing."""
    layer = layers.setdefault(edit.layer, Layer(edit.layer))
    if edit.kind == "add":
        layer.add(edit.x, edit.y)
        return
    index = layer.index(edit.x, edit.y)
    if index < 0:
        return
    if edit.kind == "move" and not layer.moved_to:
        layer.x[index], layer.y[index] = edit.to_x, edit.to_y
        return
    layer.drop(index)
    if layer.removed_to:
        layers.setdefault(layer.removed_to, Layer(layer.removed_to)).add(edit.x, edit.y)
    if edit.kind == "move":
        layers.setdefault(layer.moved_to, Layer(layer.moved_to)).add(edit.to_x, edit.to_y)
