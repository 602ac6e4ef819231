"""One parameter in a form: its label, entry, slider, unit, explanation, and what is wrong with its value.

The widgets are made when they are first asked for: a form has some hundred parameters, of which a page shows eight.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import ipywidgets as w

from relionlab.errors import ParameterError
from relionlab.params import Declared, to_text
from relionlab.widgets.forms.choice_box import ChoiceBox
from relionlab.widgets.forms.field_slider import FieldSlider

LABEL_WIDTH, ENTRY_WIDTH, UNIT_WIDTH, SLIDER_WIDTH, WIDE = "270px", "116px", "76px", "340px", "552px"
_BRIEF = 3  # letters of a default that stands for something short, as a point group
_COMPARED = {"==": "is", "!=": "is not", ">": "is above", ">=": "is at least", "<": "is below", "<=": "is at most"}


class Field:
    """The row of one parameter, made from its declaration alone.

    name     the parameter's name
    row      the widgets, to be placed in a form
    entry    the widget that holds the value: a text box, a check box, a list of choices, or a box that offers files
    slider   beside a number with a suggested range, else ``None``

    ``pick`` makes the box that offers files; ``helper`` makes the small button of a picture that helps to find the value.
    """

    def __init__(
        self,
        declared: type[Declared],
        name: str,
        *,
        on_change: Callable[[str], None],
        pick: Callable[[str], ChoiceBox] | None = None,
        helper: Callable[[str], w.Widget | None] | None = None,
    ) -> None:
        self.declared, self.name = declared, name
        self.parameter = declared.parameters()[name]
        self._on_change, self._pick, self._helper = on_change, pick, helper
        self._silent = self._explained = self._changed = False
        self._applies = True
        self._value: Any = declared.default(name)
        self._shown, self._doubt, self._words, self._needed = "", "", "", ""

    # --- the value ---------------------------------------------------------------------------------------------

    @property
    def made(self) -> bool:
        """Whether its widgets are there."""
        return "entry" in self.__dict__

    def read(self) -> Any:
        """Return the value; raises ParameterError if the text is none."""
        if not self.made:
            return self._value
        value = self.entry.value
        if self._is_text:
            if self.declared.kind(self.name)[0] is str:
                return None if value == "" and self.parameter.none_as is not None else value
            return self.declared.parse(self.name, value)
        return value

    def write(self, value: Any) -> None:
        """Show a value, without telling anybody."""
        self._value = value
        if not self.made:
            return
        self._silent = True
        try:
            self.entry.value = to_text(value) if self._is_text else value
            self._move_slider()
        finally:
            self._silent = False

    # --- how it looks -------------------------------------------------------------------------------------------

    def show_problem(self, text: str) -> None:
        """Say below the entry what is wrong; an empty text takes it away."""
        if text != self._shown:
            self._shown = text
            self._dress()

    def show_doubt(self, text: str) -> None:
        """Say below the entry what may be wrong, though it keeps nothing from running."""
        if text != self._doubt:
            self._doubt = text
            self._dress()

    def show_needed(self, *, needed: bool, found: bool = False) -> None:
        """Say quietly that the entry has to be filled; ``found``: that what stands in it from the beginning is not there."""
        text = "" if not needed else "needed: this is not there" if found else "needed"
        if text != self._needed:
            self._needed = text
            self._dress()

    def show_words(self, text: str) -> None:
        """Say below the entry what the file holds that it names."""
        if text != self._words:
            self._words = text
            self._dress()

    def enable(self, *, applies: bool) -> None:
        """Grey the row out where its conditions do not hold."""
        if self._applies is not applies:
            self._applies = applies
            self._dress()

    def explain(self, *, shown: bool) -> None:
        """Show the explanation below the entry, or not."""
        if self._explained is not shown:
            self._explained = shown
            self._dress()

    def mark_changed(self, *, changed: bool) -> None:
        """Mark the label of a value that is not the default."""
        if self._changed is not changed:
            self._changed = changed
            self._dress()

    # --- how it is made -----------------------------------------------------------------------------------------

    @cached_property
    def entry(self) -> Any:
        """The widget that holds the value."""
        plain, choices = self.declared.kind(self.name)
        entry = self._new_entry(plain, choices)
        entry.value = to_text(self._value) if isinstance(entry, w.Text | ChoiceBox) else self._value
        entry.disabled = not self._applies
        entry.observe(self._entered, "value")
        return entry

    @cached_property
    def slider(self) -> FieldSlider | None:
        """The slider of a number with a suggested range."""
        if self.parameter.suggested is None:
            return None
        whole = self.declared.kind(self.name)[0] is int
        made = FieldSlider(self.parameter.suggested, whole=whole, label=self.parameter.label, width=SLIDER_WIDTH)
        made.disabled = not self._applies
        made.on_slide(lambda value: setattr(self.entry, "value", to_text(value)))
        return made

    @cached_property
    def row(self) -> w.VBox:
        """The whole row."""
        label = self._label = w.HTML(layout=w.Layout(width=LABEL_WIDTH, flex="0 0 auto"))
        unit = "" if self.parameter.unit == "unitless" else html.escape(self.parameter.unit)
        parts: list[w.Widget] = [label, self.entry]
        if unit or self.slider is not None:
            parts.append(
                w.HTML(f'<span class="rl-unit">{unit}</span>', layout=w.Layout(width=UNIT_WIDTH, flex="0 0 auto"))
            )
        parts += [part for part in (self.slider, self._helper(self.name) if self._helper else None) if part is not None]
        self._below = w.HTML(layout=w.Layout(margin=f"0 0 0 calc({LABEL_WIDTH} + 6px)", max_width="640px"))
        row = w.VBox([w.HBox(parts), self._below])
        for name in ("rl-row", f"rl-field-{self.name}"):
            row.add_class(name)
        self._move_slider()
        self.__dict__["row"] = row
        self._dress()
        return row

    @property
    def explanation(self) -> str:
        """The help, the default, the allowed values, and what RELION calls the parameter."""
        low, high = self.parameter.bounds
        unit = "" if self.parameter.unit == "unitless" else f" {self.parameter.unit}"
        limits = [f"at least {low:g}{unit}"] if low is not None else []
        limits += [f"at most {high:g}{unit}"] if high is not None else []
        default = to_text(self.declared.default(self.name))
        told = [f"Default: {default}{unit if default else ''}."] if default else []
        told += [f"Allowed: {', '.join(limits)}."] if limits else []
        told += [f"Flag: {self.parameter.flag}."] if self.parameter.flag else []
        return " ".join([self.parameter.help, *told])

    @property
    def why_grey(self) -> str:
        """What must hold for the parameter to apply: "Applies only if 'Submit to queue' is Yes."."""
        told = []
        for condition in self.parameter.when:
            if condition.field in self.declared.parameters():
                label = self.declared.parameters()[condition.field].label
                wanted = to_text(condition.value) or "empty"
                told.append(f"'{label}' {_COMPARED[condition.comparison]} {wanted}")
        return f"Applies only if {' and '.join(told)}." if told else ""

    def _new_entry(self, plain: type, choices: Sequence[Any]) -> Any:
        tip = self.parameter.help
        if choices:
            return w.Dropdown(options=choices, value=self._value, layout=w.Layout(width=WIDE), tooltip=tip)
        if plain is bool:
            return w.Checkbox(indent=False, layout=w.Layout(width="auto"), tooltip=tip)
        if self._pick is not None and (self.parameter.node or self.parameter.pattern):
            return self._pick(self.name)
        empty = "none" if self.parameter.none_as is not None else ""
        brief = 0 < len(to_text(self.declared.default(self.name))) <= _BRIEF
        width = WIDE if plain is str and not brief else ENTRY_WIDTH
        return w.Text(continuous_update=True, placeholder=empty, layout=w.Layout(width=width), tooltip=tip)

    @property
    def _is_text(self) -> bool:
        return isinstance(self.entry, w.Text | ChoiceBox)

    def _dress(self) -> None:
        """Bring the widgets to what is known of the row."""
        for widget in filter(None, (self.__dict__.get("entry"), self.__dict__.get("slider"))):
            widget.disabled = not self._applies
        if "row" not in self.__dict__:
            return
        tip = self.explanation if self._applies else f"{self.why_grey} {self.explanation}"
        self._label.value = (
            f'<span class="rl-label" title="{html.escape(tip)}">{html.escape(self.parameter.label)}</span>'
        )
        (self.row.remove_class if self._applies else self.row.add_class)("rl-off")
        (self.row.add_class if self._shown else self.row.remove_class)("rl-wrong")
        (self.row.add_class if self._changed else self.row.remove_class)("rl-changed")
        told = [f'<div class="rl-problem" role="alert">{html.escape(self._shown)}</div>'] if self._shown else []
        told += [f'<div class="rl-holds">{self._needed}</div>'] if self._needed else []
        told += [f'<div class="rl-holds">{html.escape(self._words)}</div>'] if self._words and self._applies else []
        told += [f'<div class="rl-doubt">{html.escape(self._doubt)}</div>'] if self._doubt and self._applies else []
        told += [f'<div class="rl-help">{html.escape(self.explanation)}</div>'] if self._explained else []
        self._below.value = "".join(told)
        self._below.layout.display = "" if told else "none"

    # --- what happens ------------------------------------------------------------------------------------------

    def _entered(self, _change: Any) -> None:
        if self._silent:
            return
        self._move_slider()
        self._on_change(self.name)

    def _move_slider(self) -> None:
        if self.slider is None:
            return
        try:
            self.slider.stand_at(self.read())
        except ParameterError:  # what is typed is no number yet
            return
