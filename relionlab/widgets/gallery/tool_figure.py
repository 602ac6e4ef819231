"""The figure of the image tools: the image with what is drawn on it, and beside it a profile or a histogram."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.display.style import PALETTE

_SIDE = 440  # px of the longer side of the image on the screen


def tool_figure(shape: tuple[int, int]) -> Any:
    """Return the figure for an image (y, x), y down; sources: picture, region, line, outline, profile, bars."""
    from bokeh.layouts import row
    from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
    from bokeh.plotting import figure

    def source(name: str, *columns: str) -> Any:
        return ColumnDataSource({column: [] for column in columns}, name=name)

    rows, columns = shape
    scale = _SIDE / max(rows, columns)
    left = figure(
        name="image",
        frame_width=round(columns * scale),
        frame_height=round(rows * scale),
        x_range=Range1d(-0.5, columns - 0.5),
        y_range=Range1d(rows - 0.5, -0.5),
        tools="wheel_zoom,reset,save",
        toolbar_location="above",
        x_axis_label="x (px)",
        y_axis_label="y (px)",
    )
    left.grid.visible = False
    place = {"x": -0.5, "y": -0.5, "dw": columns, "dh": rows}
    grey = LinearColorMapper("Greys256", low=0, high=255)
    left.image("image", source=_image("picture", np.uint8), color_mapper=grey, **place)
    left.image_rgba("image", source=_image("region", np.uint32), **place)
    left.line("x", "y", source=source("line", "x", "y"), line_color=PALETTE[4], line_width=2.5)
    left.line("x", "y", source=source("outline", "x", "y"), line_color=PALETTE[5], line_width=2, line_dash="dashed")
    right = figure(
        name="side",
        width=560,
        height=_SIDE,
        x_range=Range1d(0, 1, name="side x"),
        y_range=Range1d(0, 1, name="side y"),
        tools="wheel_zoom,reset,save",
        toolbar_location="above",
    )
    right.xaxis[0].name, right.yaxis[0].name = "side x axis", "side y axis"
    right.grid.grid_line_color = "#E5E5E5"
    right.quad(
        left="left",
        right="right",
        top="top",
        bottom=0,
        source=source("bars", "left", "right", "top"),
        fill_color=PALETTE[0],
        line_color="white",
    )
    right.line("x", "y", source=source("profile", "x", "y"), line_color=PALETTE[0], line_width=2)
    return row(left, right)


def _image(name: str, kind: Any) -> Any:
    from bokeh.models import ColumnDataSource

    return ColumnDataSource({"image": [np.zeros((2, 2), kind)]}, name=name)
