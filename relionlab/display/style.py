"""How the pictures look: one palette, one set of sizes, and strokes that both Bokeh and Matplotlib draw.

Colours are Okabe and Ito's, which colour-blind readers tell apart (Color Universal Design, 2008); yellow is left out
because it vanishes on white paper.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#000000")
"""Colours of lines and bars, in order of use."""
FAINT = "#B8B8B8"
"""Colour of what is shown for completeness only."""
FONT_SIZES = {"title": 11, "labels": 10, "xticks": 9, "yticks": 9, "legend": 9}
"""Points."""
PANEL = (420, 280)
"""Width and height of one panel in screen pixels."""


@functools.cache
def backends() -> Any:
    """Load HoloViews with both backends, without the notebook's start-up banner, and return it."""
    import holoviews as hv
    import holoviews.plotting.bokeh
    import holoviews.plotting.mpl

    hv.Store.set_current_backend("bokeh")
    return hv


def upright(model: Any) -> Any:
    """Set the titles of all axes and colour bars of a Bokeh figure or layout upright, as Matplotlib has them, and return it."""
    from bokeh.models import Axis, ColorBar

    for axis in model.select({"type": Axis}):
        axis.axis_label_text_font_style = "normal"
    for bar in model.select({"type": ColorBar}):
        bar.title_text_font_style = "normal"
    return model


def both(element: Any, bokeh: dict[str, Any], matplotlib: dict[str, Any], **shared: Any) -> Any:
    """Return the HoloViews element with options for either backend, and those that both understand."""
    backends()
    return element.opts(backend="bokeh", **shared, **bokeh).opts(backend="matplotlib", **shared, **matplotlib)


def line(x: np.ndarray, y: np.ndarray, dims: tuple[Any, Any], **style: Any) -> Any:
    """Return a curve; ``style``: label, color, width, dash ("solid", "dashed") and hover (a truth value)."""
    import holoviews as hv

    color, width = style.get("color", PALETTE[0]), style.get("width", 2)
    dashed = style.get("dash", "solid") == "dashed"
    curve = hv.Curve((np.asarray(x), np.asarray(y)), dims[0], dims[1], label=style.get("label", ""))
    return both(
        curve,
        {
            "line_width": width,
            "line_dash": "dashed" if dashed else "solid",
            "tools": ["hover"] if style.get("hover") else [],
        },
        {"linewidth": 0.75 * width, "linestyle": "--" if dashed else "-"},
        color=color,
    )


def dots(x: np.ndarray, y: np.ndarray, dims: tuple[Any, Any], **style: Any) -> Any:
    """Return points; ``style``: color, size (screen pixels) and hover."""
    import holoviews as hv

    size = style.get("size", 5)
    scatter = hv.Scatter((np.asarray(x), np.asarray(y)), dims[0], dims[1])
    return both(
        scatter,
        {"size": size, "tools": ["hover"] if style.get("hover") else []},
        {"s": size**2},
        color=style.get("color", PALETTE[0]),
    )


def bars(edges: np.ndarray, counts: np.ndarray, dims: tuple[Any, Any], **style: Any) -> Any:
    """Return bars between the edges, (n + 1,), as high as the counts, (n,); ``style``: label, color and hover."""
    import holoviews as hv

    color = style.get("color", PALETTE[0])
    return both(
        hv.Histogram((edges, counts), kdims=[dims[0]], vdims=[dims[1]], label=style.get("label", "")),
        {"fill_color": color, "line_color": "white", "tools": ["hover"] if style.get("hover") else []},
        {"facecolor": color, "edgecolor": "white", "linewidth": 0.4},
    )


def panel(element: Any, title: str = "", size: tuple[int, int] = PANEL, **options: Any) -> Any:
    """Return an element or overlay as one panel with title, font sizes and, in the page, its tools.

    ``options``: HoloViews' own, legend (its place) and whole: the axes ("x", "y", "xy") that count things, whose ticks are
    whole numbers.
    """
    import holoviews as hv

    width, height = size
    legend, whole = options.pop("legend", None), options.pop("whole", "")
    shared: dict[str, Any] = {"title": title, **options}
    bokeh: dict[str, Any] = {
        "width": width,
        "height": height,
        "toolbar": "above",
        "show_grid": True,
        "fontsize": {name: f"{size}pt" for name, size in FONT_SIZES.items()},
        "gridstyle": {"grid_line_color": "#E5E5E5"},
        "hooks": [_whole_in_bokeh(whole)],
    }
    matplotlib: dict[str, Any] = {
        "aspect": "auto",
        "hooks": [_shape(height / width), _whole_in_matplotlib(whole)],
        "fig_inches": (width / 96, height / 96),
        "fontsize": FONT_SIZES,
    }
    if isinstance(element, hv.Overlay):
        shared["show_legend"] = legend is not None
        if legend is not None:
            shared |= {"legend_position": legend, "legend_limit": 1000}
            bokeh["legend_opts"] = {"background_fill_alpha": 0.7, "border_line_color": None, "padding": 4, "spacing": 0}
            if legend == "right":  # beside the panel: from its top downwards, away from the curves' ends
                bokeh["legend_opts"] |= {"location": "top", "margin": 12}
    return both(element, bokeh, matplotlib, **shared)


def overlay(elements: Sequence[Any]) -> Any:
    """Return elements drawn over each other, the first one undermost."""
    import holoviews as hv

    return hv.Overlay(list(elements))


def grid(panels: Sequence[Any], columns: int = 2) -> Any:
    """Return panels as one layout, ``columns`` beside each other."""
    import holoviews as hv

    width = PANEL[0] * min(columns, len(panels)) / 96
    height = PANEL[1] * -(-len(panels) // columns) / 96
    layout = hv.Layout(list(panels)).cols(columns)
    return both(
        layout,
        {"shared_axes": False, "merge_tools": False, "toolbar": None},
        {"shared_axes": False, "sublabel_format": "", "fig_inches": (width, height), "hspace": 0.35, "vspace": 0.35},
    )


def faint_lines(x: np.ndarray, many: np.ndarray, dims: tuple[Any, Any]) -> Any:
    """Return many grey lines, (lines, points), as one curve with gaps: far faster than a curve for each."""
    gap = np.full((len(many), 1), np.nan)
    xs = np.hstack([np.tile(x, (len(many), 1)), gap]).ravel()
    return line(xs, np.hstack([many, gap]).ravel(), dims, color=FAINT, width=1)


def _shape(ratio: float) -> Any:
    """Return a HoloViews hook that gives a Matplotlib panel its height over width, on any kind of axis."""

    def hook(plot: Any, _element: Any) -> None:
        plot.handles["axis"].set_box_aspect(ratio)

    return hook


def _whole_in_bokeh(axes: str) -> Any:
    """Return a HoloViews hook that gives these axes ("x", "y") of a Bokeh panel ticks at whole numbers only."""

    def hook(plot: Any, _element: Any) -> None:
        from bokeh.models import BasicTicker

        for name in axes:
            plot.handles[f"{name}axis"].ticker = BasicTicker(min_interval=1, num_minor_ticks=0)

    return hook


def _whole_in_matplotlib(axes: str) -> Any:
    """Return a HoloViews hook that gives these axes ("x", "y") of a Matplotlib panel ticks at whole numbers only."""

    def hook(plot: Any, _element: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        for name in axes:
            getattr(plot.handles["axis"], f"{name}axis").set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))

    return hook


def log_scale(values: np.ndarray) -> dict[str, Any]:
    """Return the options of a panel whose y axis is logarithmic: limits around the values, and labels at 1, 2 and 5 of each
    decade between them.
    """
    positive = values[np.isfinite(values) & (values > 0)]
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (0.1, 1.0)
    steps = np.array([step * 10.0**decade for decade in range(-6, 7) for step in (1, 2, 5)])
    first = max(int(np.searchsorted(steps, low * 1.001)) - 1, 0)
    last = min(int(np.searchsorted(steps, high * 0.999)), len(steps) - 1)
    ticks = [(float(step), f"{step:g}") for step in steps[first : last + 1]]
    return {"logy": True, "ylim": (0.9 * ticks[0][0], 1.1 * ticks[-1][0]), "yticks": ticks}


def thin_lines(plot: Any, _element: Any) -> None:
    """Draw the lines of a Matplotlib table thin and grey (a HoloViews hook)."""
    for table in plot.handles["axis"].tables:
        for cell in table.get_celld().values():
            cell.set_linewidth(0.3)
            cell.set_edgecolor(FAINT)
