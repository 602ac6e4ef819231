"""SPIDER files: images, maps and stacks of either byte order.

The header is a list of float32 numbers (SPIDER manual, "file format"); those used here, counted from 0:
0 sections, 1 rows, 4 kind (1 image, 3 map), 11 columns, 12 header records, 21 header bytes, 23 above 0 in stacks,
25 images in a stack, 37 pixel size in Å. In a stack each image has a header of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.errors import ImageError
from relionlab.io.atomic import atomic_write
from relionlab.io.image_file import ImageFile, ImageHeader, check_size, read_start

ENDINGS = (".spi", ".stk", ".xmp", ".vol")
_SECTIONS, _ROWS, _KIND, _COLUMNS, _RECORDS, _BYTES, _STACK, _IMAGES, _PIXEL_SIZE = 0, 1, 4, 11, 12, 21, 23, 25, 37
_WORDS = 256
_KINDS = (1, 3)
_FLOAT32 = 2  # the same type as an MRC mode


def open_spider(path: Path) -> ImageFile:
    """Return header and layout of a SPIDER file; ImageError if it is none, holds a transform or is cut off."""
    raw = read_start(path, 4 * _WORDS)
    if len(raw) < 4 * (_PIXEL_SIZE + 1):
        raise ImageError(f"{path} has {len(raw)} bytes; too few for the header of a SPIDER file.")
    words = _words(raw, path)
    header_bytes = _header_bytes(words)
    sections, rows, columns = (max(1, int(words[place])) for place in (_SECTIONS, _ROWS, _COLUMNS))
    stack = words[_STACK] > 0
    count = max(1, int(words[_IMAGES])) if stack else 1
    if stack and sections > 1:
        raise ImageError(f"{path} is a SPIDER stack of maps; expected a stack of images, or one map.")
    image_bytes = 4 * rows * columns
    pixel_size = float(words[_PIXEL_SIZE]) if len(words) > _PIXEL_SIZE else 0.0
    header = ImageHeader(
        path=path,
        count=count,
        shape=(rows, columns) if sections == 1 else (sections, rows, columns),
        pixel_size=pixel_size if np.isfinite(pixel_size) and pixel_size > 0 else None,
        mode=_FLOAT32,
        is_stack=bool(stack),
    )
    return check_size(
        ImageFile(
            header,
            path,
            words.dtype,
            offset=2 * header_bytes if stack else header_bytes,
            stride=header_bytes + image_bytes if stack else image_bytes,
            frames=count if stack else sections,
        )
    )


def write_spider(path: Path, image: np.ndarray) -> None:
    """Write one image (y, x) as a SPIDER file, little-endian float32, as RELION writes its figure-of-merit maps."""
    rows, columns = image.shape
    records = -(-4 * _WORDS // (4 * columns))
    words = np.zeros(records * columns, dtype="<f4")
    words[[_SECTIONS, _ROWS, _KIND, _COLUMNS, _RECORDS]] = 1, rows, 1, columns, records
    words[[_BYTES, _BYTES + 1]] = 4 * len(words), 4 * columns
    with atomic_write(path) as temporary, temporary.open("wb") as out:
        out.write(words.tobytes())
        out.write(np.ascontiguousarray(image, dtype="<f4").tobytes())


def _words(raw: bytes, path: Path) -> np.ndarray:
    """Return the header's numbers in the byte order in which they make sense."""
    for order in "<>":
        words = np.frombuffer(raw[: len(raw) // 4 * 4], dtype=f"{order}f4")
        sizes = words[[_ROWS, _COLUMNS]]
        if words[_KIND] in _KINDS and np.all((sizes >= 1) & (sizes < 1e6) & (sizes == np.rint(sizes))):
            return words
    raise ImageError(
        f"{path} is not a SPIDER image or map: its header gives no kind (1 or 3) and sizes that make sense in either byte order."
    )


def _header_bytes(words: np.ndarray) -> int:
    """Return the length of the header: whole records of one row each, at least 1,024 bytes."""
    row = 4 * int(words[_COLUMNS])
    computed = -(-4 * _WORDS // row) * row
    stated = int(words[_BYTES]) if np.isfinite(words[_BYTES]) else 0
    return stated if stated >= 4 * _WORDS and stated % row == 0 else computed
