"""MotionCor2's and MotionCor3's shifts: the logs that they write beside a corrected movie.

    mov-Full.log         "#" lines, then per frame: number from 1, shift x and y, of whole frames; mov-Patch-Full.log where
                         patches were aligned too
    mov-Patch-Patch.log  "# Movie size: x y frames", then for every patch a line per frame: number from 1, x and y of its
                         centre in px, shift x and y beside the whole frame's; then the fitted shift or whether it is bad

Shifts are corrections in px of the movie before binning, relative to the first frame, as RELION has them, which takes
MotionCor2's as they are. (Zheng et al., Nat. Methods 14 (2017) 331, and the programs' files.)
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.motion.model import field_basis, time_basis
from relionlab.errors import InputError

PathLike = str | os.PathLike[str]
WHOLE = ("-Patch-Full.log", "-Full.log")
"""Endings of the whole frames' shifts, the one with patches first; older versions put a 0 before the hyphen."""
PATCHES = "-Patch-Patch.log"
_TOTAL = 0.3
"""If the patches' mean follows the whole frames' shifts to this share, they are listed with them, not beside them."""


@dataclass(frozen=True)
class PatchShifts:
    """What patches say beside the whole frames.

    places  (patches, 2) px, x and y of their centres
    shifts  (patches, frames, 2) px
    trusted (patches, frames) whether the program took it
    size    (x, y) of the movie in whose px the places are
    """

    places: np.ndarray
    shifts: np.ndarray
    trusted: np.ndarray
    size: tuple[int, int]


def find_logs(directory: PathLike, movie: str, others: Sequence[str] = ()) -> tuple[Path, Path | None]:
    """Return a movie's logs in a directory: the whole frames', and the patches' where there is one.

    movie   its name; logs begin with it, without directory and ending
    others  names of further movies, whose logs may begin alike: mov1 and mov10

    Raises InputError if there is none.
    """
    stem = _stem(movie)
    longer = [other for other in map(_stem, others) if other != stem and other.startswith(stem)]
    found = [path for path in sorted(Path(directory).glob("*.log")) if path.name.startswith(stem)]
    found = [path for path in found if not any(path.name.startswith(other) for other in longer)]
    patches = min(
        (path for path in found if path.name.endswith(PATCHES)), key=lambda path: len(path.name), default=None
    )
    for ending in WHOLE:
        matching = [path for path in found if path.name.endswith(ending)]
        if matching:
            return min(matching, key=lambda path: len(path.name)), patches
    raise InputError(
        f"{directory} has no log of {movie}: expected {stem}-Full.log or {stem}-Patch-Full.log, as MotionCor2 writes them with"
        " -LogFile or -LogDir. Check the directory."
    )


def read_whole(path: PathLike) -> np.ndarray:
    """Return the shifts of whole frames, (frames, 2) px; InputError if the file does not list them."""
    rows = [words for words in _rows(path) if len(words) == 3]
    numbers = [int(row[0]) for row in rows]
    if len(rows) < 2 or numbers != list(range(numbers[0], numbers[0] + len(rows))):
        raise InputError(
            f"{path} lists {len(rows)} frames{'' if len(rows) < 2 else ', not one after the other'}; expected a line 'number x y'"
            " for each. It was cut off, or is another of MotionCor2's logs."
        )
    shifts = np.array([row[1:] for row in rows])
    return shifts - shifts[0]


def read_patches(path: PathLike, whole: np.ndarray) -> PatchShifts:
    """Return what the patches say beside the shifts of whole frames (frames, 2); InputError if the file is not such a one."""
    text = Path(path).read_text(errors="replace")
    told = re.search(r"Movie size:\s*(\d+)\s+(\d+)", text)
    rows = [row for row in _rows(path) if len(row) in (5, 6, 7)]
    frames = len(whole)
    if told is None or not rows or len(rows) % frames:
        raise InputError(
            f"{path} lists {len(rows)} shifts of patches{'' if told else ' and no movie size'}; expected {frames} for each, as the"
            " whole frames' log has. It was cut off, or belongs to another movie: leave it away to use whole frames alone."
        )
    table = np.array([row[:5] for row in rows]).reshape(-1, frames, 5)
    bad = np.array([len(row) == 6 and row[5] != 0 for row in rows]).reshape(-1, frames)
    shifts = table[..., 3:]
    shifts = shifts - shifts[:, :1]
    beside = shifts.mean(axis=0) - whole
    if np.sqrt((beside**2).mean()) < _TOTAL * np.sqrt((whole**2).mean()):
        shifts = shifts - whole
    return PatchShifts(table[:, 0, 1:3], shifts, ~bad, (int(told[1]), int(told[2])))


def fitted_model(patches: PatchShifts) -> np.ndarray:
    """Return RELION's motion model (2, 6, 3) that fits what patches say best: polishing starts from it.

    As many of its functions as so many patches tell are used.
    """
    u, v = (patches.places / np.array(patches.size) - 0.5).T
    times = np.arange(patches.shifts.shape[1])
    across, down = (len(np.unique(np.round(place, 3))) for place in (u, v))
    functions = np.flatnonzero([True, across > 1, across > 2, down > 1, down > 2, across > 1 and down > 1])
    powers = np.arange(min(3, max(len(times) - 1, 1)))
    basis, course = field_basis(u, v)[functions], time_basis(times / max(len(times) - 1, 1))[:, powers]
    matrix = np.einsum("bn,fp->nfbp", basis, course)[patches.trusted].reshape(int(patches.trusted.sum()), -1)
    model = np.zeros((2, 6, 3))
    for axis in range(2):
        solution = np.linalg.lstsq(matrix, patches.shifts[..., axis][patches.trusted], rcond=None)[0]
        model[axis][np.ix_(functions, powers)] = solution.reshape(len(functions), len(powers))
    return model / float(max(len(times) - 1, 1)) ** np.arange(1, 4)


def _rows(path: PathLike) -> list[list[float]]:
    """Return the numbers of each line that is not a remark; InputError if there are words among them."""
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError as cause:
        raise InputError(f"{path} cannot be read: {cause.strerror}.") from cause
    rows = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        try:
            rows += [[float(word) for word in words]] if words else []
        except ValueError:
            raise InputError(f"{path}, line {number}: found '{line.strip()[:60]}'; expected numbers.") from None
    return rows


def _stem(movie: str) -> str:
    return Path(movie).name.partition(".")[0]
