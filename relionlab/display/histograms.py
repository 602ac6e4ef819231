"""Histograms: how often each value occurs, of one set of values or of several on the same bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from relionlab.display.style import PALETTE, PANEL, bars, line, panel

MOST_BARS = 40
"""Bars of a histogram, where there are values enough for so many."""

Part = tuple[str, np.ndarray, str]
"""What is counted: its name in the legend, its values, and the colour of its bars."""


def histogram(
    values: np.ndarray | Sequence[Part],
    dim: tuple[str, str],
    counted: str,
    *,
    title: str = "",
    size: tuple[int, int] = PANEL,
    edges: np.ndarray | None = None,
    mark: float | None = None,
) -> Any:
    """Return a panel with a histogram; the axis of the counts has whole numbers.

    values   of one set; or several, (name, values, colour) each, which are stacked, the last one undermost, and get a legend
    dim      name and label of the values
    counted  label of the other axis: "Particles"
    edges    of the bars; ``None``: :func:`bar_edges`
    mark     a value at which a dashed line stands
    """
    import holoviews as hv

    several = not isinstance(values, np.ndarray)
    parts: Sequence[Part] = values if several else [("", np.asarray(values), PALETTE[0])]  # type: ignore[assignment]
    if edges is None:
        edges = bar_edges(np.concatenate([np.asarray(part, dtype=np.float64) for _, part, _ in parts]))
    counts = [np.histogram(part[np.isfinite(part)], edges)[0] for _, part, _ in parts]
    stacked = np.cumsum(counts[::-1], axis=0)[::-1]  # drawn over each other, the highest first
    drawn = [
        _bars(name, color, stacked[row], edges=edges, dim=dim, counted=counted, hover=not several)
        for row, (name, _, color) in enumerate(parts)
    ]
    if mark is not None:
        top = float(stacked[0].max(initial=1))
        drawn.append(
            line(
                np.full(2, mark),
                np.array([0.0, top]),
                (dim, (counted.lower(), counted)),
                color="#000000",
                dash="dashed",
            )
        )
    return panel(
        drawn[0] if len(drawn) == 1 else hv.Overlay(drawn), title, size, whole="y", legend="right" if several else None
    )


def bar_edges(values: np.ndarray, most: int = MOST_BARS) -> np.ndarray:
    """Return even edges of bars around the finite values: about a bar for every two of them, 5 to ``most``."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.linspace(0.0, 1.0, 6)
    low, high = float(finite.min()), float(finite.max())
    room = 0.0 if high > low else max(0.05 * abs(low), 0.05)
    return np.linspace(low - room, high + room, int(np.clip(len(finite) // 2, 5, most)) + 1)


def _bars(name: str, color: str, counts: np.ndarray, *, edges: np.ndarray, dim: Any, counted: str, hover: bool) -> Any:
    import holoviews as hv

    dims = (hv.Dimension(dim), hv.Dimension(counted.lower(), label=counted))
    return bars(edges, counts, dims, label=name, color=color, hover=hover)
