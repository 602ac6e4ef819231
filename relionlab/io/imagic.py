"""IMAGIC files: a .hed with one 1,024-byte header per image and a .img with the pixels.

The words used here, counted from 1 as in IMAGIC's manual: 13 rows, 14 columns, 15 type (REAL, INTG, PACK),
61 sections, 62 images, 69 machine stamp (which byte order).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.errors import ImageError
from relionlab.io.image_file import ImageFile, ImageHeader, check_size, read_start

ENDINGS = (".img", ".hed")
_RECORD = 1024
_ROWS, _COLUMNS, _TYPE, _SECTIONS = 12, 13, 14, 60
# IMAGIC's name of the pixel type -> NumPy's, and the MRC mode of the same type
_TYPES = {b"REAL": ("f4", 2), b"INTG": ("i2", 1), b"PACK": ("u1", 0)}


def open_imagic(path: Path) -> ImageFile:
    """Return header and layout of an IMAGIC file, given either of its two names.

    Raises ImageError if one of them is missing, they do not fit each other, or the type cannot be used.
    """
    heads, pixels = path.with_suffix(".hed"), path.with_suffix(".img")
    raw = read_start(heads, _RECORD)
    if len(raw) < _RECORD:
        raise ImageError(f"{heads} has {len(raw)} bytes; an IMAGIC header has {_RECORD} for each image.")
    kind = raw[4 * _TYPE : 4 * _TYPE + 4]
    if kind not in _TYPES:
        raise ImageError(
            f"{heads} gives the pixel type {kind!r}; expected one of {', '.join(name.decode() for name in _TYPES)}."
        )
    order, words = _words(raw, heads)
    name, mode = _TYPES[kind]
    dtype = np.dtype(order + name)
    rows, columns, sections = int(words[_ROWS]), int(words[_COLUMNS]), max(1, int(words[_SECTIONS]))
    frames = heads.stat().st_size // _RECORD
    is_map = sections > 1 and sections == frames
    header = ImageHeader(
        path=path,
        count=1 if is_map else frames,
        shape=(sections, rows, columns) if is_map else (rows, columns),
        pixel_size=None,
        mode=mode,
        is_stack=not is_map,
    )
    return check_size(ImageFile(header, pixels, dtype, 0, rows * columns * dtype.itemsize, frames))


def _words(raw: bytes, path: Path) -> tuple[str, np.ndarray]:
    for order in "<>":
        words = np.frombuffer(raw, dtype=f"{order}i4")
        if 0 < words[_ROWS] < 1 << 20 and 0 < words[_COLUMNS] < 1 << 20:
            return order, words
    raise ImageError(f"{path} is not an IMAGIC header: its image sizes make no sense in either byte order.")
