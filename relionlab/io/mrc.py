"""MRC files: maps, stacks and single images, modes 0, 1, 2, 6, 12 and 101, either byte order, extended headers.

The mrcfile library provides the header's layout. Pixels are read by
:mod:`relionlab.io.image_file`, because single images of many large stacks are asked for, mode 101 and .zst files
exist, and a damaged file has to be explained in words.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE

from relionlab.errors import ImageError
from relionlab.io.compression import uncompressed_name
from relionlab.io.image_file import ImageFile, ImageHeader, check_size, read_start

HEADER_BYTES = 1024
STACK_ENDINGS = (".mrcs", ".st", ".ali")
ENDINGS = (".mrc", ".mrcs", ".map", ".st", ".ali", ".rec", ".ctf", ".ccp4")
_PACKED = 101  # two 4-bit pixels in a byte
_COMPLEX = (3, 4)
_TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2", _PACKED: "u1"}  # MRC2014; 12 and 101 are later additions
_FLOAT32, _FLOAT16 = 2, 12
_IMOD_STAMP = 1146047817


def open_mrc(path: Path, *, as_stack: bool | None = None) -> ImageFile:
    """Return header and layout of an MRC file.

    as_stack  whether several sections are images rather than a map; None: by the ending, as RELION does
    Raises ImageError if it is not an MRC file, its pixel type cannot be used, or it is cut off.
    """
    raw = read_start(path, HEADER_BYTES)
    if len(raw) < HEADER_BYTES:
        raise ImageError(
            f"{path} has {len(raw)} bytes; an MRC file starts with a header of {HEADER_BYTES}. It was cut off: copy it again, or leave it out."
        )
    header, order = _parse(raw, path)
    sizes = tuple(int(header[axis]) for axis in ("nz", "ny", "nx"))
    stack = uncompressed_name(path).suffix.lower() in STACK_ENDINGS if as_stack is None else as_stack
    mode = int(header["mode"])
    described = ImageHeader(
        path=path,
        count=sizes[0] if stack else 1,
        shape=sizes[1:] if stack or sizes[0] == 1 else sizes,
        pixel_size=_pixel_size(header),
        mode=mode,
        is_stack=stack,
    )
    packed, dtype = mode == _PACKED, _pixel_type(header, order)
    row = (sizes[2] + 1) // 2 if packed else sizes[2] * dtype.itemsize
    offset = HEADER_BYTES + int(header["nsymbt"])
    return check_size(ImageFile(described, path, dtype, offset, sizes[1] * row, sizes[0], packed))


def _parse(raw: bytes, path: Path) -> tuple[np.ndarray, str]:
    """Return the header and the byte order, "<" or ">", in which it makes sense."""
    found = []
    for order in "<>":
        header = np.frombuffer(raw, dtype=HEADER_DTYPE.newbyteorder(order), count=1)[0]
        mode, sizes = int(header["mode"]), [int(header[axis]) for axis in ("nx", "ny", "nz")]
        plausible = all(0 < size < 1 << 24 for size in sizes) and 0 <= int(header["nsymbt"]) < 1 << 30
        if mode in _TYPES and plausible:
            return header, order
        if mode in _COMPLEX and plausible:
            raise ImageError(
                f"{path} holds complex numbers (MRC mode {mode}), a Fourier transform; expected an image or a map."
            )
        found.append((mode, sizes))
    mode, sizes = found[0]
    raise ImageError(
        f"{path} is not an MRC file that can be used: its header says mode {mode} and size {sizes}; expected one of the modes "
        f"{', '.join(map(str, _TYPES))} and sizes above 0. Check that it is an MRC file and was not damaged."
    )


def _pixel_type(header: np.ndarray, order: str) -> np.dtype:
    """Return the type of a pixel; IMOD's old 8-bit files are unsigned unless they say otherwise."""
    if int(header["mode"]) == 0:
        stamp, flags = np.frombuffer(header["extra2"].tobytes()[40:48], dtype=f"{order}i4")
        return np.dtype(np.uint8 if stamp == _IMOD_STAMP and not flags & 1 else np.int8)
    return np.dtype(order + _TYPES[int(header["mode"])])


def _pixel_size(header: np.ndarray) -> float | None:
    """Return the length of the cell over the number of its intervals, in Å."""
    length, intervals = float(header["cella"]["x"]), int(header["mx"])
    if intervals <= 0:
        intervals = int(header["nx"])
    if not np.isfinite(length) or length <= 0:
        return None
    for digits in range(3, 10):  # the shortest number that gives this cell: 3.54, not 3.5399999618530273
        size = float(f"{length / intervals:.{digits}g}")
        if np.float32(size * intervals) == np.float32(length):
            return size
    return length / intervals


def new_header(
    shape: tuple[int, int, int], *, pixel_size: float, is_stack: bool, half_precision: bool = False
) -> np.ndarray:
    """Return the header of a new file of ``shape`` (z, y, x), little-endian, without extended header.

    The statistics say "not known" until :func:`set_statistics` is called.
    """
    header = np.zeros((), dtype=HEADER_DTYPE.newbyteorder("<"))
    header["nz"], header["ny"], header["nx"] = shape
    header["mode"] = _FLOAT16 if half_precision else _FLOAT32
    header["mz"], header["my"], header["mx"] = shape  # RELION divides the cell by mx, so it must be nx
    for axis, size in zip("zyx", shape, strict=True):
        header["cella"][axis] = size * pixel_size
        header["cellb"][{"x": "alpha", "y": "beta", "z": "gamma"}[axis]] = 90
    header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
    header["dmin"], header["dmax"], header["dmean"], header["rms"] = (
        0,
        -1,
        -2,
        -1,
    )  # MRC2014: smaller maximum = not known
    header["ispg"] = 0 if is_stack or shape[0] == 1 else 1
    header["map"] = b"MAP "
    header["machst"][:2] = 0x44
    header["nversion"] = 20140
    header["nlabl"] = 1
    header["label"][0] = b"relionlab"
    return header


def set_statistics(header: np.ndarray, *, low: float, high: float, total: float, squares: float) -> None:
    """Put minimum, maximum, mean and deviation into a header, from the sums of pixels and of their squares.

    With NaN or infinite pixels they stay "not known".
    """
    if not np.isfinite(squares):
        return
    pixels = int(header["nx"]) * int(header["ny"]) * int(header["nz"])
    mean = total / pixels
    header["dmin"], header["dmax"], header["dmean"] = low, high, mean
    header["rms"] = max(squares / pixels - mean * mean, 0.0) ** 0.5


def write_header(stream: BinaryIO, header: np.ndarray) -> None:
    """Write a header to the start of a file."""
    stream.seek(0)
    stream.write(header.tobytes())
