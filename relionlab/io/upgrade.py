"""Tables of RELION 1.x, 2.x and 3.0 -> optics groups and shifts in Å, as RELION 3.1 converts them.

One group is made for each distinct combination of what belongs to the microscope; the pixel size comes from
rlnDetectorPixelSize (µm) and rlnMagnification.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np

from relionlab.errors import ImageError
from relionlab.io.image_names import parse_image_name
from relionlab.io.images import read_header
from relionlab.io.table import Table

_log = logging.getLogger(__name__)
_MICROSCOPE = (
    "rlnVoltage",
    "rlnSphericalAberration",
    "rlnAmplitudeContrast",
    "rlnBeamTiltX",
    "rlnBeamTiltY",
    "rlnMtfFileName",
)
_PIXEL_SIZES = ("rlnImagePixelSize", "rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize", "rlnPixelSize")
_GIVEN = {
    "particles": ("rlnImagePixelSize",),
    "micrographs": ("rlnMicrographOriginalPixelSize", "rlnMicrographPixelSize"),
    "movies": ("rlnMicrographOriginalPixelSize",),
}
# px -> Å
_SHIFTS = {f"rlnOrigin{axis}{prior}": f"rlnOrigin{axis}{prior}Angst" for axis in "XYZ" for prior in ("", "Prior")}


def upgrade(rows: Table, *, kind: str, directory: str | os.PathLike[str]) -> tuple[Table, Table]:
    """Return the optics groups of an old table and its rows, which name their groups.

    Groups are numbered in the order in which they first occur. Columns that are not there do not appear in the groups
    either; without pixel size the shifts stay in px under their old labels, and a warning is logged.
    """
    pixel_sizes = _pixel_sizes(rows)
    keys = {label: rows[label] for label in _MICROSCOPE if label in rows}
    group, firsts = _groups([*keys.values(), *([] if pixel_sizes is None else [pixel_sizes])], len(rows))
    numbers = np.arange(1, len(firsts) + 1)
    optics = Table(
        {
            "rlnOpticsGroupName": [f"opticsGroup{number}" for number in numbers],
            "rlnOpticsGroup": numbers,
            **{label: column[firsts] for label, column in keys.items()},
            **({} if pixel_sizes is None else dict.fromkeys(_GIVEN[kind], pixel_sizes[firsts])),
        },
        "optics",
        source=rows.source,
    )
    if kind == "particles":
        optics = _with_sizes(optics, rows, firsts, Path(directory))
    moved = rows.without(*keys, "rlnDetectorPixelSize", "rlnMagnification", *_PIXEL_SIZES)
    moved = _shifts_in_angstroms(moved, pixel_sizes)
    return optics, moved.with_columns(rlnOpticsGroup=group + 1)


def _pixel_sizes(rows: Table) -> np.ndarray | None:
    """Return the pixel size of each row in Å, or None if there is none."""
    if "rlnDetectorPixelSize" in rows and "rlnMagnification" in rows and np.all(rows["rlnMagnification"] > 0):
        return np.round(1e4 * rows["rlnDetectorPixelSize"] / rows["rlnMagnification"], 6)
    return next((rows[label] for label in _PIXEL_SIZES if label in rows), None)


def _groups(columns: list[np.ndarray], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the group of each row, from 0 in order of occurrence, and the first row of each group."""
    codes = np.zeros(length, dtype=np.int64)
    for column in columns:
        values, code = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
        codes = np.unique(codes * len(values) + code, return_inverse=True)[1]
    _, firsts, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(firsts)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[inverse], firsts[order]


def _with_sizes(optics: Table, rows: Table, firsts: np.ndarray, directory: Path) -> Table:
    """Add box size and dimensionality, if the first image of every group is found."""
    if "rlnImageName" not in rows:
        return optics
    try:
        shapes = [_shape(directory, str(rows["rlnImageName"][first])) for first in firsts]
    except ImageError as cause:
        _log.warning("%s: the box size is not known: %s", rows.source or "particles", cause)
        return optics
    return optics.with_columns(
        rlnImageSize=[shape[-1] for shape in shapes], rlnImageDimensionality=[len(shape) for shape in shapes]
    )


def _shape(directory: Path, name: str) -> tuple[int, ...]:
    index, path = parse_image_name(name)
    header = read_header(directory / path)
    return header.shape if index is None else header.shape[-2:]


def _shifts_in_angstroms(rows: Table, pixel_sizes: np.ndarray | None) -> Table:
    found = [label for label in _SHIFTS if label in rows]
    if found and pixel_sizes is None:
        _log.warning("%s: no pixel size is given, so %s stay in px", rows.source or "the table", ", ".join(found))
        return rows
    converted = {_SHIFTS[label]: rows[label] * pixel_sizes for label in found if _SHIFTS[label] not in rows}
    return rows.without(*found).with_columns(converted)
