"""Charts of the page on movies: motion, reach of the CTF fits, and errors against the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.report_charts import SIZE
from relionlab.display.style import PALETTE, dots, line, log_scale, panel


def motion_chart(total: np.ndarray, early: np.ndarray | None) -> Picture:
    """Draw how far each movie's specimen went in all, (N,) px, and, if that is known, of it early in the exposure."""
    import holoviews as hv

    number, dims = np.arange(1, len(total) + 1), (("movie", "Movie"), ("way", "Length of the way (px)"))
    parts = [("in all", total, PALETTE[0]), *([("early", early, PALETTE[1])] if early is not None else [])]
    drawn = hv.Overlay([_labelled(number, values, dims, name, color) for name, values, color in parts])
    legend = "right" if len(parts) > 1 else None
    when = "in all." if early is None else "in all, and early: during the first 4 e/Å²."
    told = " Movies far off the rest have moved much, or were not aligned well." if len(total) > 2 else ""
    return Picture(
        panel(drawn, "", SIZE, legend=legend, whole="x", padding=0.08, xlim=(0.5, len(total) + 0.5)),
        "Motion of all movies",
        f"How far the specimen went, {when}{told}",
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
    scale = log_scale(np.concatenate([everywhere, whole, unmoved]))
    return Picture(
        panel(drawn, "", SIZE, legend="right", whole="x", xlim=(0.5, len(whole) + 0.5), **scale),
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


def _labelled(x: np.ndarray, y: np.ndarray, dims: Any, label: str, color: str) -> Any:
    return dots(x, y, dims, color=color, size=6, hover=True).relabel(label)
