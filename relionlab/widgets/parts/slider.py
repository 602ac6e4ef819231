"""A slider that tells Python only what a hand did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets


class Slider(anywidget.AnyWidget):
    """A number between two ends, dragged or moved with the arrow keys.

    ipywidgets' slider answers whatever Python shows with the nearest step as it has rounded it. Where numbers come in quick
    succession, from a line that is dragged in a picture, a late answer sets the number back.
    """

    _esm = Path(__file__).with_name("slider.js")
    _css = Path(__file__).with_name("slider.css")

    value = traitlets.CFloat(0.0).tag(sync=True)
    """Always between the ends; only the page rounds it to steps, and only what a hand chooses."""
    min = traitlets.CFloat(0.0).tag(sync=True)
    """The left end."""
    max = traitlets.CFloat(1.0).tag(sync=True)
    """The right end."""
    step = traitlets.CFloat(0.1).tag(sync=True)
    """How far apart the values are that a hand can choose."""
    digits = traitlets.Int(0).tag(sync=True)
    """Significant digits of the number that is shown beside, where it can be typed as well; 0: no number."""
    disabled = traitlets.Bool(default_value=False).tag(sync=True)
    """Greyed out."""
    tip = traitlets.Unicode("").tag(sync=True)
    """What it is; shown on hover, and read aloud."""

    def __init__(self, value: float, *, min: float, max: float, step: float, **traits: Any) -> None:  # noqa: A002
        super().__init__(value=value, min=min, max=max, step=step, **traits)

    def stretch(self, low: float, high: float) -> None:
        """Set both ends; the value comes along."""
        with self.hold_sync():
            self.min, self.max = low, high
            self.value = min(max(self.value, low), high)

    @traitlets.validate("value")
    def _between(self, proposal: Any) -> float:
        return float(min(max(proposal["value"], self.min), self.max))
