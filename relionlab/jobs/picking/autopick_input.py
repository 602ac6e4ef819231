"""The micrographs that AutoPick works on: their list, pixel size and CTF."""

from __future__ import annotations

import numpy as np

from relionlab.errors import InputError
from relionlab.io.particles import Particles
from relionlab.jobs.context import Context
from relionlab.jobs.micrographs.listing import PIXEL_SIZE, read_micrographs, warn_of_pixel_sizes
from relionlab.jobs.particles.optics import check_defocus_unit, check_microscope

DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
"""Columns without which no CTF is known."""
_TOLERANCE = 0.01  # by which pixel sizes of list and flag may differ, relative


def read_list(context: Context, source: str, *, pixel_size: float | None) -> Particles:
    """Read a list of micrographs, or make one of image files; see :func:`read_micrographs`.

    pixel_size  Å, for image files; a warning is given where it contradicts a list
    """
    found = read_micrographs(context, source, optics={PIXEL_SIZE: pixel_size}, needed={PIXEL_SIZE: "--angpix"})
    sizes = found.row_pixel_sizes
    if pixel_size is not None and (np.abs(sizes / pixel_size - 1) > _TOLERANCE).any():
        context.warn(f"warning: --angpix {pixel_size:g} Å is not used: {source} says {sizes[0]:g} Å itself.")
    warn_of_pixel_sizes(context, found)
    return found


def check_ctf(micrographs: Particles, source: str, *, flag: str) -> None:
    """Raise InputError if the list does not give the CTF that ``flag`` needs, or one that cannot be."""
    lacking = [label for label in (*DEFOCUS, "rlnVoltage", "rlnSphericalAberration") if label not in micrographs]
    if lacking:
        raise InputError(
            f"{flag} needs the micrographs' CTF, but {source} has no {', '.join(lacking)}: give CtfFind's"
            f" micrographs_ctf.star, or leave out {flag}."
        )
    check_microscope(micrographs, source)
    check_defocus_unit(micrographs, source)
    defocus = np.asarray(micrographs.column("rlnDefocusU"), float)
    if not (np.isfinite(defocus) & (defocus != 0)).any():
        raise InputError(
            f"{source}: rlnDefocusU is 0 or no number for all {len(defocus)} micrographs: estimate their CTF first, or leave out"
            f" {flag}."
        )
