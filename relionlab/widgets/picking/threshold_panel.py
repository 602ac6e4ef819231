"""Sliders of the thresholds that a tuning can move, made from the form's declarations."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as w

from relionlab.jobs.picking.autopick import AutoPick
from relionlab.widgets.parts.slider import Slider

_SHORT = {"mindist_autopick": "Minimum distance", "log_adjust_thr": "Adjust threshold"}
"""Labels that are shorter than the form's."""
_STEPS = 400  # of the threshold over its range


class ThresholdPanel(w.VBox):
    """One row for each threshold: a slider that acts while it is dragged, and a box to type in.

    names   the form's names of the thresholds
    values  the job whose values they begin with
    """

    def __init__(self, names: Iterable[str], values: AutoPick) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._rows = {name: ThresholdRow(name, getattr(values, name), self._changed) for name in names}
        self._silent = False
        super().__init__([row.box for row in self._rows.values()], layout=w.Layout(width="100%"))
        self.add_class("rl-thresholds")

    @property
    def values(self) -> dict[str, Any]:
        """The thresholds by their names in the form."""
        return {name: row.value for name, row in self._rows.items()}

    def set(self, **values: Any) -> None:
        """Move some of them; those who listen are told once."""
        self._silent = True
        try:
            for name, value in values.items():
                self._rows[name].show(value)
        finally:
            self._silent = False
        self._changed()

    def range(self, name: str, low: float, high: float) -> None:
        """Let a slider go from ``low`` to ``high``, and to its present value in any case."""
        self._silent = True
        try:
            self._rows[name].range(low, high)
        finally:
            self._silent = False

    def on_change(self, listener: Callable[[], None]) -> None:
        """Have a function called whenever a threshold is changed."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        if not self._silent:
            for listener in self._listeners:
                listener()


class ThresholdRow:
    """Label, slider, number and unit; one that may be ``None`` has a tick that turns it on."""

    def __init__(self, name: str, value: float | None, changed: Callable[[], None]) -> None:
        parameter = AutoPick.parameters()[name]
        low, high, step = parameter.suggested or (0.0, 1.0, 0.01)
        least, most = parameter.bounds
        self._least, self._most = least, most
        self.optional = parameter.none_as is not None
        self._off = 99999.0 if name == "log_upper_thr" else None  # RELION's number for: no upper threshold
        self.optional |= self._off is not None
        on = value is not None and value != self._off
        start = float(value) if on and value is not None else (low + high) / 2
        label = f"{_SHORT.get(name, parameter.label)}{'' if parameter.unit == 'unitless' else f' ({parameter.unit})'}"
        tip = parameter.help
        self._tick = w.Checkbox(
            value=on, indent=False, description=label, tooltip=tip, layout=w.Layout(width="auto", flex="1 1 auto")
        )
        head = (
            self._tick if self.optional else w.HTML(f'<span class="rl-label" title="{html.escape(tip)}">{label}</span>')
        )
        low, high = min(low, start), max(high, start)
        self._slider = Slider(start, min=low, max=high, step=_round_step((high - low) / _STEPS), disabled=not on)
        self._slider.layout = w.Layout(width="auto", flex="1 1 auto", margin="0 8px 0 4px")
        self._number = w.FloatText(start, step=step, disabled=not on, layout=w.Layout(width="66px"))
        self._slider.tip = self._number.tooltip = parameter.label
        top = w.HBox([head, self._number], layout=w.Layout(justify_content="space-between", align_items="center"))
        self.box = w.VBox([top, self._slider])
        self.box.add_class(f"rl-threshold-{name}")
        self._changed, self._quiet = changed, False
        for part in (self._slider, self._number):
            part.observe(lambda change: self._moved(change["new"]), "value")
        self._tick.observe(lambda _change: self._switched(), "value")

    @property
    def value(self) -> float | None:
        """The threshold; ``None`` (or RELION's number for it) where it is off."""
        return float(self._number.value) if self._tick.value or not self.optional else self._off

    def show(self, value: float | None) -> None:
        """Show a value."""
        self._quiet = True
        try:
            if self.optional:
                self._tick.value = value is not None and value != self._off
                self._enable()
            if value is not None and value != self._off:
                self._put(float(value))
        finally:
            self._quiet = False
        self._changed()

    def range(self, low: float, high: float) -> None:
        """Let the slider go so far."""
        value = float(self._number.value)
        low, high = min(low, value), max(high, value)
        self._quiet = True
        try:
            self._slider.stretch(low, high)
            self._slider.step = self._number.step = _round_step((high - low) / _STEPS)
        finally:
            self._quiet = False

    def _moved(self, value: float) -> None:
        if self._quiet:
            return
        self._quiet = True
        try:
            if self._least is not None:
                value = max(value, self._least)
            self._put(value)
        finally:
            self._quiet = False
        self._changed()

    def _put(self, value: float) -> None:
        self._slider.stretch(min(self._slider.min, value), max(self._slider.max, value))
        self._number.value = float(f"{value:.6g}")
        self._slider.value = value

    def _switched(self) -> None:
        self._enable()
        if not self._quiet:
            self._changed()

    def _enable(self) -> None:
        self._slider.disabled = self._number.disabled = not self._tick.value


def _round_step(step: float) -> float:
    """Return 1, 2 or 5 times a power of ten, not above ``step``."""
    import math

    decade = 10.0 ** math.floor(math.log10(step))
    return next(part * decade for part in (5, 2, 1) if part * decade <= step * 1.0001)
