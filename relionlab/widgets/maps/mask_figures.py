"""The two figures of the mask panel: correlations, and the Guinier plot with its line, drawn anew while a slider moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.display.style import PALETTE
from relionlab.engine.maps.fsc import GOLD_STANDARD
from relionlab.jobs.maps.mask_trial import TriedMask
from relionlab.widgets.parts.live_figure import LiveFigure

_CURVES = (
    ("corrected", "corrected", "#000000", 3, "solid"),
    ("masked", "masked", PALETTE[0], 2, "solid"),
    ("unmasked", "unmasked", PALETTE[2], 2, "solid"),
    ("random", "phase-randomised", PALETTE[1], 2, "solid"),
)
_PLOT = (
    ("original", "original", PALETTE[2]),
    ("weighted", "weighted by FSC", PALETTE[0]),
    ("sharpened", "sharpened", PALETTE[1]),
)
_NOTHING = -90.0
_ANGSTROM = "return tick <= 0 ? '' : tick.toPrecision(2) + '\\n' + (1 / {inverse}).toPrecision(3) + ' Å'"


def fsc_figure(frequency: np.ndarray, *, width: int = 620, height: int = 235) -> LiveFigure:
    """Return the figure of the correlations; frequency (shells,) in 1/Å."""
    from bokeh.models import Span

    made = _figure(
        "fsc", "Fourier shell correlation", "Spatial frequency (1/Å)", inverse="tick", width=width, height=height
    )
    made.x_range.start, made.x_range.end = 0, float(frequency[-1])
    made.y_range.start, made.y_range.end = -0.08, 1.05
    source = _source("curves", x=frequency, **{name: np.zeros(len(frequency)) for name, *_ in _CURVES})
    for name, label, color, thick, dash in _CURVES:
        made.line(
            "x", name, source=source, color=color, line_width=thick, line_dash=dash, legend_label=label, name=name
        )
    made.add_layout(Span(location=GOLD_STANDARD, dimension="width", line_color="#7F7F7F", line_dash="dashed"))
    made.add_layout(Span(name="resolution", location=0.0, dimension="height", line_color="#7F7F7F", line_dash="dotted"))
    _tips(made, [(label, f"@{name}{{0.000}}") for name, label, *_ in _CURVES], "x")
    _legend(made)
    return LiveFigure(made, description="Fourier shell correlations of the half-maps within the mask and without")


def guinier_figure(frequency: np.ndarray, *, width: int = 560, height: int = 235) -> LiveFigure:
    """Return the Guinier plot, in which the beginning of the fit can be dragged (handle "lowest")."""
    from bokeh.models import Span

    made = _figure("guinier", "Guinier plot", "Squared frequency (1/Å²)", inverse="Math.sqrt(tick)", width=width, height=height)  # fmt: skip
    made.yaxis.axis_label = "ln amplitude"
    made.x_range.start, made.x_range.end = 0, float(frequency[-1] ** 2)
    nothing = np.full(len(frequency), np.nan)
    source = _source("plot", x=frequency**2, **{name: nothing for name, *_ in _PLOT})
    for name, label, color in _PLOT:
        made.line("x", name, source=source, color=color, line_width=2, legend_label=label)
    fitted = _source("fitted", x=[0.0, 0.0], y=[np.nan, np.nan])
    made.line("x", "y", source=fitted, color="#000000", line_width=3, legend_label="fitted line")
    beyond = _source("beyond", x=[0.0, 0.0], y=[np.nan, np.nan])
    made.line("x", "y", source=beyond, color="#000000", line_width=1, line_dash="dashed")
    made.add_layout(
        Span(name="lowest", location=0.01, dimension="height", line_color=PALETTE[4], line_width=3, line_alpha=0.8)
    )
    _legend(made)
    return LiveFigure(
        made, handles=["lowest"], description="Logarithm of the amplitudes over squared frequency, with the fitted line"
    )


def show_curves(live: LiveFigure, tried: TriedMask) -> None:
    """Draw a mask's correlations."""
    curves = tried.curves
    none = np.full(len(tried.frequency), np.nan)
    values = {"corrected": curves.true, "masked": curves.masked, "unmasked": curves.unmasked, "random": curves.random}
    columns = {name: none if found is None else np.asarray(found, np.float64) for name, found in values.items()}
    if curves.random is not None:  # before the first random shell it is the masked curve itself
        columns["random"] = np.where(np.arange(len(none)) >= curves.first_random, columns["random"], np.nan)
    live.data("curves", x=tried.frequency, **columns)
    live.set("resolution", location=float(1 / tried.resolution))


def show_guinier(live: LiveFigure, tried: TriedMask, *, lowest: float) -> None:
    """Draw a mask's Guinier plot; the line was fitted from ``lowest`` (Å) on."""
    plot = tried.guinier
    x = np.asarray(plot["rlnResolutionSquared"], np.float64)
    found = {
        "original": plot["rlnLogAmplitudesOriginal"],
        "weighted": plot.get("rlnLogAmplitudesWeighted", np.full(len(x), -99.0)),
        "sharpened": plot["rlnLogAmplitudesSharpened"],
    }
    columns = {name: np.where(np.asarray(values) > _NOTHING, values, np.nan) for name, values in found.items()}
    live.data("plot", x=x, **columns)
    live.set("lowest", location=lowest**-2)
    line = tried.line
    fitted = x[np.isfinite(columns["weighted"])]  # as far as there is signal
    ends = np.array([lowest**-2, fitted[-1]]) if line is not None else np.full(2, np.nan)
    outer = np.array([0.0, lowest**-2]) if line is not None else np.full(2, np.nan)
    for name, at in (("fitted", ends), ("beyond", outer)):
        live.data(name, x=at, y=at if line is None else line.intercept + line.slope * at)


def _figure(name: str, title: str, label: str, *, inverse: str, width: int, height: int) -> Any:
    from bokeh.models import CustomJSTickFormatter
    from bokeh.plotting import figure

    made = figure(
        name=name, title=title, width=width, height=height, tools="pan,wheel_zoom,box_zoom,reset,save",
        active_drag=None, active_scroll=None, toolbar_location="above",
    )  # fmt: skip
    made.toolbar.logo = None
    made.xaxis.axis_label = label
    made.xaxis.formatter = CustomJSTickFormatter(code=_ANGSTROM.format(inverse=inverse))
    made.xaxis.ticker.desired_num_ticks = 6
    for axis in (made.xaxis, made.yaxis):
        axis.axis_label_text_font_size = "9pt"
        axis.major_label_text_font_size, axis.minor_tick_line_color = "8pt", None
    made.title.text_font_size = "10pt"
    made.grid.grid_line_color = "#E5E5E5"
    return made


def _source(name: str, **columns: Any) -> Any:
    from bokeh.models import ColumnDataSource

    return ColumnDataSource(columns, name=name)


def _tips(made: Any, rows: list[tuple[str, str]], column: str) -> None:
    from bokeh.models import CustomJSHover, HoverTool

    formatter = CustomJSHover(code="return (1 / value).toPrecision(3) + ' Å'")
    made.add_tools(
        HoverTool(
            renderers=[made.select_one("corrected")], mode="vline", line_policy="nearest",
            tooltips=[("resolution", f"@{column}{{custom}}"), *rows], formatters={f"@{column}": formatter},
        )
    )  # fmt: skip


def _legend(made: Any) -> None:
    legend = made.legend[0]
    made.add_layout(legend, "right")
    legend.label_text_font_size, legend.border_line_color = "8pt", None
    legend.padding, legend.spacing, legend.margin, legend.glyph_width = 2, 0, 2, 16
    legend.click_policy = "hide"
