"""A micrograph whose particles were extracted: the first of them, smoothed for the eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.mosaic import enlarge, grey
from relionlab.display.newest.kinds import MicrographResult
from relionlab.display.newest.thumbnails import png
from relionlab.display.particles import filtered
from relionlab.display.words import many
from relionlab.io.images import read_header, read_stack

_ACROSS, _ROWS, _TILE, _GAP = 10, 4, 64, 4
_EYE = 25.0  # Å at which the eye finds particles in the noise


def values(path: Path) -> dict[str, np.ndarray]:
    """Return the number of particles."""
    return {"count": np.array([read_header(path).count])}


def result(path: Path) -> MicrographResult:
    """Return a sheet of the first particles."""
    header = read_header(path)
    count = min(header.count, _ACROSS * _ROWS)
    images = read_stack(path, np.arange(count)) if count else np.zeros((0, 8, 8), np.float32)
    pixel = header.pixel_size or 1.0
    smooth = filtered(images, max(_EYE, 2 * pixel), pixel_size=pixel) if count else images
    side = _TILE + _GAP
    sheet = np.full((max(-(-count // _ACROSS), 1) * side, _ACROSS * side), 255, np.uint8)
    for index in range(count):
        row, column = divmod(index, _ACROSS)
        drawn = enlarge(grey(smooth[index], clip=(0.5, 99.5)), _TILE)
        sheet[row * side : row * side + _TILE, column * side : column * side + _TILE] = drawn
    box = header.shape[-1]
    caption = (
        f"{path.stem}: {many(header.count, 'particle')} in boxes of {box} px of {pixel:.3g} Å ({box * pixel:.0f} Å);"
        f" the first {count}, smoothed to {_EYE:g} Å for the eye."
    )
    return MicrographResult(caption, png(sheet), None, f"Particles of {path.stem}")
