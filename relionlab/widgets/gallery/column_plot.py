"""Any column of a table against any other, or how often its values occur; points are chosen by drawing a box around them."""

from __future__ import annotations

from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.column_words import heading
from relionlab.display.density import Extent, density, shaded
from relionlab.display.histograms import MOST_BARS
from relionlab.display.row_choice import RowChoice
from relionlab.display.style import PALETTE
from relionlab.errors import ParameterError, StarError
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure

MOST_POINTS = 20_000
"""More points than this are drawn as a density."""
_COUNT = "how often (histogram)"
_SIZE = (950, 380)


class ColumnPlot(w.VBox):
    """A plot of the rows that are shown.

    choice  rows and what is chosen of them, shared with the table
    x, y    columns to begin with; without y a histogram of x
    """

    def __init__(self, choice: RowChoice, *, x: str | None = None, y: str | None = None) -> None:
        self.choice = choice
        labels = numeric_columns(choice)
        if not labels:
            raise StarError("This table has no column of numbers, so there is nothing to plot.")
        options = [(heading(label), label) for label in labels]
        self._x = w.Dropdown(
            options=options, value=x or labels[0], description="Across", layout=w.Layout(width="260px")
        )
        self._y = w.Dropdown(
            options=[(_COUNT, ""), *options], value=y or "", description="Up", layout=w.Layout(width="260px")
        )
        for field in (self._x, self._y):
            field.style = {"description_width": "48px"}
            field.observe(lambda _change: self._anew(), "value")
        self._quiet = False
        self._told = w.HTML()
        self._keep = w.Checkbox(
            value=False, description="add to the choice", indent=False, layout=w.Layout(width="150px")
        )
        self.figure = _figure()
        self.live = LiveFigure(
            self.figure,
            handles=["plot"],
            ranges=True,
            description="Plot of two columns; the table has the same numbers",
        )
        self.live.on("drag", self._boxed)
        self.live.on("drop", self._dropped)
        self.live.on("range", self._zoomed)
        super().__init__([w.HBox([self._x, self._y, self._keep]), self.live, self._told])
        self._extent = Extent(0, 1, 0, 1)
        choice.on_change(self._changed)
        self._anew()

    def plot(self, x: str, y: str | None = None) -> None:
        """Plot these columns; without ``y`` a histogram of ``x``."""
        labels = numeric_columns(self.choice)
        for label in (x, y):
            if label and label not in labels:
                raise ParameterError(f"{label} is not a column of numbers: choose one of {', '.join(labels)}.")
        self._quiet = True
        try:
            self._x.value, self._y.value = x, y or ""
        finally:
            self._quiet = False
        self._anew()

    def select_box(self, extent: Extent) -> None:
        """Choose the shown rows whose points lie in a part of the plot; of a histogram only x counts."""
        rows, x, y = self._points()
        y = np.full(len(x), (extent.y0 + extent.y1) / 2) if y is None else y
        inside = rows[extent.holds(x, y)]
        self.choice.select(np.union1d(self.choice.rows, inside) if self._keep.value else inside)

    # --- drawing --------------------------------------------------------------------------------------------------

    def _points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the rows that are shown, and their x and y."""
        table, rows = self.choice.table, self.choice.shown
        x = table.numbers(self._x.value)[rows]
        return rows, x, None if not self._y.value else table.numbers(self._y.value)[rows]

    def _anew(self) -> None:
        """Draw other columns or other rows: axes and all."""
        if self._quiet:
            return
        _, x, y = self._points()
        if y is None:
            counts, edges = _bars(x)
            self._extent = Extent(float(edges[0]), float(edges[-1]), 0.0, 1.05 * float(max(counts.max(initial=1), 1)))
        else:
            self._extent = Extent.around(x, y)
        live, extent = self.live, self._extent
        live.set("x axis", axis_label=heading(self._x.value))
        live.set("y axis", axis_label="Rows" if y is None else heading(self._y.value))
        live.set("x range", start=extent.x0, end=extent.x1, reset_start=extent.x0, reset_end=extent.x1)
        live.set("y range", start=extent.y0, end=extent.y1, reset_start=extent.y0, reset_end=extent.y1)
        self._draw()

    def _draw(self) -> None:
        rows, x, y = self._points()
        chosen = self.choice.chosen[rows]
        nothing = np.zeros(0)
        if y is None:
            self._draw_bars(x, chosen)
            self.live.data("points", x=nothing, y=nothing)
            self.live.data("chosen points", x=nothing, y=nothing)
            self._draw_density(nothing, nothing)
        else:
            self.live.data("bars", left=nothing, right=nothing, top=nothing)
            self.live.data("chosen bars", left=nothing, right=nothing, top=nothing)
            seen = self._extent.holds(x, y)
            few = np.count_nonzero(seen) <= MOST_POINTS
            self._draw_density(nothing if few else x, nothing if few else y)
            self.live.data("points", x=x[seen] if few else nothing, y=y[seen] if few else nothing)
            marked = np.flatnonzero(seen & chosen)
            marked = marked[:: max(1, -(-len(marked) // MOST_POINTS))]
            self.live.data("chosen points", x=x[marked], y=y[marked])
        drawn = len(rows)
        words = "" if y is None or drawn <= MOST_POINTS else "; the darker the more points"
        self._told.value = (
            f'<div class="rl-muted">{drawn:,} rows, {int(chosen.sum()):,} of them chosen (orange){words}.'
            " Drag a box to choose; the wheel zooms.</div>"
        )

    def _draw_density(self, x: np.ndarray, y: np.ndarray) -> None:
        extent = self._extent
        self.live.data("density", image=shaded(density(x, y, extent)))
        self.live.set("density image", x=extent.x0, y=extent.y0, dw=extent.x1 - extent.x0, dh=extent.y1 - extent.y0)

    def _draw_bars(self, x: np.ndarray, chosen: np.ndarray) -> None:
        counts, edges = _bars(x)
        self.live.data("bars", left=edges[:-1], right=edges[1:], top=counts.astype(float))
        held = np.histogram(x[chosen & np.isfinite(x)], edges)[0]
        self.live.data("chosen bars", left=edges[:-1], right=edges[1:], top=held.astype(float))

    # --- what happens ---------------------------------------------------------------------------------------------

    def _changed(self, change: str) -> None:
        if change == "shown":
            self._anew()
        elif change == "chosen":
            self._draw()

    def _boxed(self, event: FigureEvent) -> None:
        if event.start is None:
            return
        (x0, y0), (x1, y1) = event.start, (event.x, event.y)
        if not self._y.value:
            y0, y1 = self._extent.y0, self._extent.y1
        self.live.data("box", left=[min(x0, x1)], right=[max(x0, x1)], bottom=[min(y0, y1)], top=[max(y0, y1)])

    def _dropped(self, event: FigureEvent) -> None:
        self.live.data("box", left=[], right=[], bottom=[], top=[])
        if event.start is None:
            return
        (x0, y0), (x1, y1) = event.start, (event.x, event.y)
        self.select_box(Extent(min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)))

    def _zoomed(self, event: FigureEvent) -> None:
        """Count the points again in what is shown now, so that zooming shows finer squares, and points where they are few."""
        if event.shown is None or not self._y.value:
            return
        extent = Extent(*event.shown)
        if extent != self._extent:
            self._extent = extent
            self._draw()


def numeric_columns(choice: RowChoice) -> list[str]:
    """Return the labels of the columns that hold numbers."""
    found = []
    for label in choice.table.labels:
        column = choice.table[label]
        if column.dtype != object:
            found.append(label)
        elif len(column):
            try:
                float(column[0])
                choice.table.numbers(label)
                found.append(label)
            except (ValueError, StarError):
                continue
    return found


def _bars(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    finite = x[np.isfinite(x)]
    extent = Extent.around(finite, finite, margin=0.0) if finite.size else Extent(0, 1, 0, 1)
    return np.histogram(finite, int(np.clip(len(finite) // 4, 5, 2 * MOST_BARS)), (extent.x0, extent.x1))


def _figure() -> Any:
    """Return the empty figure: density below, points, bars, what is chosen, and the box that is being drawn."""
    from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
    from bokeh.plotting import figure

    def source(name: str, *columns: str) -> Any:
        return ColumnDataSource({column: [] for column in columns}, name=name)

    ranges = Range1d(0, 1, name="x range"), Range1d(0, 1, name="y range")
    made = figure(
        name="plot",
        width=_SIZE[0],
        height=_SIZE[1],
        x_range=ranges[0],
        y_range=ranges[1],
        tools="wheel_zoom,reset,save",
        active_scroll="wheel_zoom",
        toolbar_location="above",
    )
    made.xaxis[0].name, made.yaxis[0].name = "x axis", "y axis"
    palette = _blues()
    image = ColumnDataSource({"image": [np.zeros((2, 2), np.uint8)]}, name="density")
    made.image(
        "image", source=image, x=0, y=0, dw=1, dh=1, color_mapper=LinearColorMapper(palette, low=0, high=255)
    ).glyph.name = "density image"
    made.scatter("x", "y", source=source("points", "x", "y"), size=4, color=PALETTE[0], alpha=0.55, line_color=None)
    bars = {"left": "left", "right": "right", "top": "top", "bottom": 0, "line_color": "white", "line_width": 0.5}
    made.quad(source=source("bars", "left", "right", "top"), fill_color=PALETTE[0], **bars)
    made.quad(source=source("chosen bars", "left", "right", "top"), fill_color=PALETTE[4], **bars)
    made.scatter(
        "x",
        "y",
        source=source("chosen points", "x", "y"),
        size=5,
        color=PALETTE[4],
        line_color="#7a5200",
        line_width=0.5,
    )
    made.quad(
        "left",
        "right",
        "top",
        "bottom",
        source=source("box", "left", "right", "bottom", "top"),
        fill_color=PALETTE[4],
        fill_alpha=0.15,
        line_color="#7a5200",
        line_dash="dashed",
    )
    made.grid.grid_line_color = "#E5E5E5"
    return made


def _blues() -> list[str]:
    """Return 256 colours: see-through for nothing, then light to dark blue."""
    light, dark = np.array([0xBF, 0xDD, 0xF0]), np.array([0x00, 0x2B, 0x5B])
    steps = np.linspace(0, 1, 255)[:, None]
    colours = (light * (1 - steps) + dark * steps).astype(int)
    return ["#FFFFFF00", *("#{:02X}{:02X}{:02X}".format(*colour) for colour in colours.tolist())]
