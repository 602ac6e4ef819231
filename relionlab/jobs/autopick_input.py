"""The micrographs that AutoPick works on: their list, pixel size and CTF."""

from __future__ import annotations

import numpy as np

from relionlab.errors import InputError
from relionlab.io.images import open_image
from relionlab.io.particles import Particles, read_particles
from relionlab.io.table import Table
from relionlab.jobs.context import Context
from relionlab.jobs.finding import find_files

DEFOCUS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
"""Columns without which no CTF is known."""
_TOLERANCE = 0.01  # by which pixel sizes of list and header may differ, relative


def read_micrographs(context: Context, source: str, *, pixel_size: float | None) -> Particles:
    """Read a STAR list of micrographs, or make one of the image files that a name or wildcard means.

    pixel_size  Å, for what says none itself; a warning is given where it contradicts the list

    Raises InputError if there is no such list or no such image.
    """
    if source.endswith(".star"):
        found = read_particles(context.path(source), kind="micrographs", directory=context.directory)
        sizes = found.pixel_sizes
        if pixel_size is not None and (np.abs(sizes / pixel_size - 1) > _TOLERANCE).any():
            context.warn(f"warning: --angpix {pixel_size:g} Å is not used: {source} says {sizes[0]:g} Å itself.")
        _compare_headers(context, found)
        return found
    names = find_files(context, source)
    optics = Table({"rlnOpticsGroup": [1], "rlnMicrographPixelSize": [pixel_size or 1.0]}, name="optics")
    return Particles(optics, Table({"rlnMicrographName": names, "rlnOpticsGroup": [1] * len(names)}), "micrographs")


def _compare_headers(context: Context, micrographs: Particles) -> None:
    """Warn, once, where the first micrograph's header contradicts the list's pixel size."""
    for index, name in enumerate(micrographs.particles["rlnMicrographName"][:1]):
        try:
            told = open_image(context.path(name)).header.pixel_size
        except InputError:
            return  # said when it is worked on
        listed = float(micrographs.pixel_sizes[micrographs.group_rows[index]])
        if told and abs(told - 1) > 1e-3 and abs(told / listed - 1) > _TOLERANCE:
            context.warn(
                f"warning: {name} has pixel size {told:.4g} Å in its header, its list says {listed:.4g} Å, which is used."
                " If that is wrong, sizes and filters are wrong as well: import the micrographs again."
            )


def check_ctf(micrographs: Particles, source: str, *, flag: str) -> None:
    """Raise InputError if the list does not give the CTF that ``flag`` needs."""
    lacking = [label for label in (*DEFOCUS, "rlnVoltage", "rlnSphericalAberration") if label not in micrographs]
    if lacking:
        raise InputError(
            f"{flag} needs the micrographs' CTF, but {source} has no {', '.join(lacking)}: give CtfFind's"
            f" micrographs_ctf.star, or leave out {flag}."
        )
