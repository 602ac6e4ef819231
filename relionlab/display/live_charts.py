"""Bokeh charts whose data are replaced while a job runs: their sources and figures carry names, and are made once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from relionlab.display.style import PALETTE

QUIET = "#7f7f7f"
"""Grey of texts and axes, to be read on light and on dark ground."""
_GRID = "rgba(127,127,127,0.22)"


def chart(title: str, x: str, y: str, *, size: tuple[int, int] = (312, 195), **options: Any) -> Any:
    """Return an empty Bokeh figure, quiet enough to stand beside others, on the ground of the page.

    x, y     labels of the axes, with units
    size     screen px
    options  of Bokeh's ``figure``: name, y_axis_type, y_range …
    """
    from bokeh.models import BasicTicker, LogTicker
    from bokeh.plotting import figure

    made = figure(title=title, width=size[0], height=size[1], tools="", toolbar_location=None, **options)
    made.xaxis.axis_label, made.yaxis.axis_label = x, y
    made.background_fill_color = made.border_fill_color = None
    made.outline_line_color = None
    made.title.text_color = QUIET
    made.title.text_font_size = "10pt"
    for axis in made.axis:
        axis.axis_label_text_color = axis.major_label_text_color = QUIET
        axis.axis_line_color = axis.major_tick_line_color = QUIET
        axis.minor_tick_line_color = None
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "8pt"
    made.grid.grid_line_color = _GRID
    if options.get("y_axis_type") == "log":
        made.yaxis.ticker = LogTicker(
            mantissas=[1, 2, 5], num_minor_ticks=0
        )  # all nine lie on each other where there is little room
    if x in ("Iteration", "Micrograph", "Movie"):
        made.xaxis.ticker = BasicTicker(min_interval=1, num_minor_ticks=0)
    return made


def add_line(
    figure: Any, source: Any, columns: tuple[str, str], *, place: int = 0, dots: bool = True, **style: Any
) -> None:
    """Draw a line, with dots that tell their values, in the palette's colour number ``place``."""
    from bokeh.models import HoverTool

    x, y = columns
    colour = style.pop("color", PALETTE[place])
    figure.line(x, y, source=source, color=colour, line_width=style.pop("width", 2), **style)
    if dots:
        drawn = figure.scatter(x, y, source=source, color=colour, size=5, **style)
        figure.add_tools(
            HoverTool(
                renderers=[drawn],
                tooltips=[
                    (figure.xaxis[0].axis_label, f"@{{{x}}}"),
                    (figure.yaxis[0].axis_label, f"@{{{y}}}{{0.000}}"),
                ],
            )
        )


def rows_of(figures: Sequence[Any], *, columns: int) -> Any:
    """Return figures as one layout, so many beside each other."""
    from bokeh.layouts import gridplot

    rows = [list(figures[start : start + columns]) for start in range(0, len(figures), columns)]
    return gridplot(rows, toolbar_location=None)


def bars(values: np.ndarray, *, most: int = 30) -> dict[str, np.ndarray]:
    """Return the columns "left", "right" and "top" of a histogram of values; nan counts nowhere."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if not known.size:
        return {name: np.zeros(0) for name in ("left", "right", "top")}
    low, high = float(known.min()), float(known.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5
    count = int(np.clip(np.sqrt(2 * known.size), 6, most))
    top, edges = np.histogram(known, bins=count, range=(low, high))
    return {"left": edges[:-1], "right": edges[1:], "top": top.astype(float)}


def histogram_chart(
    name: str, title: str, x: str, *, counted: str = "Micrographs", size: tuple[int, int] = (312, 195), place: int = 0
) -> Any:
    """Return a histogram whose source is called ``name`` and has the columns of :func:`bars`."""
    from bokeh.models import BasicTicker, ColumnDataSource

    source = ColumnDataSource(bars(np.zeros(0)), name=name)
    figure = chart(title, x, counted, size=size)
    figure.quad(
        left="left",
        right="right",
        top="top",
        bottom=0,
        source=source,
        fill_color=PALETTE[place],
        line_color="white",
        line_width=0.5,
    )
    figure.y_range.start = 0
    figure.yaxis.ticker = BasicTicker(min_interval=1, num_minor_ticks=0)
    return figure
