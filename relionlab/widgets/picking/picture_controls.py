"""The controls beside a micrograph: circles, contrast, filters; what they say is done to the views they belong to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import ipywidgets as w

from relionlab.widgets.parts.slider import Slider
from relionlab.widgets.picking.micrograph_view import MicrographView


@dataclass(frozen=True)
class Picture:
    """How micrographs are shown.

    diameter  of the circles, Å
    sigma     standard deviations that become black and white; 0: the extremes
    low_pass, high_pass  Å; 0: none
    black, white  grey values; both 0: by ``sigma``
    inverted  whether high grey values are black
    """

    diameter: float = 150.0
    sigma: float = 3.0
    low_pass: float = 20.0
    high_pass: float = 0.0
    black: float = 0.0
    white: float = 0.0
    inverted: bool = False

    @property
    def as_dict(self) -> dict[str, Any]:
        """The settings by name, to be kept."""
        return asdict(self)


class PictureControls(w.VBox):
    """Sliders and fields for :class:`Picture`, which act on views while they are dragged.

    views  the views; ``views.append(…)`` adds one
    """

    def __init__(self, views: Sequence[MicrographView], start: Picture | None = None, *, columns: int = 2) -> None:
        self.views = list(views)
        self.value = start or Picture()
        self._listeners: list[Callable[[Picture], Any]] = []
        ends = self.value
        self.diameter = _slider(
            ends.diameter,
            (10, max(500, 2 * ends.diameter), 5),
            "Of the circles: the particle's longest side",
        )
        self.sigma = _slider(
            ends.sigma,
            (0, 10, 0.25),
            "Standard deviations that become black and white; 0: the extremes",
        )
        self.low_pass = _slider(
            max(ends.low_pass, 0), (0, 100, 1), "Finer detail is taken away, for the eye only; 0: none"
        )
        self.high_pass = _slider(
            max(ends.high_pass, 0),
            (0, 1000, 20),
            "Coarser detail, as uneven ice, is taken away, for the eye only; 0: none",
        )
        self.black = _number("Black", ends.black, "Grey value that becomes black; both 0: by the contrast")
        self.white = _number("White", ends.white, "Grey value that becomes white; both 0: by the contrast")
        self.inverted = w.ToggleButton(
            value=ends.inverted,
            description="Inverted",
            tooltip="High grey values black (key I)",
            layout=w.Layout(width="auto", flex="0 0 auto", margin="2px 2px 2px auto"),
        )
        layout = w.Layout(
            grid_template_columns=f"repeat(auto-fit, minmax(max(250px, 100% / {columns} - 12px), 1fr))",
            grid_gap="0 12px",
            width="100%",
            overflow="hidden",
        )
        rows = {
            "Diameter (Å)": self.diameter,
            "Contrast (σ)": self.sigma,
            "Low-pass (Å)": self.low_pass,
            "High-pass (Å)": self.high_pass,
        }
        sliders = w.GridBox([_row(label, slider) for label, slider in rows.items()], layout=layout)
        values = w.HBox([self.black, self.white, self.inverted], layout=w.Layout(width="100%", overflow="hidden"))
        super().__init__([sliders, values])
        for part in (self.diameter, self.sigma, self.low_pass, self.high_pass, self.black, self.white, self.inverted):
            part.observe(self._changed, "value")
        self.show()

    def on_change(self, callback: Callable[[Picture], Any]) -> None:
        """Have a function called with the settings after each change."""
        self._listeners.append(callback)

    def set(self, **changes: Any) -> None:
        """Change settings, by their names in :class:`Picture`."""
        for name, value in asdict(replace(self.value, **changes)).items():
            getattr(self, name).value = value

    def show(self) -> None:
        """Show the views with these settings."""
        picture = self.value
        own = picture.black != 0 or picture.white != 0
        for view in self.views:
            with view.hold_sync():
                view.diameter, view.inverted = picture.diameter, picture.inverted
                view.filter(low_pass=picture.low_pass or None, high_pass=picture.high_pass or None)
                view.contrast(picture.sigma, black=picture.black if own else None, white=picture.white if own else None)

    def _changed(self, _change: Any) -> None:
        self.value = Picture(**{name: getattr(self, name).value for name in asdict(self.value)})
        self.show()
        for listener in self._listeners:
            listener(self.value)


def _slider(value: float, limits: tuple[float, float, float], tip: str) -> Slider:
    low, high, step = limits
    layout = w.Layout(flex="1 1 auto", width="auto", min_width="0")
    return Slider(value, min=low, max=max(high, value), step=step, digits=4, tip=tip, layout=layout)


def _row(label: str, slider: Slider) -> w.HBox:
    words = w.Label(label, layout=w.Layout(width="88px", flex="0 0 auto", justify_content="flex-end"))
    return w.HBox([words, slider], layout=w.Layout(min_width="0", overflow="hidden"))


def _number(label: str, value: float, tip: str) -> w.FloatText:
    return w.FloatText(
        value=value, description=label, tooltip=tip, continuous_update=False,
        layout=w.Layout(width="170px" if label == "Black" else "122px"),
        style={"description_width": "92px" if label == "Black" else "44px"},
    )  # fmt: skip
