"""Tools on one image: line profile, histogram, Fourier transform, and a region drawn by hand as a 2D mask.

tools = ImageTools("Class2D/job010/run_it025_classes.mrcs", index=3)
tools.add_circle((48, 48), 30)
tools.save("mask2d.mrc", soft_edge_px=5)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

import ipywidgets as w
import numpy as np

from relionlab.display.histograms import MOST_BARS
from relionlab.display.image_views import ImageLook, binned, greys, low_passed, power_spectra
from relionlab.engine import regions
from relionlab.errors import ParameterError
from relionlab.io.images import read_header, read_stack, write_image
from relionlab.widgets.gallery.tool_figure import tool_figure
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.slider import Slider

Tool = Literal["line", "circle", "rectangle", "freehand", "polygon"]
_TOOLS: dict[str, Tool] = {
    "Line": "line",
    "Circle": "circle",
    "Rectangle": "rectangle",
    "Free-hand": "freehand",
    "Polygon": "polygon",
}
_LONGEST = 900  # px of the image that is sent
_MOST_VALUES = 2_000_000  # pixels that are counted; of more every second, third …
_ORANGE = np.uint32(0x60009FE6)  # of the mask over the image: alpha, blue, green, red


class ImageTools(w.VBox):
    """An image with its tools.

    image       (y, x), or an image file
    index       which image of a stack, from 0
    pixel_size  Å; by default the file's own
    name        what it is called on the screen
    """

    def __init__(
        self, image: np.ndarray | str | Path, *, index: int = 0, pixel_size: float | None = None, name: str = "Image"
    ) -> None:
        if not isinstance(image, np.ndarray):
            name, pixel_size = Path(image).name, pixel_size or read_header(image).pixel_size
            image = read_stack(image, [index])[0]
        self.image, self.pixel_size, self.name = image, pixel_size or 1.0, name
        self.region = np.zeros(image.shape, dtype=bool)
        self.line: tuple[tuple[float, float], tuple[float, float]] | None = None
        self._points: list[tuple[float, float]] = []
        self._made: dict[tuple[str, float], np.ndarray] = {}
        self.message = Message()
        self.figure = tool_figure(image.shape)
        description = f"{name} with what is drawn on it, beside it the line profile or histogram"
        self.live = LiveFigure(self.figure, handles=["image"], keys=["Escape", "Enter"], description=description)
        self._tool = w.ToggleButtons(options=list(_TOOLS.items()), value="line", style={"button_width": "92px"})
        self._view = w.ToggleButtons(
            options=[("Image", "image"), ("FFT", "power")], value="image", style={"button_width": "70px"}
        )
        self._low = _number("Low-pass Å", 0.0, "Smooth for the eye to this resolution; 0: not")
        self._edge = _number("Soft edge px", 5.0, "Over how many px the mask falls from 1 to 0, outside the region")
        self._subtract = w.Checkbox(value=False, description="take away", indent=False, layout=w.Layout(width="95px"))
        low, high = (float(value) for value in np.percentile(image[:: 1 + image.shape[0] // 1024], (1, 99.9)))
        step = (high - low) / 200 or 1.0
        self._threshold = Slider(
            high, min=low, max=high, step=step, digits=3, tip="Threshold", layout=w.Layout(width="200px")
        )
        self._told = w.HTML()
        self._file = w.Text(value="mask2d.mrc", layout=w.Layout(width="150px"), tooltip="File for the mask")
        super().__init__([style_sheet(), *self._parts()])
        self.add_class("rl-gallery")
        self.live.on("drag", self._dragged)
        self.live.on("drop", self._dropped)
        self.live.on("tap", self._tapped)
        self.live.on("key", lambda event: self.close_polygon() if event.key == "Enter" else self.clear())
        self._view.observe(lambda _change: self._draw_image(), "value")
        self._low.observe(lambda _change: (self._draw_image(), self._draw_region()), "value")
        self._threshold.observe(lambda change: self.set_threshold(change["new"]), "value")
        self._edge.observe(lambda _change: self._draw_region(), "value")
        self._draw_image()
        self._draw_region()

    def _parts(self) -> list[w.Widget]:
        made = partial(button, message=self.message, width="84px")
        row = partial(w.HBox, layout=w.Layout(flex_flow="row wrap", align_items="center"))
        regions_row = [
            made("Close shape", "End the polygon (Enter)", self.close_polygon, width="104px"),
            made("Invert", "Take what is outside instead", self.invert),
            made("Clear", "Start anew (Esc)", self.clear),
        ]
        save = made(
            "Save mask",
            "Write the region as a mask, .mrc",
            lambda: self.save(self._file.value),
            icon="save",
            width="110px",
        )
        return [
            row([self._tool, self._subtract, *regions_row]),
            row([self._view, self._low, w.HTML("Threshold"), self._threshold, self._edge, self._file, save]),
            self.live,
            self._told,
            self.message,
        ]

    # --- what is drawn --------------------------------------------------------------------------------------------

    def set_line(self, start: tuple[float, float], end: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Draw a line between two points (x, y in px); return distances in px and the grey values along it."""
        self.line = (start, end)
        distance, values = regions.line_profile(self._seen(), start, end)
        self.live.data("line", x=[start[0], end[0]], y=[start[1], end[1]])
        self._draw_profile(distance, values)
        length = float(distance[-1])
        self._say(
            f"Line of {length:.1f} px = {length * self.pixel_size:.1f} Å, grey values {np.nanmin(values):.3g} to {np.nanmax(values):.3g}"
        )
        return distance, values

    def add_circle(self, centre: tuple[float, float], radius_px: float, *, take_away: bool = False) -> None:
        """Add the inside of a circle to the region, or take it away; ``centre`` (x, y) in px."""
        self._combine(regions.circle_region(self.image.shape, centre, radius_px), take_away=take_away)

    def add_rectangle(
        self, corner: tuple[float, float], other: tuple[float, float], *, take_away: bool = False
    ) -> None:
        """Add a rectangle between two opposite corners (x, y) in px to the region, or take it away."""
        self._combine(regions.rectangle_region(self.image.shape, corner, other), take_away=take_away)

    def add_polygon(self, points: np.ndarray, *, take_away: bool = False) -> None:
        """Add the inside of a polygon (n, 2), x and y in px, to the region, or take it away."""
        self._combine(regions.polygon_region(self.image.shape, np.asarray(points, dtype=float)), take_away=take_away)

    def set_threshold(self, low: float) -> None:
        """Make the region all pixels of at least this grey value, of the image as it is smoothed for the eye."""
        self.region = regions.threshold_region(self._smooth(), low)
        self._draw_region()

    def close_polygon(self) -> None:
        """End the polygon that is being drawn, and add it to the region."""
        points, self._points = self._points, []
        if len(points) < 3:
            raise ParameterError(
                "A polygon needs three corners: choose Polygon, click them in the image, then close the shape."
            )
        self.add_polygon(np.array(points), take_away=self._subtract.value)

    def invert(self) -> None:
        """Make the region what is outside of it now."""
        self.region = ~self.region
        self._draw_region()

    def clear(self) -> None:
        """Draw nothing."""
        self.region = np.zeros(self.image.shape, dtype=bool)
        self._points, self.line = [], None
        self.live.data("line", x=[], y=[])
        self._draw_region()

    # --- what comes of it -----------------------------------------------------------------------------------------

    @property
    def mask(self) -> np.ndarray:
        """The region with its soft edge, float32 (y, x), 0 to 1."""
        return regions.soft_edged(self.region, max(self._edge.value, 0.0))

    def save(self, path: str | Path, *, soft_edge_px: float | None = None) -> Path:
        """Write the mask as an MRC image and return its path; ParameterError if nothing is drawn."""
        if not self.region.any():
            raise ParameterError("The region is empty: draw a circle, a rectangle or a shape, or use the threshold.")
        place = Path(path)
        if place.suffix != ".mrc":
            raise ParameterError(f"{place} does not end in .mrc: give a name such as mask2d.mrc.")
        if soft_edge_px is not None:
            self._edge.value = soft_edge_px
        write_image(place, self.mask, pixel_size=self.pixel_size)
        share = 100 * float(self.region.mean())
        self.message.say(f"Wrote {place}: {share:.1f} % of the image, soft edge {self._edge.value:g} px.")
        return place

    # --- drawing --------------------------------------------------------------------------------------------------

    def _smooth(self) -> np.ndarray:
        if self._low.value <= 0:
            return self.image
        return self._remembered(
            ("smooth", self._low.value),
            lambda: low_passed(self.image[None], self._low.value, pixel_size=self.pixel_size)[0],
        )

    def _seen(self) -> np.ndarray:
        """Return what lies under the pointer: the image, or its spectrum stretched over the same place."""
        return self._smooth() if self._view.value == "image" else self._remembered(("power", 0.0), self._power)

    def _power(self) -> np.ndarray:
        power = power_spectra(self.image[None])[0]
        rows, columns = (
            np.arange(size) * held // size for size, held in zip(self.image.shape, power.shape, strict=True)
        )
        return power[np.ix_(rows, columns)]

    def _remembered(self, key: tuple[str, float], make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return an image made before: filtering 4096² px takes a second, which a drag has not."""
        if key not in self._made:
            self._made = {name: image for name, image in self._made.items() if name[0] != key[0]}
            self._made[key] = make()
        return self._made[key]

    def _draw_image(self) -> None:
        drawn = greys(binned(self._seen()[None], _LONGEST)[0], ImageLook())[0]
        self.live.data("picture", image=drawn)
        if self.line is not None:
            self.set_line(*self.line)

    def _draw_region(self) -> None:
        small, factor = binned(self.region[None].astype(np.float32), _LONGEST)
        mask = regions.soft_edged(small[0] >= 0.5, max(self._edge.value, 0.0) / factor)
        alpha = (mask * 96).astype(np.uint32) << 24
        self.live.data("region", image=alpha | (_ORANGE & np.uint32(0xFFFFFF)))
        self._draw_points()
        inside = self._smooth()[self.region] if self.region.any() else self._smooth().ravel()
        inside = inside[:: 1 + len(inside) // _MOST_VALUES]
        if self.line is None:
            self._draw_histogram(inside)
        which = (
            f"Region: {self.region.sum():,} px ({100 * self.region.mean():.1f} %)"
            if self.region.any()
            else "Whole image"
        )
        self._say(
            f"{which}: mean {inside.mean():.4g}, deviation {inside.std():.4g}, {inside.min():.4g} to {inside.max():.4g}"
        )

    def _draw_points(self) -> None:
        x, y = zip(*self._points, strict=True) if self._points else ((), ())
        self.live.data("outline", x=list(x), y=list(y))

    def _draw_profile(self, distance: np.ndarray, values: np.ndarray) -> None:
        self._side("Distance (Å)", "Grey value", distance * self.pixel_size, values)
        self.live.data("profile", x=distance * self.pixel_size, y=values)
        self.live.data("bars", left=[], right=[], top=[])

    def _draw_histogram(self, values: np.ndarray) -> None:
        counts, edges = np.histogram(values, grey_edges(values))
        self._side("Grey value", "Pixels", edges, np.append(counts, 0))
        self.live.data("profile", x=[], y=[])
        self.live.data("bars", left=edges[:-1], right=edges[1:], top=counts.astype(float))

    def _side(self, across: str, up: str, x: np.ndarray, y: np.ndarray) -> None:
        low, high = float(np.nanmin(y)), float(np.nanmax(y))
        room = 0.05 * (high - low) or 1.0
        self.live.set("side x", start=float(x[0]), end=float(x[-1]) or 1.0)
        self.live.set("side y", start=0.0 if low == 0 else low - room, end=high + room)
        self.live.set("side x axis", axis_label=across)
        self.live.set("side y axis", axis_label=up)

    def _say(self, words: str) -> None:
        self._told.value = f'<div class="rl-muted">{words}.</div>'

    # --- what the pointer does ------------------------------------------------------------------------------------

    def _combine(self, part: np.ndarray, *, take_away: bool) -> None:
        self.region = self.region & ~part if take_away else self.region | part
        self.line = None
        self.live.data("line", x=[], y=[])
        self._draw_region()

    def _dragged(self, event: FigureEvent) -> None:
        if event.figure != "image" or event.start is None:
            return
        tool, here = self._tool.value, (event.x, event.y)
        if tool == "line":
            self.set_line(event.start, here)
        elif tool == "freehand":
            self._points = [*(self._points or [event.start]), here]
            self._draw_points()
        elif tool in ("circle", "rectangle"):
            outline = _outline(tool, event.start, here)
            self.live.data("outline", x=outline[:, 0], y=outline[:, 1])

    def _dropped(self, event: FigureEvent) -> None:
        if event.figure != "image" or event.start is None:
            return
        tool, here, away = self._tool.value, (event.x, event.y), self._subtract.value
        if tool == "circle":
            radius = float(np.hypot(here[0] - event.start[0], here[1] - event.start[1]))
            self.add_circle(event.start, radius, take_away=away)
        elif tool == "rectangle":
            self.add_rectangle(event.start, here, take_away=away)
        elif tool == "freehand" and len(self._points) > 2:
            points, self._points = [*self._points, here], []
            self.add_polygon(np.array(points), take_away=away)
        elif tool == "line":
            self.set_line(event.start, here)

    def _tapped(self, event: FigureEvent) -> None:
        if event.figure != "image":
            return
        if self._tool.value == "polygon":
            self._points = [*self._points, (event.x, event.y)]
            self._draw_points()
        self._say(self._about(event.x, event.y))

    def _about(self, x: float, y: float) -> str:
        """Return what lies at a point, in words."""
        seen = self._seen()
        column, row = (
            int(np.clip(round(value), 0, size - 1)) for value, size in ((x, seen.shape[1]), (y, seen.shape[0]))
        )
        if self._view.value == "image":
            return f"x {column}, y {row} px ({column * self.pixel_size:.1f}, {row * self.pixel_size:.1f} Å): {seen[row, column]:.4g}"
        across, up = (x - seen.shape[1] // 2) / seen.shape[1], (y - seen.shape[0] // 2) / seen.shape[0]
        radius = float(np.hypot(across, up))
        return f"resolution {self.pixel_size / radius:.2f} Å" if radius > 0 else "zero frequency"


def grey_edges(values: np.ndarray) -> np.ndarray:
    """Return the edges of a histogram's bars between the 0.1th and 99.9th percentile; of whole numbers, as an electron counter's,
    bars of equally many whole numbers, for any others would be too high or too low by turns.
    """
    low, high = (float(value) for value in np.percentile(values, (0.1, 99.9)))
    if np.array_equal(values[:1000], np.rint(values[:1000])) and high > low:
        step = max(1, round((high - low) / (2 * MOST_BARS)))
        return np.arange(np.floor(low) - 0.5, high + step + 0.5, step)
    return np.linspace(low, high if high > low else low + 1, 2 * MOST_BARS + 1)


def _outline(tool: str, start: tuple[float, float], here: tuple[float, float]) -> np.ndarray:
    """Return the rim of a circle or rectangle that is being drawn, (n, 2)."""
    if tool == "circle":
        radius = np.hypot(here[0] - start[0], here[1] - start[1])
        turn = np.linspace(0, 2 * np.pi, 61)
        return np.stack([start[0] + radius * np.cos(turn), start[1] + radius * np.sin(turn)], axis=1)
    (x0, y0), (x1, y1) = start, here
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])


def _number(words: str, value: float, tip: str) -> Any:
    made = w.FloatText(
        value, description=words, step=1, continuous_update=False, tooltip=tip, layout=w.Layout(width="152px")
    )
    made.style = {"description_width": "94px"}
    return made
