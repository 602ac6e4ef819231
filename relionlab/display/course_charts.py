"""Charts of the page on movies: errors of every stage against the truth, and figures of merit."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.display.picks import WRONG
from relionlab.display.picture import Picture
from relionlab.display.report_charts import SIZE
from relionlab.display.style import PALETTE, both, dots, line, panel

_BINS = 40


def motion_chart(total: np.ndarray, early: np.ndarray | None) -> Picture:
    """Draw how far each movie's specimen went in all, (N,) px, and of it early in the exposure."""
    import holoviews as hv

    number, dims = np.arange(1, len(total) + 1), (("movie", "Movie"), ("way", "Length of the way (px)"))
    parts = [("in all", total, PALETTE[0]), *([("early", early, PALETTE[1])] if early is not None else [])]
    drawn = hv.Overlay([_labelled(number, values, dims, name, color) for name, values, color in parts])
    return Picture(
        panel(drawn, "", SIZE, legend="right", padding=0.08, xlim=(0, len(total) + 1)),
        "Motion of all movies",
        "How far the specimen went, in all and during the first 4 e/Å². Movies far off the rest have moved much, or were not"
        " aligned well.",
    )


def motion_errors_chart(everywhere: np.ndarray, whole: np.ndarray, unmoved: np.ndarray) -> Picture:
    """Draw what is left of the motion in each movie, (N,) px each: local and global, global alone, without correction."""
    import holoviews as hv

    number, axis = np.arange(1, len(whole) + 1), ("movie", "Movie")
    value = ("error", "Error (px)")
    parts = (
        ("not corrected", unmoved, "#7F7F7F"),
        ("corrected", everywhere, PALETTE[0]),
        ("global part", whole, PALETTE[1]),
    )
    drawn = hv.Overlay([_labelled(number, values, (axis, value), name, color) for name, values, color in parts])
    return Picture(
        panel(drawn, "", SIZE, logy=True, legend="right", xlim=(0, len(whole) + 1)),
        "Error of the motion",
        "Root mean square over frames and places; the axis is logarithmic. Below half a pixel nothing is lost that these pixels"
        " can show.",
    )


def defocus_errors_chart(true: np.ndarray, defocus: np.ndarray, astigmatism: np.ndarray) -> Picture:
    """Draw the errors of defocus and astigmatism, (N,) Å each, over the true defocus (Å)."""
    import holoviews as hv

    dims = (("true", "True defocus (µm)"), ("error", "Error (Å)"))
    zero = line(np.array([true.min(), true.max()]) / 1e4, np.zeros(2), dims, color="#7F7F7F", width=1, dash="dashed")
    parts = (("defocus", defocus, PALETTE[0]), ("astigmatism", astigmatism, PALETTE[1]))
    drawn = hv.Overlay([zero, *(_labelled(true / 1e4, values, dims, name, color) for name, values, color in parts)])
    return Picture(
        panel(drawn, "", SIZE, legend="right", padding=0.08),
        "Error of the CTF",
        "Estimate minus truth, of the mean defocus of each micrograph's particles, and of its astigmatism.",
    )


def fits_chart(defocus: np.ndarray, resolution: np.ndarray) -> Picture:
    """Draw to which resolution (N,) Å the rings fit, over the defocus (Å)."""
    known = np.isfinite(resolution)
    dims = (("defocus", "Defocus (µm)"), ("limit", "Rings fit to (Å)"))
    drawn = dots(defocus[known] / 1e4, resolution[known], dims, size=6, hover=True)
    return Picture(
        panel(drawn, "", SIZE, invert_yaxis=True, padding=0.08),
        "Reach of the fits",
        "The finest spacing at which spectrum and model agree; finer is higher up. Micrographs far below the others deserve a look.",
    )


def merits_chart(fom: np.ndarray, right: np.ndarray | None, *, threshold: float | None) -> Picture:
    """Draw the figures of merit of all picks; where it is known, those on particles apart from those on nothing.

    fom        (n,) figures of merit
    right      (n,) bool, on a particle; ``None``: not known
    threshold  of the picking, if it is one for all micrographs
    """
    import holoviews as hv

    known = np.isfinite(fom)
    edges = np.histogram_bin_edges(fom[known], _BINS) if known.any() else np.linspace(0, 1, _BINS)
    parts = [("picks", known, PALETTE[0])]
    if right is not None:
        parts = [("on a particle", known & right, PALETTE[0]), ("on none", known & ~right, WRONG)]
    bars = [_histogram(fom[chosen], edges, name, color) for name, chosen, color in parts]
    if threshold is not None:
        top = max(float(np.histogram(fom[chosen], edges)[0].max(initial=1)) for _, chosen, _ in parts)
        dims = (("fom", "Figure of merit"), ("picks", "Picks"))
        bars.append(line(np.array([threshold] * 2), np.array([0.0, top]), dims, color="#000000", dash="dashed"))
    words = f" The dashed line is the threshold, {threshold:g}." if threshold is not None else ""
    told = "" if right is None else " Orange: picks that are on no particle, which only a simulation can tell."
    return Picture(
        panel(hv.Overlay(bars), "", SIZE, legend="right"),
        "Figures of merit",
        f"Of {int(known.sum()):,} picks.{words}{told} A hump that is cut off at its left: the threshold is too high.",
    )


def _labelled(x: np.ndarray, y: np.ndarray, dims: Any, label: str, color: str) -> Any:
    return dots(x, y, dims, color=color, size=6, hover=True).relabel(label)


def _histogram(values: np.ndarray, edges: np.ndarray, label: str, color: str) -> Any:
    import holoviews as hv

    counts = np.histogram(values, edges)[0]
    kinds = [hv.Dimension("fom", label="Figure of merit")], [hv.Dimension("picks", label="Picks")]
    drawn = hv.Histogram((edges, counts), kdims=kinds[0], vdims=kinds[1], label=label)
    return both(
        drawn,
        {"fill_color": color, "line_color": "white", "fill_alpha": 0.75},
        {"facecolor": color, "edgecolor": "white", "linewidth": 0.4, "alpha": 0.75},
    )
