"""The library of detector MTFs: curves that others measured, and those of the user's own folder.

The curves are the STAR files beside this one; ``SOURCES.md`` says whose they are, and is where their words come from.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.errors import NodeError, StarError
from relionlab.io.star import read_star
from relionlab.settings import settings

_FOLDER = Path(__file__).parent
_ROW = re.compile(
    r"^\| `(?P<name>[^`]+)` \| (?P<words>[^|]+) \| (?P<measured>[^|]+) \| (?P<file>[^|]+) \| (?P<taken>[^|]+) \|$"
)
_LABELS = ("rlnResolutionInversePixel", "rlnMtfValue")


@dataclass(frozen=True)
class Detector:
    """A detector whose MTF is known by a name.

    name         as "k2_300kV"
    description  make, mode and voltage; of a user's own: where it lies
    source       who measured it and whence the numbers were taken; empty for a user's own
    path         the STAR file
    """

    name: str
    description: str
    source: str
    path: Path


def detectors() -> dict[str, Detector]:
    """Return the detectors by name: those of the setting ``mtf_folder``, then the library's; the user's go before.

    Raises NodeError if the setting names a folder that is not there.
    """
    known = {one.name: one for one in _own()}
    return known | {one.name: one for one in _shipped() if one.name not in known}


def detector(name: str) -> Detector | None:
    """Return the detector of this name, upper and lower case alike; None if there is none."""
    return {known.lower(): one for known, one in detectors().items()}.get(name.lower())


def read_mtf(path: Path, name: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Return an MTF file's frequencies, in cycles per detector pixel (rising, 0 to 0.5 and beyond), and values (near 1 to 0).

    name  what messages call the file

    Raises StarError, saying what is wrong, if it holds no MTF.
    """
    name = name or str(path)
    found = [table for table in read_star(path).values() if all(label in table for label in _LABELS)]
    if not found:
        raise StarError(
            f"{name} has no table with the columns {' and '.join(_LABELS)}: that is what an MTF file holds."
        )
    frequency, value = (np.asarray(found[0][label], np.float64) for label in _LABELS)
    if frequency.size < 2 or (np.diff(frequency) <= 0).any() or frequency[0] < 0 or frequency[-1] > 1:
        raise StarError(f"{name}: rlnResolutionInversePixel has to rise from 0 to 0.5 (Nyquist), row after row.")
    if not ((value > 0) & (value <= 1.5)).all():
        raise StarError(
            f"{name}: rlnMtfValue lies between {value.min():.4g} and {value.max():.4g}; an MTF is above 0 and near 1 at most."
        )
    return frequency, value


def _shipped() -> list[Detector]:
    rows = map(_ROW.match, (_FOLDER / "SOURCES.md").read_text(encoding="utf-8").splitlines())
    return [
        Detector(
            row["name"],
            row["words"],
            f"{row['measured']}, {row['file']}; numbers taken from {row['taken']}",
            _FOLDER / f"{row['name']}.star",
        )
        for row in rows
        if row
    ]


def _own() -> list[Detector]:
    named = settings().mtf_folder
    if not named:
        return []
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise NodeError(
            f"The setting mtf_folder (RELIONLAB_MTF_FOLDER) is {named}, which is no folder: name the one that holds"
            " your detectors' MTFs, or leave it empty."
        )
    return [Detector(path.stem, f"your own, {path}", "", path) for path in sorted(folder.glob("*.star"))]
