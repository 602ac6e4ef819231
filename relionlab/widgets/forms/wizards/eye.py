"""A low-pass filter for the eye alone: it changes the picture, never the job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.widgets.parts.slider import Slider


class EyeFilter(w.HBox):
    """A slider in Å; 0 shows the image as it is.

    start      where it stands first
    on_change  called with the value
    """

    def __init__(self, *, start: float, on_change: Callable[[float], None], highest: float = 80.0) -> None:
        label = w.HTML(
            '<span class="rl-wizard-label" title="Only for looking: the job does not know of it">Low-pass for the eye</span>',
            layout=w.Layout(width="190px", flex="0 0 auto"),
        )
        self._slider = Slider(
            start,
            min=0,
            max=highest,
            step=1,
            layout=w.Layout(width="150px"),
            tip="Low-pass filter for the eye alone",
        )
        self._said = w.HTML()
        self._on_change = on_change
        self._slider.observe(self._slid, "value")
        self._say()
        super().__init__([label, self._slider, self._said])
        self.layout.align_items = "center"

    @property
    def value(self) -> float:
        """Å; 0: no filter."""
        return float(self._slider.value)

    def _slid(self, change: Any) -> None:
        self._say()
        self._on_change(float(change["new"]))

    def _say(self) -> None:
        self._said.value = f'<span class="rl-muted">{f"{self.value:.0f} Å" if self.value else "none"}</span>'
