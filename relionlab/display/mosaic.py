"""Many small images as one: each with its own grey scale, in rows, with room for a caption below each.

One image and one set of labels draw much faster than a hundred figures, in the page and on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.display.style import both

WHITE = 255
"""Grey value of the paper between the images; on a screen it is transparent, so that a dark page stays dark."""
DOTS = 110
"""Pixels of a mosaic per inch on paper."""
_ON_PAPER = 96 / DOTS
"""Points on paper for a point on the screen, which has 96 pixels per inch: texts fit the same room."""
_TEXT_WIDTH, _TEXT_HEIGHT = 42, 17  # of a scale bar's length in bold 8 pt, in screen pixels


@dataclass(frozen=True)
class Mosaic:
    """Where each image lies, in screen pixels: x to the right, y downwards from 0.

    Whole pixels throughout, so that the page shows every image unscaled.
    """

    count: int
    columns: int
    pixels: int = 112
    lines: int = 2

    @property
    def gap(self) -> int:
        """Room between images."""
        return max(4, self.pixels // 16)

    @property
    def caption(self) -> int:
        """Room for the lines below an image."""
        return 14 * self.lines + 8 if self.lines else 0

    @property
    def rows(self) -> int:
        """Number of rows."""
        return -(-self.count // self.columns)

    def corner(self, index: int) -> tuple[int, int]:
        """Return (x, y) of the upper left corner of an image."""
        row, column = divmod(index, self.columns)
        return column * (self.pixels + self.gap), row * (self.pixels + self.gap + self.caption)

    @property
    def width(self) -> int:
        """Width of the whole."""
        return self.columns * (self.pixels + self.gap) - self.gap

    @property
    def height(self) -> int:
        """Height of the whole, the last caption included."""
        return self.rows * (self.pixels + self.gap + self.caption) - self.gap


def grey(image: np.ndarray, *, diameter: float = 1.0, clip: tuple[float, float] = (1.0, 99.7)) -> np.ndarray:
    """Return an image (y, x) as uint8, 0 to 254, between two percentiles of the pixels inside a circle.

    diameter  of that circle, as a fraction of the box: what lies outside is often masked to a constant
    clip      percentiles that become black and white; a few hot pixels then do not darken the rest

    An image without contrast becomes an even grey.
    """
    image = np.asarray(image, dtype=np.float32)
    inside = image[_circle(image.shape, diameter)]
    inside = inside[np.isfinite(inside)]
    low, high = np.percentile(inside, clip) if inside.size else (0.0, 0.0)
    if not high > low:
        return np.full(image.shape, 128, dtype=np.uint8)
    scaled = np.nan_to_num((image - low) / (high - low), nan=0.0)
    return (np.clip(scaled, 0, 1) * (WHITE - 1)).astype(np.uint8)


def enlarge(image: np.ndarray, pixels: int) -> np.ndarray:
    """Return a uint8 image (y, x) of ``pixels`` squared, bicubic, so that small boxes are not drawn in blocks."""
    from PIL import Image

    if image.shape == (pixels, pixels):
        return image
    resampling = Image.Resampling.BICUBIC if pixels > image.shape[0] else Image.Resampling.BOX
    return np.minimum(np.asarray(Image.fromarray(image).resize((pixels, pixels), resampling)), WHITE - 1)


def mosaic(tiles: Sequence[np.ndarray], plan: Mosaic) -> Any:
    """Return the uint8 tiles (y, x) as one HoloViews image; row 0 of an image is drawn at its top."""
    import holoviews as hv

    canvas = np.full((plan.height, plan.width), WHITE, dtype=np.uint8)
    for index, tile in enumerate(tiles):
        x, y = plan.corner(index)
        canvas[y : y + plan.pixels, x : x + plan.pixels] = enlarge(tile, plan.pixels)
    image = hv.Image(canvas, bounds=(0, -plan.height, plan.width, 0), kdims=["x", "y"], vdims=["grey"])
    on_screen = {"tools": [], "clipping_colors": {"max": "transparent"}}
    return both(image, on_screen, {"interpolation": "bilinear"}, cmap="gray", clim=(0, WHITE - 1))


def captions(texts: Sequence[str], plan: Mosaic, *, size: int = 9) -> Any:
    """Return the captions below the images, ``size`` in points on the screen."""
    import holoviews as hv

    corners = [plan.corner(index) for index in range(plan.count)]
    half, below = plan.pixels / 2, plan.pixels + 2
    x, y = [left + half for left, _ in corners], [-top - below for _, top in corners]
    labels = hv.Labels((x, y, list(texts)), ["x", "y"], "text")
    return both(
        labels,
        {"text_font_size": f"{size}pt", "text_align": "center", "text_baseline": "top", "text_color": "#222222"},
        {"size": _ON_PAPER * size, "horizontalalignment": "center", "verticalalignment": "top", "color": "#222222"},
    )


def scale_bar(plan: Mosaic, *, width: float, length: float | None = None, tile: int = 0) -> Any:
    """Return a scale bar with its length in Å in an image, the first one as a rule; ``width``: of that image, in Å.

    It is white on a dark ground of its own, so that it is read on bright images too.
    """
    import holoviews as hv

    length = length or round_length(width / 3)
    x, y = plan.corner(tile)
    left, bottom, part = x + 0.06 * plan.pixels, -y - 0.94 * plan.pixels, plan.pixels * length / width
    ground = hv.Rectangles([(left - 4, bottom - 4, left + max(part, _TEXT_WIDTH) + 4, bottom + _TEXT_HEIGHT)])
    ground = both(ground, {"line_color": None, "tools": []}, {"linewidth": 0}, color="#000000", alpha=0.55)
    bar = hv.Segments([(left, bottom, left + part, bottom)], ["x", "y", "x1", "y1"])
    bar = both(bar, {"line_width": 3, "tools": []}, {"linewidth": 2.2}, color="#FFFFFF")
    # The text begins where the bar does: centred on a bar shorter than itself it would leave the image.
    text = hv.Labels(([left], [bottom + 2], [f"{length:g} Å"]), ["x", "y"], "text")
    text = both(
        text,
        {
            "text_font_size": "8pt",
            "text_align": "left",
            "text_baseline": "bottom",
            "text_font_style": "bold",
            "text_color": "#FFFFFF",
        },
        {
            "size": 8 * _ON_PAPER,
            "weight": "bold",
            "horizontalalignment": "left",
            "verticalalignment": "bottom",
            "color": "#FFFFFF",
        },
    )
    return ground * bar * text


def round_length(length: float) -> float:
    """Return the nearest of 1, 2, 5, 10, 20 … not above ``length``."""
    if not length > 0:
        return 1.0
    decade = 10.0 ** np.floor(np.log10(length))
    return float(decade * max(step for step in (1, 2, 5) if step * decade <= length * (1 + 1e-9)))


def sheet(overlay: Any, plan: Mosaic) -> Any:
    """Return an overlay of a mosaic as a figure without axes, one image pixel per screen pixel."""
    margin = 3
    width, height = plan.width + 2 * margin, plan.height + 2 * margin
    return both(
        overlay,
        {
            "frame_width": width,
            "frame_height": height,
            "show_grid": False,
            "toolbar": "right",
            "default_tools": ["save", "wheel_zoom", "pan", "reset"],
            "active_tools": [],
            "border": 2,
        },
        {
            "fig_inches": (width / DOTS, height / DOTS),
            "aspect": width / height,
            "bgcolor": "white",
            "show_frame": False,
            "hooks": [_fill],
        },
        xaxis=None,
        yaxis=None,
        title="",
        show_legend=False,
        xlim=(-margin, plan.width + margin),
        ylim=(-plan.height - margin, margin),
    )


def _fill(plot: Any, _element: Any) -> None:
    """Let the axes take the whole of a Matplotlib figure (a HoloViews hook), so that its texts have their size beside the images."""
    plot.handles["axis"].set_position((0.0, 0.0, 1.0, 1.0))


def _circle(shape: tuple[int, ...], diameter: float) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    radius = diameter * min(shape) / 2
    inside = (y - shape[0] // 2) ** 2 + (x - shape[1] // 2) ** 2 <= radius**2
    return inside if inside.any() else np.ones(shape, dtype=bool)
