"""The head of a form: title, search, what differs from the defaults, presets, explanations, level."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

import ipywidgets as w

from relionlab.params import Declared
from relionlab.widgets.forms.pages import LEVELS
from relionlab.widgets.forms.search import SearchBox


class Head(w.HBox):
    """One line.

    extras  further switches, placed before "Explain"
    found   called with the name of the parameter that was searched for
    change  called when level or explanations are switched
    """

    def __init__(
        self,
        declared: type[Declared],
        extras: Sequence[w.Widget],
        *,
        level: str,
        found: Callable[[str], None],
        change: Callable[[], None],
    ) -> None:
        self.title = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self.search = SearchBox(declared, found)
        self.explain = w.ToggleButton(
            description="Explain", tooltip="Show what each parameter means", layout=w.Layout(width="72px")
        )
        self.level = w.ToggleButtons(
            options=[(name.capitalize(), name) for name in LEVELS],
            value=level,
            style={"button_width": "82px"},
            tooltips=("What a newcomer sets", "What an expert sets now and then", "What hardly anybody sets"),
        )
        self.name(declared.title or declared.__name__)
        super().__init__([self.title, self.search, *extras, self.explain, self.level])
        self.add_class("rl-head")
        for switch in (self.explain, self.level):
            switch.observe(lambda _change: change(), "value")

    def name(self, title: str, job: str = "") -> None:
        """Show the title, and the job that the form is about."""
        about = f' <span class="rl-muted" title="{html.escape(job)}">{html.escape(job)}</span>' if job else ""
        self.title.value = f'<span class="rl-title">{html.escape(title)}</span>{about}'
