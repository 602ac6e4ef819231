"""The figures of merit of what could be picked, with the threshold as a line that can be dragged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from relionlab.display.picks import COLOURS, WRONG
from relionlab.display.style import FAINT, PALETTE
from relionlab.jobs.picking.merits import Merits
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure

BINS = 60
_INK = "#808080"
"""Of texts and axes: read on light and on dark ground."""
_LEAST = 0.7  # lower end of the axis of counts, which is logarithmic


class MeritView(LiveFigure):
    """A histogram; picked bars have the colours of the picks, all others are grey.

    words          what stands below its axis
    width, height  screen pixels; it becomes as wide as its place
    """

    def __init__(self, *, words: str = "figure of merit", width: int = 300, height: int = 200) -> None:
        self._on_threshold: list[Callable[[float], None]] = []
        self._span = (0.0, 1.0)
        super().__init__(
            _figure(width, height, words),
            handles=["threshold"],
            keys=["ArrowLeft", "ArrowRight"],
            description="Histogram of the figures of merit, with the threshold",
        )
        self.threshold = 0.0
        self.on("drag", self._dragged)
        self.on("drop", self._dragged)
        self.on("tap", self._tapped)
        self.on("key", self._pressed)

    def show(
        self, merits: Merits, *, threshold: float, span: tuple[float, float], noise: float | None, best: float | None
    ) -> None:
        """Show these figures of merit.

        span   range of the axis
        noise  from where downwards picks explode; ``None``: nobody knows
        best   the threshold of the best F1, if one is known
        """
        low, high = span
        edges = np.linspace(low, high, BINS + 1)
        # The threshold parts its bin, so that the coloured bars hold what is picked and no more.
        cut = np.unique(np.concatenate([edges, np.clip([threshold], low, high)]))
        values = np.clip(merits.values, low, high)
        picked, left = (np.histogram(values[chosen], cut)[0] for chosen in (merits.picked, ~merits.picked))
        self.data("left", **_bars(cut, left, [FAINT] * len(left)))
        middles = (cut[1:] + cut[:-1]) / 2
        self.data("picked", **_bars(cut, picked, [colour_at(value, span) for value in middles]))
        refused = np.histogram(np.clip(merits.rejected, low, high), edges)[0]
        x, y = np.repeat(edges, 2)[1:-1], np.repeat(np.maximum(refused, _LEAST), 2)
        self.data("refused", x=x if refused.any() else [], y=y if refused.any() else [])
        most = max(picked.max(initial=1), left.max(initial=1), refused.max(initial=1))
        if span != self._span:
            self._span = span
            self.set("x", start=low - 0.01 * (high - low), end=high + 0.01 * (high - low))
        self.set("y", start=_LEAST, end=1.6 * float(most))
        self.place(threshold)
        self.set("noise", visible=noise is not None, **({} if noise is None else {"right": noise}))
        self.data("best", x=[] if best is None else [best], y=[] if best is None else [1.25 * float(most)])

    def place(self, threshold: float) -> None:
        """Put the line there."""
        self.threshold = threshold
        self.set("threshold", location=threshold)

    def on_threshold(self, listener: Callable[[float], None]) -> None:
        """Have a function called with the threshold while its line is dragged."""
        self._on_threshold.append(listener)

    def _dragged(self, event: FigureEvent) -> None:
        if event.hit == "threshold":
            self._said(event.x)

    def _tapped(self, event: FigureEvent) -> None:
        if event.button == 0:
            self._said(event.x)

    def _pressed(self, event: FigureEvent) -> None:
        low, high = self._span
        self._said(self.threshold + (1 if event.key == "ArrowRight" else -1) * (high - low) / 200)

    def _said(self, threshold: float) -> None:
        low, high = self._span
        for listener in self._on_threshold:
            listener(min(max(threshold, low), high))


def colour_at(value: float, span: tuple[float, float]) -> str:
    """Return the colour of a figure of merit, blended as the picks' own are."""
    low, high = span
    place = np.clip((value - low) / (high - low), 0, 1) * (len(COLOURS) - 1)
    first = min(int(place), len(COLOURS) - 2)
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in COLOURS[first : first + 2]]
    mixed = np.rint(np.array(ends[0]) + (place - first) * (np.array(ends[1]) - ends[0])).astype(int)
    return "#{:02X}{:02X}{:02X}".format(*mixed)


def _bars(edges: np.ndarray, counts: np.ndarray, colours: list[str]) -> dict[str, Any]:
    shown = counts > 0
    return {
        "left": edges[:-1][shown],
        "right": edges[1:][shown],
        "top": counts[shown].astype(float),
        "colour": [colour for colour, there in zip(colours, shown, strict=True) if there],
    }


def plain_figure(width: int, height: int, **more: Any) -> Any:
    """Return an empty Bokeh figure without tools, for light and dark ground."""
    from bokeh.plotting import figure

    drawn = figure(
        width=width,
        height=height,
        tools="",
        toolbar_location=None,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border=0,
        min_border_right=8,
        sizing_mode="stretch_width",
        **more,
    )
    drawn.grid.grid_line_color, drawn.grid.grid_line_alpha = _INK, 0.18
    for axis in drawn.axis:
        axis.axis_label_text_font_size = "12px"
        axis.major_label_text_font_size, axis.axis_label_standoff = "11px", 3
        axis.axis_label_text_color = axis.major_label_text_color = axis.axis_line_color = _INK
        axis.major_tick_line_color, axis.minor_tick_line_color = _INK, None
    return drawn


def _figure(width: int, height: int, words: str) -> Any:
    from bokeh.models import BasicTickFormatter, BoxAnnotation, ColumnDataSource, FixedTicker, Range1d, Span

    drawn = plain_figure(
        width,
        height,
        name="merits",
        x_range=Range1d(0, 1, name="x"),
        y_range=Range1d(_LEAST, 10, name="y"),
        y_axis_type="log",
        x_axis_label=words,
        y_axis_label="places",
    )
    counts = [part * 10**decade for decade in range(7) for part in (1, 3)]
    drawn.yaxis.ticker, drawn.yaxis.formatter = FixedTicker(ticks=counts), BasicTickFormatter()
    drawn.add_layout(BoxAnnotation(right=0, fill_color=WRONG, fill_alpha=0.1, name="noise", visible=False))
    empty: dict[str, list[Any]] = {"left": [], "right": [], "top": [], "colour": []}
    for name in ("left", "picked"):
        source = ColumnDataSource({key: [] for key in empty}, name=name)
        drawn.quad("left", "right", "top", _LEAST, source=source, fill_color="colour", line_color=None)
    refused = ColumnDataSource({"x": [], "y": []}, name="refused")
    drawn.line("x", "y", source=refused, line_color=WRONG, line_width=1.5)
    best = ColumnDataSource({"x": [], "y": []}, name="best")
    drawn.scatter("x", "y", source=best, marker="inverted_triangle", size=9, color=PALETTE[0])
    line = Span(location=0, dimension="height", line_color=PALETTE[0], line_width=3, name="threshold")
    drawn.add_layout(line)
    return drawn
