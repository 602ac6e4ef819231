"""One row of controls for how all micrographs that are shown look: contrast, filters, circles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from relionlab.widgets.parts.slider import Slider
from relionlab.widgets.picking.micrograph_view import MicrographView

_EVEN = 6.0
"""Particle diameters beyond which slow changes of the ice's brightness are taken out to begin with."""


class LooksRow(w.HBox):
    """Contrast in sigma, low-pass and high-pass in Å, inverted, and the diameter of the circles.

    views     returns the views that are there now
    diameter  Å, of the circles to begin with
    """

    def __init__(self, views: Callable[[], Sequence[MicrographView]], *, diameter: float) -> None:
        self._views = views
        narrow = w.Layout(width="64px")
        self.sigma = Slider(3.0, min=1, max=8, step=0.25, layout=w.Layout(width="120px"))
        self.low_pass = w.BoundedFloatText(20.0, min=0, max=1000, step=5, layout=narrow)
        self.high_pass = w.BoundedFloatText(
            100 * round(_EVEN * diameter / 100), min=0, max=100000, step=100, layout=narrow
        )
        self.diameter = w.BoundedFloatText(round(diameter), min=1, max=100000, step=10, layout=narrow)
        self.inverted = w.Checkbox(value=False, indent=False, description="inverted", layout=w.Layout(width="auto"))
        labelled = [
            ("contrast (σ)", self.sigma, "Standard deviations that become black and white"),
            ("low-pass (Å)", self.low_pass, "For the eye only; 0: none"),
            ("high-pass (Å)", self.high_pass, "For the eye only; 0: none"),
            ("circles (Å)", self.diameter, "Diameter of the circles"),
        ]
        parts: list[w.Widget] = []
        for words, control, tip in labelled:
            setattr(control, "tip" if isinstance(control, Slider) else "tooltip", tip)
            parts += [w.HTML(f'<span class="rl-muted" title="{tip}">{words}</span>'), control]
            control.observe(self._changed, "value")
        self.inverted.observe(self._changed, "value")
        super().__init__([*parts, self.inverted])
        self.add_class("rl-looks")

    def apply(self, view: MicrographView) -> None:
        """Give a view these looks."""
        view.contrast(self.sigma.value)
        view.filter(low_pass=self.low_pass.value or None, high_pass=self.high_pass.value or None)
        view.inverted, view.diameter = self.inverted.value, self.diameter.value

    def invert(self) -> None:
        """Turn black into white, or back."""
        self.inverted.value = not self.inverted.value

    def _changed(self, _change: object) -> None:
        for view in self._views():
            self.apply(view)
