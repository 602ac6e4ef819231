"""Bokeh figures with things to drag: images with circles and squares over them, curves with a line to move.

Names tell the parts, so that they change in place: ``image`` and ``outline:NAME`` are data sources, ``picture`` the figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PICTURE = "picture"
GREYS = tuple(f"#{level:02x}{level:02x}{level:02x}" for level in range(256))
_CORNERS = 72


@dataclass(frozen=True)
class Outline:
    """Circles or squares of one size about several centres.

    centres  (n, 2) x and y in units of the figure
    scale    units of the figure per unit of the number that is their diameter or side
    square   squares, not circles
    """

    centres: np.ndarray
    scale: float
    square: bool = False

    def line(self, value: float) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of the outlines at this diameter or side; NaN between two of them."""
        half = self.size(value) / 2
        if self.square:
            x, y = half * np.array([-1.0, 1, 1, -1, -1]), half * np.array([-1.0, -1, 1, 1, -1])
        else:
            angle = np.linspace(0, 2 * np.pi, _CORNERS + 1)
            x, y = half * np.cos(angle), half * np.sin(angle)
        shape = np.append(np.stack([x, y]), np.full((2, 1), np.nan), axis=1)
        both = self.centres[:, :, None] + shape[None]
        return both[:, 0].ravel(), both[:, 1].ravel()

    def value_at(self, x: float, y: float) -> float:
        """Return the diameter or side with which the nearest outline goes through a point."""
        apart = np.abs(self.centres - (x, y))
        reach = apart.max(axis=1) if self.square else np.hypot(apart[:, 0], apart[:, 1])
        return self.value_of(float(2 * reach.min()))

    def apart(self, value: float, x: float, y: float) -> float:
        """Return how far a point lies from the nearest outline of this value, in units of the figure."""
        return abs(self.size(self.value_at(x, y)) - self.size(value)) / 2

    def size(self, value: float) -> float:
        """Return the diameter or side of a value, in units of the figure."""
        return value * self.scale

    def value_of(self, size: float) -> float:
        """Return the value of a diameter or side."""
        return size / self.scale


class Ring(Outline):
    """Circles whose diameter is ``scale`` over the number: resolutions on a power spectrum."""

    def size(self, value: float) -> float:
        """Return the diameter of a resolution."""
        return self.scale / max(value, 1e-6)

    def value_of(self, size: float) -> float:
        """Return the resolution of a diameter."""
        return self.scale / max(size, 1e-6)


def image_figure(
    image: np.ndarray,
    *,
    width: int,
    height: int,
    bounds: tuple[float, float] | None = None,
    name: str = PICTURE,
    palette: Sequence[str] = GREYS,
) -> Any:
    """Return a figure that holds a grey image (y, x), uint8, with its first row at the top and no axes.

    width, height  on the screen, in px
    bounds         width and height of the image in the figure's units; by default its pixels
    """
    from bokeh.plotting import figure

    across, down = bounds or (image.shape[1], image.shape[0])
    made = figure(
        name=name, width=width, height=height, x_range=(0, across), y_range=(down, 0), tools="", toolbar_location=None
    )
    made.axis.visible = made.grid.visible = False
    made.min_border = 0
    made.outline_line_color = None
    made.background_fill_color = made.border_fill_color = None
    add_image(made, "image", image, bounds=(across, down), palette=palette)
    return made


def add_image(
    figure: Any, name: str, image: np.ndarray, *, bounds: tuple[float, float], palette: Sequence[str] = GREYS
) -> None:
    """Lay an image (y, x), uint8, over a figure; ``palette``: a colour for each value, "#rrggbb" or "#rrggbbaa"."""
    from bokeh.models import ColumnDataSource, LinearColorMapper

    source = ColumnDataSource({"image": [np.ascontiguousarray(image)]}, name=name)
    mapper = LinearColorMapper(palette=list(palette), low=0, high=len(palette) - 1)
    figure.image("image", source=source, x=0, y=0, dw=bounds[0], dh=bounds[1], color_mapper=mapper)


def add_outline(figure: Any, name: str, color: str, *, dash: str = "solid", width: float = 2.0) -> None:
    """Add an empty line, "outline:NAME", with a dark seam that keeps it visible on bright images."""
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource({"x": [], "y": []}, name=f"outline:{name}")
    figure.line("x", "y", source=source, line_color="#000000", line_alpha=0.55, line_width=width + 2)
    figure.line("x", "y", source=source, line_color=color, line_width=width, line_dash=dash)


def add_captions(figure: Any, texts: Sequence[str], *, x: Sequence[float], y: Sequence[float]) -> None:
    """Write small texts, each with its lower left corner at x, y."""
    from bokeh.models import ColumnDataSource

    source = ColumnDataSource({"x": list(x), "y": list(y), "text": list(texts)}, name="captions")
    figure.text(
        "x", "y", "text", source=source, text_font_size="11px", text_color="#ffffff", text_baseline="bottom",
        background_fill_color="#000000", background_fill_alpha=0.55, padding=2,
    )  # fmt: skip


def curve_figure(*, width: int, height: int, x_label: str, y_label: str, name: str = "curves", **options: Any) -> Any:
    """Return an empty figure with axes, in colours that fit light and dark pages."""
    from bokeh.plotting import figure

    made = figure(
        name=name, width=width, height=height, tools="", toolbar_location=None, x_axis_label=x_label,
        y_axis_label=y_label, **options,
    )  # fmt: skip
    made.background_fill_color = made.border_fill_color = made.outline_line_color = None
    made.grid.grid_line_color, made.grid.grid_line_alpha = "#888888", 0.3
    for axis in made.axis:
        axis.axis_line_color = axis.major_tick_line_color = "#888888"
        axis.minor_tick_line_color = None
        axis.axis_label_text_color = axis.major_label_text_color = "#888888"
        axis.axis_label_text_font_size = "12px"
    return made
