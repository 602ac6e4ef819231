"""Maps against the molecule that was simulated: Fourier shell correlations, and the error of the poses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.report_charts import SIZE
from relionlab.display.spectra import frequency_ticks, level
from relionlab.display.style import PALETTE, bars, line, panel

_WITH_LEGEND = (SIZE[0] + 180, SIZE[1])
"""Width and height of a panel whose legend stands beside it: the curve of a poor map would run under one inside."""
Curve = tuple[np.ndarray, np.ndarray]
"""Frequency in 1/Å, and correlation, shell by shell."""


def truth_fsc(curves: Mapping[str, Curve], *, halves: Curve | None = None) -> Picture:
    """Draw correlations with the true molecule.

    curves  name of a map -> its curve
    halves  of the half-maps with one another; what they promise of their mean is drawn, dashed
    """
    import holoviews as hv

    dims = (("frequency", "Spatial frequency (1/Å)"), ("fsc", "Fourier shell correlation"))
    lines = [
        line(frequency, values, dims, color=color, label=name, hover=True)
        for (name, (frequency, values)), color in zip(curves.items(), PALETTE, strict=False)
    ]
    ticks = frequency_ticks(lines)
    if halves is not None:
        style = {"color": "#000000", "width": 1.5, "dash": "dashed", "label": "promised by the half-maps"}
        lines.append(line(halves[0], promised(halves[1]), dims, **style))
    lines.append(level(0.5, lines, dims))
    return Picture(
        panel(hv.Overlay(lines), "", _WITH_LEGEND, legend="right", ylim=(-0.1, 1.05), xticks=ticks),
        "Correlation with the true molecule",
        "Of each map, brought onto the molecule that was simulated, within a mask around that. At 0.5 (dashed) a map is half"
        " signal. Frequency with its resolution in Å."
        + ("" if halves is None else " Promised: √(2 FSC / (1 + FSC)) of the half-maps within their mask; a map far below that was"
           " over-fitted."),
    )  # fmt: skip


def promised(fsc: np.ndarray) -> np.ndarray:
    """Return the correlation with the truth that the mean of two half-maps should have, from theirs with one another.

    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, Eq. 18: it is 0.5 where the half-maps correlate by 0.143.
    """
    known = np.clip(fsc, 0.0, 1.0)
    return np.asarray(np.sqrt(2 * known / (1 + known)))


def pose_errors(angles: np.ndarray, *, random: float) -> Picture:
    """Draw how far poses are off, (n,) degrees; ``random``: the median (°) of poses without meaning."""
    last = max(float(np.percentile(angles, 95)) * 1.5, 1.0)
    counts, edges = np.histogram(np.minimum(angles, last), bins=40, range=(0, last))
    drawn = bars(edges, counts, (("angle", "Error of the pose (°)"), ("particles", "Particles")), hover=True)
    return Picture(
        panel(drawn, "", SIZE),
        "Error of the poses",
        f"Angle between found and true pose: median {np.median(angles):.1f}°, 90 % below {np.percentile(angles, 90):.1f}°; poses"
        f" without meaning would be {random:.0f}° off. The last bar holds all that are further off.",
    )
