"""The short list of what differs from the defaults, each with an arrow that takes it back."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as w

from relionlab.jobs.differences import Difference, differences
from relionlab.params import Declared


class Changes(w.VBox):
    """Lists the differences while it is open.

    reset  called with the names whose values are to be the defaults again
    show   called with the name of a parameter that is to be brought into view
    """

    def __init__(self, reset: Callable[[list[str]], None], show: Callable[[str], None]) -> None:
        super().__init__([])
        self.add_class("rl-panel")
        self._reset, self._show = reset, show
        self._listed: list[Difference] = []
        self.toggle = w.ToggleButton(
            description="0 changed", tooltip="What differs from the defaults", layout=w.Layout(width="92px")
        )
        self.toggle.observe(lambda _change: self._draw(), "value")
        self._draw()

    def follow(self, job: Declared) -> list[str]:
        """Show what differs in this job, and return the names."""
        found = differences(job)
        if found != self._listed:
            self._listed = found
            self.toggle.description = f"{len(found)} changed"
            if self.toggle.value:
                self._draw()
        return [one.name for one in found]

    def _draw(self) -> None:
        self.layout.display = "" if self.toggle.value else "none"
        if not self.toggle.value:
            self.children = ()
            return
        lines: list[w.Widget] = [self._line(one) for one in self._listed]
        if len(lines) > 1:
            everything = [one.name for one in self._listed]
            lines.append(self._button("Reset all", "All back to the defaults", everything, width="90px"))
        self.children = tuple(lines or [w.HTML('<div class="rl-muted">Everything is as the defaults have it.</div>')])

    def _line(self, one: Difference) -> w.HBox:
        back = self._button("↺", f"{one.label}: back to the default", [one.name], width="38px")
        find = w.Button(description="Show", tooltip=f"Go to {one.label}", layout=w.Layout(width="64px"))
        find.on_click(lambda _button: self._show(one.name))
        return w.HBox([back, find, w.HTML(f'<span class="rl-change">{html.escape(str(one))}</span>')])

    def _button(self, label: str, tip: str, names: list[str], *, width: str) -> w.Button:
        made = w.Button(description=label, tooltip=tip, layout=w.Layout(width=width))
        made.on_click(lambda _button: self._reset(names))
        return made
