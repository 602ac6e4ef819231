"""The slider beside a number: it suggests a range, and never changes what was typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w


class FieldSlider(w.HBox):
    """A slider over a suggested range.

    suggested  lowest, highest, step; a value beyond them leaves the slider at its end
    whole      whole numbers only
    """

    def __init__(self, suggested: tuple[float, float, float], *, whole: bool, label: str, width: str) -> None:
        low, high, step = suggested
        layout = w.Layout(width="100%")
        if whole:
            self._slider: Any = w.IntSlider(min=int(low), max=int(high), step=int(step) or 1, layout=layout)
        else:
            self._slider = w.FloatSlider(min=low, max=high, step=step, layout=layout)
        self._slider.readout = False
        self._slider.tooltip = label
        self._listeners: list[Callable[[float], None]] = []
        self._place: float | None = None
        self._slider.observe(self._slid, "value")
        super().__init__([self._slider], layout=w.Layout(width=width))

    min = property(lambda self: self._slider.min)
    max = property(lambda self: self._slider.max)
    step = property(lambda self: self._slider.step)

    @property
    def value(self) -> float:
        """Where it stands."""
        return self._slider.value

    @value.setter
    def value(self, value: float) -> None:
        """Move it, as a hand does."""
        self._slider.value = value

    @property
    def disabled(self) -> bool:
        """Greyed out."""
        return self._slider.disabled

    @disabled.setter
    def disabled(self, value: bool) -> None:
        """Grey it out, or not."""
        self._slider.disabled = value

    def on_slide(self, listener: Callable[[float], None]) -> None:
        """Have a function called with the value when a hand moves the slider."""
        self._listeners.append(listener)

    def stand_at(self, value: float | None) -> None:
        """Move the slider to the step nearest to a value, without telling anybody; ``None`` leaves it."""
        if value is None:
            return
        low, high, step = self.min, self.max, self.step
        self._place = type(low)(min(low + round((min(max(value, low), high) - low) / step) * step, high))
        self._slider.value = self._place

    def slid(self, value: float) -> None:
        """Hear from the browser that the slider stands elsewhere."""
        # The browser rounds the slider to its steps and reports that back; a typed value must survive it.
        if self._place is None or abs(value - self._place) > self.step / 2:
            self._place = value
            for listener in self._listeners:
                listener(value)

    def _slid(self, change: Any) -> None:
        self.slid(change["new"])
