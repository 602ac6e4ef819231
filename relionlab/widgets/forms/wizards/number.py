"""One number of a wizard: its colour in the picture, its name, a slider with its value, and its unit."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.params import Parameter
from relionlab.widgets.parts.slider import Slider


class Number(w.HBox):
    """A number that can be slid, typed, moved with the arrow keys, or set from the picture.

    name       of the parameter
    parameter  its declaration
    value      to begin with
    span       (lowest, highest, step) of the slider
    color      of its outline in the picture, "" for none
    on_change  called with the name and the value when the user has changed it
    """

    def __init__(
        self,
        name: str,
        parameter: Parameter,
        *,
        value: float,
        span: tuple[float, float, float],
        on_change: Callable[[str, float], None],
        color: str = "",
        note: str = "",
    ) -> None:
        self.name, self._on_change, self._silent = name, on_change, False
        low, high, step = span
        swatch = f'<span class="rl-swatch" style="background:{color}"></span>' if color else ""
        unit = "" if parameter.unit == "unitless" else parameter.unit
        self._label = w.HTML(
            f'<span class="rl-wizard-label" title="{html.escape(note or parameter.help, quote=True)}">{swatch}'
            f"{html.escape(parameter.label)}</span>",
            layout=w.Layout(width="190px", flex="0 0 auto"),
        )
        self._slider = Slider(value, min=low, max=high, step=step, layout=w.Layout(width="150px"), tip=parameter.label)
        self._entry = w.FloatText(value=value, step=step, layout=w.Layout(width="92px"), tooltip=parameter.label)
        self._slider.observe(self._slid, "value")
        self._entry.observe(self._typed, "value")
        super().__init__([self._label, self._slider, self._entry, w.HTML(f'<span class="rl-unit">{unit}</span>')])
        self.layout.align_items = "center"
        self.step = step

    @property
    def value(self) -> float:
        """The number."""
        return float(self._entry.value)

    def show(self, value: float) -> None:
        """Show another number, without telling anybody."""
        self._silent = True
        try:
            self._entry.value = self.rounded(value)
            self._slider.value = self._entry.value
        finally:
            self._silent = False

    def rounded(self, value: float) -> float:
        """Return the value in whole steps, without the crumbs of binary fractions."""
        return float(f"{round(value / self.step) * self.step:.12g}")

    def _slid(self, change: Any) -> None:
        if not self._silent:
            self.show(change["new"])
            self._on_change(self.name, self.value)

    def _typed(self, change: Any) -> None:
        if not self._silent:
            self._silent = True
            try:
                self._slider.value = change["new"]
            finally:
                self._silent = False
            self._on_change(self.name, self.value)
