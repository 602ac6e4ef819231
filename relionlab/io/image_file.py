"""What an image file holds and where in it the pixels lie, whatever its format."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from relionlab.errors import ImageError
from relionlab.io.compression import is_compressed, read_bytes


@dataclass(frozen=True)
class ImageHeader:
    """What an image file says of itself.

    path        the file
    count       number of images in a stack; 1 for a map or a single image
    shape       (y, x) of one image, or (z, y, x) of a map, in px
    pixel_size  Å; None where the file does not say
    mode        MRC's number of the pixel type; SPIDER and IMAGIC give the MRC mode of the same type
    is_stack    whether it is a series of 2D images (by the file's name, as RELION decides)
    """

    path: Path
    count: int
    shape: tuple[int, ...]
    pixel_size: float | None
    mode: int
    is_stack: bool

    def contradicts(self, pixel_size: float, *, tolerance: float = 0.01) -> bool:
        """Whether the header's pixel size is another than this one, in Å; ``tolerance`` is relative.

        A header that says nothing contradicts nothing, nor does one of exactly 1 Å: programs write that that do not know.
        """
        return contradicts(self.pixel_size, pixel_size, tolerance=tolerance)


def contradicts(said: float | None, pixel_size: float, *, tolerance: float = 0.01) -> bool:
    """Whether a file that says this pixel size (Å; None: nothing) contradicts another; see :class:`ImageHeader`."""
    if said is None or not math.isfinite(said) or said <= 0 or abs(said - 1) <= 1e-3:
        return False
    return abs(said - pixel_size) > tolerance * pixel_size


@dataclass(frozen=True)
class ImageFile:
    """A header and the place of the pixels.

    data_path  file that holds the pixels (IMAGIC: the .img beside the .hed)
    dtype      type of one pixel, with its byte order; uint8 for packed 4-bit pixels
    offset     bytes before the first image
    stride     bytes from the start of one image to that of the next
    frames     number of 2D images (of a map: its sections)
    packed     whether two 4-bit pixels share a byte, the lower half first
    """

    header: ImageHeader
    data_path: Path
    dtype: np.dtype
    offset: int
    stride: int
    frames: int
    packed: bool = False

    @property
    def frame_shape(self) -> tuple[int, int]:
        """(y, x) of one image or section."""
        return self.header.shape[-2:]  # type: ignore[return-value]

    @property
    def frame_bytes(self) -> int:
        """Bytes that one image or section takes."""
        rows, columns = self.frame_shape
        return rows * ((columns + 1) // 2) if self.packed else rows * columns * self.dtype.itemsize

    @property
    def expected_size(self) -> int:
        """Bytes that the whole file must have at least."""
        return self.offset + (self.frames - 1) * self.stride + self.frame_bytes


def check_size(image: ImageFile) -> ImageFile:
    """Raise ImageError if the (uncompressed) file is shorter than its header says."""
    if is_compressed(image.data_path):
        return image  # shows when it is read
    if not image.data_path.exists():
        raise ImageError(
            f"{image.data_path} does not exist, although {image.header.path} describes it. Copy both files."
        )
    size = image.data_path.stat().st_size
    if size < image.expected_size:
        raise _too_short(image, size)
    return image


def read_frames(image: ImageFile, indices: Iterable[int] | None = None) -> np.ndarray:
    """Return 2D images, or sections of a map, as float32 (n, y, x).

    indices  which ones, from 0, in any order, also repeatedly; None for all
    Raises ImageError if an index is out of range or the file ends too early.
    """
    chosen = np.arange(image.frames) if indices is None else np.asarray(list(indices), dtype=np.int64)
    outside = chosen[(chosen < 0) | (chosen >= image.frames)]
    if outside.size:
        raise ImageError(
            f"{image.header.path} has {image.frames} images, asked for number {outside[0] + 1}. "
            "The STAR file and the stack do not belong together, or the stack was written again."
        )
    out = np.empty((len(chosen), *image.frame_shape), dtype=np.float32)
    if is_compressed(image.data_path):
        _read_compressed(image, chosen, out)
    else:
        _read_plain(image, chosen, out)
    return out


def decode_frame(image: ImageFile, data: bytes) -> np.ndarray:
    """Return the 2D image (y, x), float32, that these bytes of the file (``image.frame_bytes`` of them) mean."""
    out = np.empty((1, *image.frame_shape), dtype=np.float32)
    _decode(image, data, 1, out)
    return out[0]


def _read_plain(image: ImageFile, chosen: np.ndarray, out: np.ndarray) -> None:
    """Read runs of neighbouring images in one go each, with one opening of the file."""
    try:
        with image.data_path.open("rb") as stream:
            for start, stop in _runs(chosen):
                first, number = int(chosen[start]), stop - start
                stream.seek(image.offset + first * image.stride)
                if _lies_ready(image):
                    if stream.readinto(out[start:stop].reshape(-1).view(np.uint8).data) != number * image.frame_bytes:
                        raise _too_short(image, None)
                    continue
                data = stream.read((number - 1) * image.stride + image.frame_bytes)
                _decode(image, data, number, out[start:stop])
    except OSError as cause:
        raise ImageError(f"{image.data_path} cannot be read: {cause.strerror}.") from cause


def _lies_ready(image: ImageFile) -> bool:
    """Whether the file holds exactly the bytes that are asked for, so that they need not be copied."""
    return image.dtype == np.float32 and image.dtype.isnative and image.stride == image.frame_bytes


def _read_compressed(image: ImageFile, chosen: np.ndarray, out: np.ndarray) -> None:
    data = read_bytes(image.data_path, ImageError)
    for place, index in enumerate(chosen):
        start = image.offset + int(index) * image.stride
        _decode(image, data[start : start + image.frame_bytes], 1, out[place : place + 1])


_RUN = 512  # images read at once at most


def _runs(chosen: np.ndarray) -> Sequence[tuple[int, int]]:
    breaks = np.flatnonzero(np.diff(chosen) != 1) + 1
    edges = [0, *breaks.tolist(), len(chosen)]
    return [(start, min(start + _RUN, stop)) for begin, stop in pairwise(edges) for start in range(begin, stop, _RUN)]


def _decode(image: ImageFile, data: bytes, number: int, out: np.ndarray) -> None:
    needed = (number - 1) * image.stride + image.frame_bytes
    if len(data) < needed:
        raise _too_short(image, None)
    rows, columns = image.frame_shape
    width = (columns + 1) // 2 if image.packed else columns
    item = image.dtype.itemsize
    frames: np.ndarray = np.ndarray(
        (number, rows, width), image.dtype, buffer=data, strides=(image.stride, width * item, item)
    )
    if image.packed:
        pairs = np.stack([frames & 15, frames >> 4], axis=-1).reshape(number, rows, 2 * width)
        frames = pairs[:, :, :columns]
    out[:] = frames


def _too_short(image: ImageFile, size: int | None) -> ImageError:
    whole = max(0, ((size or 0) - image.offset) // image.stride) if size is not None else 0
    found = f"has {size} bytes, enough for {whole} of them" if size is not None else "ends earlier"
    return ImageError(
        f"{image.data_path}: the header promises {image.frames} images or sections of "
        f"{image.frame_shape[1]}×{image.frame_shape[0]} px ({image.expected_size} bytes), but the file {found}. "
        "It was cut off (disk full, copy interrupted) or its header is wrong: write or copy it again."
    )


def read_start(path: Path, size: int) -> bytes:
    """Return the first ``size`` bytes of a file, uncompressed; ImageError if they cannot be read."""
    return read_bytes(path, ImageError, size=size)
