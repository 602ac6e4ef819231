"""The controls of one map in the surface view: its level in three ways, colour, opacity, and whether it is seen."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.display.enclosed import Enclosed
from relionlab.display.map_sources import ShownMap
from relionlab.display.maps import level_of
from relionlab.widgets.parts.slider import Slider


class MapRow(w.VBox):
    """Level (density, standard deviations above the mean, or kDa enclosed), colour and opacity of one map.

    shown    the map
    color    at the beginning
    changed  called with the row when something moves

    The three ways to say the level follow each other.
    """

    def __init__(self, shown: ShownMap, *, color: str, changed: Callable[[MapRow], None]) -> None:
        self.shown, self.enclosed, self._changed, self._quiet = shown, Enclosed(shown), changed, False
        known = self.enclosed
        start = known.level_of_sigmas(level_of(shown.array))
        low, high = max(known.low, known.mean - 2 * known.deviation), known.high
        self._seen = w.Checkbox(value=True, indent=False, layout=w.Layout(width="24px"))
        self._seen.tooltip = "Show this map"
        name = w.HTML(
            f'<b title="{html.escape(str(shown.path or shown.name))}">{html.escape(shown.name)}</b>',
            layout=w.Layout(flex="1 1 0", min_width="0"),
        )
        self._color = w.ColorPicker(concise=True, value=color, layout=w.Layout(width="30px"))
        self._color.tooltip = "Colour of the surface"
        self._slider = Slider(
            start, min=low, max=high, step=(high - low) / 400, layout=w.Layout(width="auto", flex="1 1 auto")
        )
        self._slider.tip = "Level of the surface"
        self._slider.add_class("rl-level")
        self._density = self._number("Density at the surface")
        self._sigmas = self._number("Standard deviations above the mean")
        self._weight = self._number("Weight of protein (0.81 Da/Å³) that the surface encloses")
        self._told = w.HTML()
        self._opacity = Slider(1, min=0.1, max=1, step=0.05, layout=w.Layout(width="90px"))
        self._opacity.tip = "Opacity"
        label = lambda text: w.HTML(f'<span class="rl-muted">{text}</span>')  # noqa: E731
        super().__init__(
            [
                w.HBox([self._seen, name, self._opacity, self._color]),
                w.HBox([w.HTML("Level"), self._slider]),
                w.HBox([self._density, self._sigmas, label("σ"), self._weight, label("kDa"), self._told]),
            ]
        )
        self.add_class("rl-map-row")
        self.layout.flex = "0 0 auto"
        self._slider.observe(lambda change: self.set_level(change["new"]), "value")
        self._density.observe(lambda change: self.set_level(change["new"]), "value")
        self._sigmas.observe(lambda change: self.set_level(known.level_of_sigmas(change["new"])), "value")
        self._weight.observe(lambda change: self.set_level(known.level_of_weight(change["new"])), "value")
        for part in (self._seen, self._color, self._opacity):
            part.observe(lambda _change: self._changed(self), "value")
        self._level = start
        self._say()

    @property
    def level(self) -> float:
        """Density at the surface."""
        return self._level

    @property
    def color(self) -> str:
        """Colour of the surface."""
        return str(self._color.value)

    @property
    def opacity(self) -> float:
        """0 to 1."""
        return float(self._opacity.value)

    @property
    def seen(self) -> bool:
        """Whether the map is shown."""
        return bool(self._seen.value)

    def set_level(self, level: float) -> None:
        """Put the surface at a density."""
        if self._quiet:
            return
        self._level = float(level)
        self._say()
        self._changed(self)

    def set_look(self, *, color: str | None = None, opacity: float | None = None, seen: bool | None = None) -> None:
        """Change colour, opacity, or whether the map is shown."""
        for part, value in ((self._color, color), (self._opacity, opacity), (self._seen, seen)):
            if value is not None:
                part.value = value

    def _say(self) -> None:
        self._quiet = True
        try:
            self._slider.value = self._level
            self._density.value = float(f"{self._level:.4g}")
            self._sigmas.value = round(self.enclosed.sigmas(self._level), 2)
            self._weight.value = float(f"{self.enclosed.weight(self._level):.4g}")
        finally:
            self._quiet = False
        self._told.value = f'<span class="rl-muted">· {self.enclosed.words(self._level)}</span>'

    def _number(self, tip: str) -> Any:
        made = w.FloatText(layout=w.Layout(width="84px"), continuous_update=False)
        made.tooltip = tip
        return made
