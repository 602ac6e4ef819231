"""One parameter in a form: its label, entry, slider, unit, explanation, and what is wrong with its value."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from relionlab.errors import ParameterError
from relionlab.params import Declared, to_text

LABEL_WIDTH, ENTRY_WIDTH, UNIT_WIDTH, SLIDER_WIDTH, WIDE = "250px", "120px", "84px", "260px", "520px"


class Field:
    """The row of one parameter, made from its declaration alone.

    name     the parameter's name
    row      the widgets, to be placed in a form
    entry    the widget that holds the value: a text box, a check box or a list of choices
    slider   beside a number with a suggested range, else ``None``
    """

    def __init__(
        self, declared: type[Declared], name: str, *, on_change: Callable[[str], None], files: Sequence[str] = ()
    ):
        self.declared, self.name = declared, name
        self.parameter = declared.parameters()[name]
        self._on_change = on_change
        self._silent = False
        self.slider = self._make_slider()
        self.entry = self._make_entry(files)
        self._problem = w.HTML(layout=w.Layout(display="none"))
        self._help = w.HTML(
            f'<div class="rl-help">{html.escape(self._explanation())}</div>', layout=w.Layout(display="none")
        )
        self.row = self._make_row()
        self.entry.observe(self._entered, "value")
        if self.slider is not None:
            self.slider.observe(self._slid, "value")

    # --- the value ---------------------------------------------------------------------------------------------

    def read(self) -> Any:
        """Return the value; raises ParameterError if the text is none."""
        value = self.entry.value
        if isinstance(self.entry, w.Text | w.Combobox):
            if self.declared.kind(self.name)[0] is str:
                return None if value == "" and self.parameter.none_as is not None else value
            return self.declared.parse(self.name, value)
        return value

    def write(self, value: Any) -> None:
        """Show a value, without telling anybody."""
        self._silent = True
        try:
            self.entry.value = to_text(value) if isinstance(self.entry, w.Text | w.Combobox) else value
            self._move_slider()
        finally:
            self._silent = False

    # --- how it looks -------------------------------------------------------------------------------------------

    def show_problem(self, text: str) -> None:
        """Say below the entry what is wrong; an empty text takes it away."""
        if text == getattr(self, "_shown", ""):
            return
        self._shown = text
        self._problem.value = f'<div class="rl-problem" role="alert">{html.escape(text)}</div>' if text else ""
        self._problem.layout.display = "block" if text else "none"
        (self.row.add_class if text else self.row.remove_class)("rl-wrong")

    def enable(self, *, applies: bool) -> None:
        """Grey the row out where its conditions do not hold."""
        if self.entry.disabled is not applies:
            return
        for widget in filter(None, (self.entry, self.slider)):
            widget.disabled = not applies
        (self.row.remove_class if applies else self.row.add_class)("rl-off")

    def reveal(self, *, levels: Sequence[str], explain: bool) -> bool:
        """Show the row if its level is one of these, with its explanation if asked; say whether it is shown."""
        shown = self.parameter.level in levels
        self.row.layout.display = "" if shown else "none"
        self._help.layout.display = "block" if explain else "none"
        return shown

    def offer(self, files: Sequence[str]) -> None:
        """Offer these files, if this is a field for files."""
        if isinstance(self.entry, w.Combobox):
            self.entry.options = tuple(files)

    # --- how it is made -----------------------------------------------------------------------------------------

    def _make_entry(self, files: Sequence[str]) -> Any:
        plain, choices = self.declared.kind(self.name)
        tip = self.parameter.help
        if choices:
            return w.Dropdown(options=choices, layout=w.Layout(width=WIDE), tooltip=tip)
        if plain is bool:
            return w.Checkbox(indent=False, layout=w.Layout(width="auto"), tooltip=tip)
        if self.parameter.node or self.parameter.pattern:
            hint = self.parameter.pattern or ""
            return w.Combobox(options=tuple(files), placeholder=hint, layout=w.Layout(width=WIDE), tooltip=tip)
        width = WIDE if plain is str else ENTRY_WIDTH
        empty = "none" if self.parameter.none_as is not None else ""
        return w.Text(continuous_update=True, placeholder=empty, layout=w.Layout(width=width), tooltip=tip)

    def _make_slider(self) -> Any:
        if self.parameter.suggested is None:
            return None
        low, high, step = self.parameter.suggested
        layout = w.Layout(width=SLIDER_WIDTH)
        if self.declared.kind(self.name)[0] is int:
            return w.IntSlider(min=int(low), max=int(high), step=int(step) or 1, readout=False, layout=layout)
        return w.FloatSlider(min=low, max=high, step=step, readout=False, layout=layout)

    def _make_row(self) -> w.VBox:
        label = w.HTML(
            f'<span class="rl-label" title="{html.escape(self._explanation(), quote=True)}">{html.escape(self.parameter.label)}</span>',
            layout=w.Layout(width=LABEL_WIDTH, flex="0 0 auto"),
        )
        unit = "" if self.parameter.unit == "unitless" else html.escape(self.parameter.unit)
        shown = w.HTML(
            f'<span class="rl-unit">{unit}</span>',
            layout=w.Layout(
                width=UNIT_WIDTH, flex="0 0 auto", display="" if unit or self.slider is not None else "none"
            ),
        )
        line = w.HBox([label, self.entry, shown, *([self.slider] if self.slider is not None else [])])
        below = w.VBox(
            [self._problem, self._help], layout=w.Layout(margin=f"0 0 0 calc({LABEL_WIDTH} + 4px)", max_width="640px")
        )
        row = w.VBox([line, below])
        for name in ("rl-row", f"rl-field-{self.name}"):
            row.add_class(name)
        return row

    def _explanation(self) -> str:
        low, high = self.parameter.bounds
        unit = "" if self.parameter.unit == "unitless" else f" {self.parameter.unit}"
        limits = [f"at least {low:g}{unit}"] if low is not None else []
        limits += [f"at most {high:g}{unit}"] if high is not None else []
        default = to_text(self.declared.default(self.name))
        told = [f"Default: {default}{unit if default else ''}."] if default else []
        told += [f"Allowed: {', '.join(limits)}."] if limits else []
        return " ".join([self.parameter.help, *told])

    # --- what happens ------------------------------------------------------------------------------------------

    def _entered(self, _change: Any) -> None:
        if self._silent:
            return
        self._silent = True
        try:
            self._move_slider()
        finally:
            self._silent = False
        self._on_change(self.name)

    def _slid(self, change: Any) -> None:
        # The browser rounds the slider to its steps and reports that back; a typed value must survive it.
        place = self._slider_place()
        if not self._silent and (place is None or abs(change["new"] - place) > self.slider.step / 2):
            self.entry.value = to_text(change["new"])

    def _move_slider(self) -> None:
        place = self._slider_place() if self.slider is not None else None
        if place is not None:
            self.slider.value = place

    def _slider_place(self) -> float | None:
        """Return where the slider stands for the entered value: its nearest step; ``None`` if there is no value."""
        try:
            value = self.read()
        except ParameterError:
            return None
        if value is None:
            return None
        low, high, step = self.slider.min, self.slider.max, self.slider.step
        whole = low + round((min(max(value, low), high) - low) / step) * step
        return type(low)(min(whole, high))
