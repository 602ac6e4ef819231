"""A micrograph whose CTF was estimated: its rings beside the fit, and the profile."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.mosaic import enlarge, grey
from relionlab.display.newest.kinds import MicrographResult
from relionlab.display.newest.thumbnails import png
from relionlab.display.thon import ctf_profile
from relionlab.exchange.ctffind4 import read_ctffind4
from relionlab.io.images import read_image
from relionlab.jobs.ctf.doubts import COARSE, limit_of_chance

_END = "_ctffind4.log"
_SIDE = 340


def values(path: Path) -> dict[str, np.ndarray]:
    """Return how far the rings fit (Å), the mean defocus (µm), the astigmatism (Å) and the figure of merit."""
    found = read_ctffind4(path)[0]
    return {
        "limit": np.array([found.max_resolution]),
        "defocus": np.array([(found.defocus_u + found.defocus_v) / 2e4]),
        "astigmatism": np.array([found.defocus_u - found.defocus_v]),
        "merit": np.array([found.figure_of_merit]),
    }


def result(path: Path) -> MicrographResult:
    """Return the power spectrum beside the model, and the profile."""
    found = read_ctffind4(path)[0]
    root = path.name.removesuffix(_END)
    image, profile = path.with_name(f"{root}.ctf"), path.with_name(f"{root}_avrot.txt")
    chance = found.max_resolution > COARSE or found.figure_of_merit < limit_of_chance(found)
    worth = " This may be chance." if chance else ""
    caption = (
        f"{root}: defocus {found.defocus_u / 1e4:.3f} and {found.defocus_v / 1e4:.3f} µm, astigmatism"
        f" {found.defocus_u - found.defocus_v:.0f} Å at {found.defocus_angle:.0f}°, rings fit to {found.max_resolution:.1f} Å"
        f" (figure of merit {found.figure_of_merit:.2f}).{worth} Left half: observed; right half: fitted."
    )
    drawn = b""
    if image.exists():
        spectrum = np.asarray(read_image(image))
        spectrum = spectrum.reshape(spectrum.shape[-2:])
        drawn = png(enlarge(grey(spectrum, diameter=1.5, clip=(5.0, 95.0)), _SIDE))
    chart = None
    if profile.exists():
        chart = ctf_profile(profile, title=root[-34:], resolution=found.max_resolution)
    return MicrographResult(caption, drawn, chart, f"Thon rings of {root}, observed and fitted")
