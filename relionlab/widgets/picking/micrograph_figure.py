"""The Bokeh figure in which a micrograph is drawn; micrograph_figure.js fills it, and draws the picks over it."""

from __future__ import annotations

from typing import Any

import numpy as np

_MARGIN = 4  # screen pixels above and beside the frame


def micrograph_figure(width: int, height: int, *, axes: bool = True) -> Any:
    """Return the empty figure; lengths are nm, y down from 0. ``width``, ``height``: of the frame, in screen pixels."""
    from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
    from bokeh.palettes import Greys256
    from bokeh.plotting import figure

    drawn = figure(
        frame_width=width,
        frame_height=height,
        x_range=Range1d(0, 1, name="x"),
        y_range=Range1d(1, 0, name="y"),
        tools="",
        toolbar_location=None,
        min_border=_MARGIN,
        min_border_right=12,  # half of the last label
        border_fill_color=None,
        background_fill_color="#404040",
        outline_line_color=None,
        output_backend="canvas",
    )
    drawn.grid.visible = False
    drawn.axis.visible = axes
    for axis, label in zip(drawn.axis, ("x (nm)", "y (nm)"), strict=True):
        axis.name, axis.axis_label, axis.axis_label_text_font_style = "axis", label, "normal"
        axis.major_label_text_font_size = axis.axis_label_text_font_size = "11px"
        axis.axis_label_standoff = 2
    mapper = LinearColorMapper(palette=Greys256, low=0, high=255, name="greys")
    for name in ("whole", "detail"):
        empty = {"image": [np.full((2, 2), 64, dtype=np.uint8)], "x": [0.0], "y": [0.0], "dw": [0.0], "dh": [0.0]}
        source = ColumnDataSource(empty, name=name)
        drawn.image("image", x="x", y="y", dw="dw", dh="dh", color_mapper=mapper, source=source)
    _tint(drawn)
    if axes:
        _colour_bar(drawn)
    return drawn


def _tint(drawn: Any) -> None:
    """Places that are set apart are tinted, above the greys and below the picks."""
    from bokeh.models import ColumnDataSource, LinearColorMapper

    empty = {"image": [np.zeros((2, 2), dtype=np.uint8)], "x": [0.0], "y": [0.0], "dw": [0.0], "dh": [0.0]}
    mapper = LinearColorMapper(palette=["#D55E0000", "#D55E0073"], low=0, high=1)
    source = ColumnDataSource(empty, name="tint")
    drawn.image("image", x="x", y="y", dw="dw", dh="dh", color_mapper=mapper, source=source)


def _colour_bar(drawn: Any) -> None:
    from bokeh.models import ColorBar, LinearColorMapper

    bar = ColorBar(
        color_mapper=LinearColorMapper(palette=["#808080"], low=0, high=1, name="colours"),
        name="colour bar",
        width=10,
        padding=2,
        label_standoff=4,
        major_label_text_font_size="11px",
        title_text_font_size="11px",
        title_text_font_style="normal",
        background_fill_color=None,
        visible=False,
    )
    drawn.add_layout(bar, "right")
