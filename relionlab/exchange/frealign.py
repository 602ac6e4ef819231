"""FREALIGN and cisTEM parameter files (.par) <-> particles.

One line per particle, comments start with C. Columns (FREALIGN 9's README): number from 1, PSI, THETA, PHI, SHX, SHY,
MAG, FILM, DF1, DF2, ANGAST, then OCC, LogP, SIGMA, SCORE, CHANGE. cisTEM puts PSHIFT (radians) behind ANGAST; version
8 ends with PRESA, DPRES.

Conventions: both programs use ZYZ angles, so (PHI, THETA, PSI) are RELION's (rot, tilt, psi). SHX and SHY are where
the particle lies, in Å (px up to version 8); RELION's origin is the shift that brings it back, hence the minus.
Defocus and its angle mean the same in both.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from relionlab.errors import ParameterError, StarError
from relionlab.io.atomic import atomic_write
from relionlab.io.image_names import format_image_name, parse_image_name
from relionlab.io.particles import Particles
from relionlab.io.table import Table

_HEAD = ("C", "PSI", "THETA", "PHI", "SHX", "SHY", "MAG", "FILM", "DF1", "DF2", "ANGAST")
_TAILS = {
    11: (),
    12: ("PRESA",),
    13: ("PRESA", "DPRES"),
    15: ("OCC", "LOGP", "SCORE", "CHANGE"),
    16: ("OCC", "LOGP", "SIGMA", "SCORE", "CHANGE"),
    17: ("PSHIFT", "OCC", "LOGP", "SIGMA", "SCORE", "CHANGE"),
}
_COPIED = {"DF1": "rlnDefocusU", "DF2": "rlnDefocusV", "ANGAST": "rlnDefocusAngle"}
_ANGLES = {"PHI": "rlnAngleRot", "THETA": "rlnAngleTilt", "PSI": "rlnAnglePsi"}


def read_par(
    path: str | os.PathLike[str],
    *,
    stack: str,
    voltage: float,
    spherical_aberration: float,
    amplitude_contrast: float,
    pixel_size: float,
    micrograph_name: Callable[[int], str] = "film{:06d}.mrc".format,
) -> Particles:
    """Return the particles of a .par file.

    stack                 the stack that the lines describe, from its first image
    voltage               kV
    spherical_aberration  mm
    amplitude_contrast    as a fraction
    pixel_size            Å of the images in the stack
    micrograph_name       makes a micrograph's name from the number in column FILM

    Raises StarError if a line has another number of columns than the first, or no numbers.
    """
    columns = _read(Path(path))
    films = columns["FILM"].astype(int)
    unit = pixel_size if "PRESA" in columns else 1.0  # up to version 8 in px
    rows = Table(
        {
            "rlnImageName": [format_image_name(int(number) - 1, stack) for number in columns["C"]],
            "rlnMicrographName": [micrograph_name(int(film)) for film in films],
            "rlnOpticsGroup": np.ones(len(films), dtype=int),
            **{label: columns[name] for name, label in (_COPIED | _ANGLES).items()},
            "rlnOriginXAngst": 0.0 - columns["SHX"] * unit,
            "rlnOriginYAngst": 0.0 - columns["SHY"] * unit,
            **({"rlnPhaseShift": np.rad2deg(columns["PSHIFT"])} if "PSHIFT" in columns else {}),
        },
        "particles",
        source=str(path),
    )
    optics = Table(
        {
            "rlnOpticsGroupName": ["opticsGroup1"],
            "rlnOpticsGroup": 1,
            "rlnVoltage": voltage,
            "rlnSphericalAberration": spherical_aberration,
            "rlnAmplitudeContrast": amplitude_contrast,
            "rlnImagePixelSize": pixel_size,
        },
        "optics",
        source=str(path),
    )
    return Particles(optics, rows)


def write_par(path: str | os.PathLike[str], particles: Particles, *, magnification: float = 10000.0) -> None:
    """Write particles as a FREALIGN 9 file; the images must be those of one stack, in its order.

    Columns that RELION does not have are given FREALIGN's starting values (OCC 100, LogP 0, SIGMA 1, SCORE and CHANGE 0);
    FILM counts the micrographs from 1. Poses that are missing are written as 0.

    Raises ParameterError if the particles are not the images of one stack, in order and from the first.
    """
    rows = particles.particles
    places = [parse_image_name(str(name)) for name in rows["rlnImageName"]]
    if len({stack for _, stack in places}) > 1 or [index or 0 for index, _ in places] != list(range(len(places))):
        raise ParameterError(
            f"{path}: a .par file describes the images of one stack in their order, but the particles lie in several stacks or "
            "in another order. Write them into one stack first: relionlab preprocess --operate_on particles.star --operate_out"
            " all.mrcs, and then take all.star."
        )
    zero = np.zeros(len(rows))
    names = rows.get("rlnMicrographName", np.full(len(rows), "", dtype=object)).astype(str)
    order = {name: number for number, name in enumerate(dict.fromkeys(names), 1)}
    values = {label: rows.get(label, zero) for label in (*_ANGLES.values(), *_COPIED.values())}
    shifts = [0.0 - rows.get(f"rlnOrigin{axis}Angst", zero) for axis in "XY"]
    form = "%7d%8.2f%8.2f%8.2f%10.2f%10.2f%8d%6d%9.1f%9.1f%8.2f%8.2f%10d%11.4f%8.2f%8.2f\n"
    with atomic_write(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as out:
        out.write(
            "C           PSI   THETA     PHI       SHX       SHY     MAG  FILM      DF1      DF2  ANGAST     OCC      LogP      SIGMA   SCORE  CHANGE\n"
        )
        for row in range(len(rows)):
            psi, tilt, rot = (values[label][row] for label in ("rlnAnglePsi", "rlnAngleTilt", "rlnAngleRot"))
            defocus = (values[label][row] for label in _COPIED.values())
            shift = (axis[row] for axis in shifts)
            out.write(
                form % (row + 1, psi, tilt, rot, *shift, magnification, order[names[row]], *defocus, 100, 0, 1, 0, 0)
            )


def _read(path: Path) -> dict[str, np.ndarray]:
    """Return the columns by FREALIGN's names."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as cause:
        raise StarError(f"{path} cannot be read: {cause.strerror}.") from cause
    values: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip()[0] in "Cc#":
            continue
        try:
            values.append([float(word) for word in line.split()])
        except ValueError as cause:
            raise StarError(
                f"{path}, line {number}: {cause}; expected numbers, or a comment that starts with C."
            ) from None
        if len(values[-1]) != len(values[0]):
            raise StarError(
                f"{path}, line {number}: found {len(values[-1])} columns; expected {len(values[0])} as in the lines before."
            )
    width = len(values[0]) if values else 0
    if width not in _TAILS:
        raise StarError(f"{path} has {width} columns; a FREALIGN .par file has {', '.join(map(str, _TAILS))}.")
    table = np.array(values)
    return {name: table[:, place] for place, name in enumerate((*_HEAD, *_TAILS[width]))}
