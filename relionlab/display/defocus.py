"""Defocus in the order in which micrographs were taken, and its histograms."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from relionlab.display.histograms import histogram
from relionlab.display.picture import Picture
from relionlab.display.style import FAINT, PALETTE, dots, grid, line, overlay, panel
from relionlab.display.thon import CtfList, read_ctf_list
from relionlab.display.words import many

_NUMBER = re.compile(r"(\d+)")


def defocus_over_time(source: CtfList | str | Path) -> Picture:
    """Draw defocus, astigmatism and phase shift over the micrographs in the order of their names, and their histograms.

    source  a CtfFind job directory, its micrographs_ctf.star, or that file read

    Cameras number or date the names that they give, so that names tell the order of acquisition; numbers in them count as
    numbers.
    """
    listed = source if isinstance(source, CtfList) else read_ctf_list(source)
    order = acquisition_order(listed.names)
    number = np.arange(1, len(order) + 1)
    defocus = listed.defocus[order] / 1e4
    astigmatism = (listed.numbers("rlnDefocusU") - listed.numbers("rlnDefocusV"))[order]
    shift = listed.numbers("rlnPhaseShift")[order]
    along = ("taken", "Micrograph, in order of acquisition")
    curves = [
        ("Defocus", defocus, ("defocus", "Mean defocus (µm)"), PALETTE[0]),
        ("Astigmatism", astigmatism, ("astigmatism", "Defocus U − V (Å)"), PALETTE[1]),
    ]
    if np.isfinite(shift).any() and float(np.ptp(shift[np.isfinite(shift)])) > 0:
        curves.append(("Phase shift", shift, ("shift", "Phase shift (°)"), PALETTE[2]))
    panels = []
    for title, values, dim, color in curves:
        drawn = [
            line(number, values, (along, dim), color=FAINT, width=1),
            dots(number, values, (along, dim), color=color, hover=True, size=6),
        ]
        panels.append(panel(overlay(drawn), title, whole="x", padding=0.05))
        panels.append(histogram(values, dim, "Micrographs", title=title))
    drift = np.polyfit(number, defocus, 1)[0] * (len(number) - 1) if len(number) > 2 else 0.0
    trend = f"; it drifts by {drift:+.2f} µm from the first to the last" if abs(drift) > float(defocus.std()) else ""
    return Picture(
        grid(panels),
        "Defocus over time",
        f"{many(len(order), 'micrograph')}, defocus {defocus.min():.2f} to {defocus.max():.2f} µm{trend}. Steps mean that the"
        " stage or the settings were changed; single points off the rest, a fit that failed.",
    )


def acquisition_order(names: list[str]) -> np.ndarray:
    """Return the rows in the order of their names, numbers in them compared as numbers."""
    keys = [[(0, int(part), "") if part.isdigit() else (1, 0, part) for part in _NUMBER.split(name)] for name in names]
    return np.array(sorted(range(len(names)), key=keys.__getitem__), dtype=np.int64)
