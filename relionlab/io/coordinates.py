"""Particle coordinates of a micrograph: .star, EMAN .box, ximdisp and xmipp text; and where each micrograph's file is.

Coordinates are the particle's centre in px of the micrograph, from 0, x to the right, y down; fractions are kept
(RELION 3.1 reads whole numbers from text and box files, and cuts at whole pixels in any case).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from relionlab.errors import InputError, StarError
from relionlab.io.atomic import atomic_write
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table

PathLike = str | os.PathLike[str]
X, Y, FOM = "rlnCoordinateX", "rlnCoordinateY", "rlnAutopickFigureOfMerit"
ENDINGS = (".star", ".box", ".pos", ".pik", ".coords", ".txt")
"""Endings of coordinate files: STAR, EMAN, xmipp, ximdisp (two) and plain columns."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")


def read_coordinates(path: PathLike) -> Table:
    """Read the particle centres of one micrograph; the format follows from the file's ending and content.

    Returns rlnCoordinateX and rlnCoordinateY in px and, where the file has them, further columns: all of a STAR
    file's, and the fifth column of a .box file (crYOLO, Topaz, REPIC) as rlnAutopickFigureOfMerit. A file without
    particles gives a table without rows.

    Raises StarError or InputError, naming file and line, for wrong columns or text where a number should be.
    """
    place = Path(path)
    if not place.is_file():
        raise InputError(f"{place} does not exist; expected a file of coordinates.")
    if place.suffix.lower() == ".star":
        return _read_star(place)
    try:
        lines = place.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise InputError(f"{place} holds binary data; expected coordinates as text.") from None
    if place.suffix.lower() == ".box":
        return _read_box(place, lines)
    if any(line.lstrip().startswith("# XMIPP_STAR") for line in lines[:3]):
        return _read_xmipp3(place)
    return _read_columns(place, lines)


def write_coordinates(path: PathLike, table: Table, *, box: int | None = None) -> None:
    """Write particle centres in the format of the file's ending (write-then-rename).

    table  rlnCoordinateX and rlnCoordinateY in px; a .star file keeps the other columns, a .box file the figure of merit
    box    side in px of EMAN's squares, which a .box file needs

    Raises InputError for an ending that is none of ENDINGS, or a .box file without ``box``.
    """
    place, ending = Path(path), Path(path).suffix.lower()
    if ending == ".star":
        write_star(place, [table.renamed("")])
        return
    if ending not in ENDINGS:
        raise InputError(f"{place} has the ending '{ending}'; coordinates are written as {', '.join(ENDINGS)}.")
    x, y = (table[label].tolist() for label in (X, Y))
    if ending == ".box":
        if box is None or box < 1:
            raise InputError(f"{place}: EMAN's .box files hold squares: give their side in px (box=…).")
        scores = [f"\t{float(value)!r}" for value in table[FOM].tolist()] if FOM in table else [""] * len(table)
        half = box // 2
        lines = [f"{_text(a - half)}\t{_text(b - half)}\t{box}\t{box}{s}" for a, b, s in zip(x, y, scores, strict=True)]
    else:
        heads = {".pos": ["# <X position> <Y position>"], ".pik": [" x         y      density"]}
        heads[".coords"] = heads[".pik"]
        density = " 100.0" if ending in (".pik", ".coords") else ""
        rows = [f" {_text(a):>10} {_text(b):>10}{density}" for a, b in zip(x, y, strict=True)]
        lines = heads.get(ending, []) + rows
    with atomic_write(place) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


# --- readers ----------------------------------------------------------------------------------------------------


def _read_star(place: Path) -> Table:
    tables = read_star(place)
    if not tables:
        raise StarError(f"{place} holds no table; expected coordinates (rlnCoordinateX, rlnCoordinateY).")
    found = next((table for table in tables.values() if X in table and Y in table), None)
    if found is not None:
        return found
    empty = next(iter(tables.values()))
    if not empty.labels:  # a picker that found nothing may write a block without columns
        return Table({X: np.zeros(0), Y: np.zeros(0)}, source=str(place))
    there = ", ".join(label for table in tables.values() for label in table.labels)
    raise StarError(
        f"{place} holds no coordinates: expected the columns rlnCoordinateX and rlnCoordinateY, got {there}."
    )


def _read_box(place: Path, lines: list[str]) -> Table:
    rows = _numbers(place, lines, 4, expected="'x y width height' (the corner of EMAN's squares)")
    corner, sides = _part(rows, 0, 2), _part(rows, 2, 4)
    if (sides < 1).any():
        raise InputError(f"{place} has a box of {sides.min():g} px; expected widths and heights above 0.")
    centres = corner + sides // 2
    columns = {X: centres[:, 0], Y: centres[:, 1]}
    if rows and min(map(len, rows)) >= 5:
        columns[FOM] = np.array([row[4] for row in rows])
    return Table(columns, source=str(place))


def _read_columns(place: Path, lines: list[str]) -> Table:
    """Read x and y from the first two columns; a first line without numbers is a heading (ximdisp)."""
    first = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
    if first is not None and not any(_NUMBER.match(word) for word in lines[first].split()):
        lines = [*lines[:first], "", *lines[first + 1 :]]
    rows = _numbers(place, lines, 2, expected="'x y', two numbers")
    centres = _part(rows, 0, 2)
    return Table({X: centres[:, 0], Y: centres[:, 1]}, source=str(place))


def _read_xmipp3(place: Path) -> Table:
    tables = read_star(place)
    for table in tables.values():
        labels = {label.lower(): label for label in table.labels}
        x, y = (labels.get(name) for name in ("xcoor", "ycoor"))
        if x and y:
            kept = table.numbers(labels["enabled"]) > 0 if "enabled" in labels else np.ones(len(table), bool)
            return Table({X: table.numbers(x)[kept], Y: table.numbers(y)[kept]}, source=str(place))
    if all("particles" not in name for name in tables):
        raise StarError(f"{place} is an xmipp file without a table of particles (_xcoor, _ycoor).")
    return Table({X: np.zeros(0), Y: np.zeros(0)}, source=str(place))


def _numbers(place: Path, lines: list[str], least: int, *, expected: str) -> list[list[float]]:
    """Return the numbers at the start of each line that is neither empty nor a comment."""
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        values = []
        for word in words:
            if not _NUMBER.match(word) and word.lower() not in ("nan", "inf", "-inf"):
                break
            values.append(float(word))
        if len(values) < least:
            raise InputError(f"{place}, line {number}, is {line.strip()!r}; expected {expected}.")
        rows.append(values)
    return rows


def _part(rows: list[list[float]], start: int, stop: int) -> np.ndarray:
    return np.array([row[start:stop] for row in rows], dtype=np.float64).reshape(-1, stop - start)


def _text(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.6f}".rstrip("0")
