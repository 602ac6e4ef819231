"""Reading and writing images and maps: MRC, SPIDER and IMAGIC, by the ending of the file's name.

Reading    MRC .mrc .mrcs .map .st .ali .rec .ctf, SPIDER .spi .stk .xmp .vol, IMAGIC .img .hed; MRC and SPIDER also
           compressed (.gz, .bz2, .zst). RELION's "name:mrcs" says the format where the ending does not.
Writing    MRC, as float32 (float16 only when asked: RELION 3.1 refuses it), write-then-rename.

Arrays are (z, y, x) or (n, y, x), y down as in the file, float32.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from relionlab.errors import ImageError
from relionlab.io import imagic, mrc, spider
from relionlab.io.atomic import atomic_write
from relionlab.io.compression import is_compressed, uncompressed_name
from relionlab.io.image_file import ImageFile, ImageHeader, read_frames
from relionlab.io.image_names import parse_image_name

PathLike = str | os.PathLike[str]

__all__ = [
    "ImageHeader",
    "StackWriter",
    "nonfinite",
    "open_image",
    "read_header",
    "read_image",
    "read_map",
    "read_stack",
    "write_image",
    "write_map",
    "write_stack",
]


def open_image(path: PathLike) -> ImageFile:
    """Return header and layout of an image file of any format; see :class:`ImageFile`.

    Raises ImageError if there is no such file, its format is unknown, or it is damaged.
    """
    name = os.fspath(path)
    base, colon, form = name.rpartition(":")
    if colon and f".{form}" in (*mrc.ENDINGS, *spider.ENDINGS, *imagic.ENDINGS):
        place, ending = Path(base), f".{form}"
    else:
        place, ending = Path(name), uncompressed_name(Path(name)).suffix.lower()
    if ending in mrc.ENDINGS:
        return mrc.open_mrc(place, as_stack=ending in mrc.STACK_ENDINGS)
    if ending in spider.ENDINGS:
        return spider.open_spider(place)
    if ending in imagic.ENDINGS:
        return imagic.open_imagic(place)
    known = " ".join((*mrc.ENDINGS, *spider.ENDINGS, *imagic.ENDINGS))
    raise ImageError(f"{path} has the ending '{ending}'; expected an image of one of the endings {known}.")


def read_header(path: PathLike) -> ImageHeader:
    """Return what an image file says of itself."""
    return open_image(path).header


def read_image(path: PathLike) -> np.ndarray:
    """Return the only image of a file, or one image of a stack named as "000002@stack.mrcs": float32 (y, x).

    Raises ImageError if the file holds several images.
    """
    index, name = parse_image_name(os.fspath(path))
    image = open_image(name)
    if index is None and image.frames != 1:
        raise ImageError(
            f"{path} holds {image.frames} images; expected one. Name one as 000001@{path}; a movie's frames have to be"
            " aligned and averaged first (MotionCorr)."
        )
    return read_frames(image, [index or 0])[0]


def read_stack(path: PathLike, indices: Iterable[int] | None = None) -> np.ndarray:
    """Return images of a stack (or sections of a map, frames of a movie): float32 (n, y, x).

    indices  which ones, from 0, in any order; None for all
    """
    return read_frames(open_image(path), indices)


def read_map(path: PathLike) -> tuple[np.ndarray, float | None]:
    """Return a map, float32 (z, y, x), and its pixel size in Å (None if the file does not say).

    Raises ImageError if the file is a 2D image or the map holds NaN or infinite values.
    """
    image = open_image(path)
    if image.frames == 1:
        raise ImageError(f"{path} is a single 2D image; expected a map with several sections.")
    array = read_frames(image)
    bad = nonfinite(array)
    if bad.size:
        raise ImageError(
            f"{path} holds NaN or infinite values, first in section {bad[0] + 1} of {image.frames}. Make the map again."
        )
    return array, image.header.pixel_size


def nonfinite(images: np.ndarray) -> np.ndarray:
    """Return the indices of images (n, y, x) that hold a NaN or an infinite value."""
    with np.errstate(invalid="ignore"):
        sums = images.reshape(len(images), -1).sum(axis=1, dtype=np.float64)  # one bad pixel makes the sum bad
    return np.flatnonzero(~np.isfinite(sums))


def write_map(path: PathLike, array: np.ndarray, *, pixel_size: float) -> None:
    """Write a map (z, y, x) as MRC, float32."""
    _write(path, _shaped(array, path, 3), pixel_size=pixel_size, is_stack=False)


def write_image(path: PathLike, array: np.ndarray, *, pixel_size: float) -> None:
    """Write a single image (y, x) as MRC, float32."""
    _write(path, _shaped(array, path, 2)[np.newaxis], pixel_size=pixel_size, is_stack=True)


def write_stack(path: PathLike, images: np.ndarray, *, pixel_size: float, half_precision: bool = False) -> None:
    """Write images (n, y, x) as an MRC stack; ``half_precision`` as float16, which RELION 3.1 does not read."""
    _write(path, _shaped(images, path, 3), pixel_size=pixel_size, is_stack=True, half_precision=half_precision)


def _shaped(array: np.ndarray, path: PathLike, dimensions: int) -> np.ndarray:
    array = np.asarray(array)
    if array.ndim != dimensions or array.size == 0 or np.iscomplexobj(array):
        raise ImageError(
            f"{path} cannot be written from a {array.dtype} array of shape {array.shape}; "
            f"expected real numbers in {dimensions} dimensions."
        )
    return array


def _write(
    path: PathLike, array: np.ndarray, *, pixel_size: float, is_stack: bool, half_precision: bool = False
) -> None:
    with _MrcWriter(path, array.shape, pixel_size, is_stack=is_stack, half_precision=half_precision) as writer:
        for start in range(0, len(array), 256):
            writer.append(array[start : start + 256])


class _MrcWriter:
    """Writes an MRC file section by section and renames it at the end."""

    def __init__(
        self, path: PathLike, shape: tuple[int, ...], pixel_size: float, *, is_stack: bool, half_precision: bool = False
    ) -> None:
        self.path = Path(path)
        _check_target(self.path, pixel_size)
        count, rows, columns = shape
        self.header = mrc.new_header(
            (count, rows, columns), pixel_size=pixel_size, is_stack=is_stack, half_precision=half_precision
        )
        self.shape = (count, rows, columns)
        self.dtype = np.dtype("<f2" if half_precision else "<f4")
        self.written = 0
        self._low, self._high, self._total, self._squares = np.inf, -np.inf, 0.0, 0.0

    def __enter__(self) -> Self:
        self._file = atomic_write(self.path)
        self._stream: BinaryIO = self._file.__enter__().open("wb")
        mrc.write_header(self._stream, self.header)
        return self

    def append(self, images: np.ndarray) -> None:
        """Add images (n, y, x), or one image (y, x)."""
        images = images[np.newaxis] if images.ndim == 2 else images
        if images.shape[1:] != self.shape[1:] or self.written + len(images) > self.shape[0]:
            raise ImageError(
                f"{self.path}: got images of shape {images.shape} after {self.written} of {self.shape[0]}; "
                f"expected images of {self.shape[1:]} (y, x)."
            )
        with np.errstate(over="ignore"):
            pixels = np.ascontiguousarray(images, dtype=self.dtype)
        if self.dtype.itemsize == 2 and np.isinf(pixels).any():
            raise ImageError(
                f"{self.path}: grey values up to {np.abs(images).max():.3g} do not fit half precision (65504 at most). "
                "Normalise the images, or write them as float32."
            )
        self._stream.write(pixels.data)
        self._count(pixels)
        self.written += len(images)

    def _count(self, pixels: np.ndarray) -> None:
        values = pixels.astype(np.float64).reshape(-1)
        if not np.isfinite(self._squares):
            return
        self._low, self._high = min(self._low, values.min()), max(self._high, values.max())
        with np.errstate(invalid="ignore"):  # NaN and infinite pixels: the header will say "not known"
            self._total += float(values.sum())
            self._squares += float(values @ values)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                if self.written != self.shape[0]:
                    raise ImageError(
                        f"{self.path}: {self.written} images were written; {self.shape[0]} were announced."
                    )
                mrc.set_statistics(
                    self.header, low=self._low, high=self._high, total=self._total, squares=self._squares
                )
                mrc.write_header(self._stream, self.header)
        except BaseException as failure:
            self._stream.close()
            self._file.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._stream.close()
        self._file.__exit__(kind, error, trace)


class StackWriter(_MrcWriter):
    """Writes an MRC stack in pieces; the file appears when the block ends without error.

    path        the .mrcs file
    count       number of images that will come
    box         side of the square images in px, or their (y, x)
    pixel_size  Å

        with StackWriter("particles.mrcs", 1000, 64, 3.54) as stack:
            stack.append(images)  # (n, y, x), as often as needed

    Raises ImageError if images of another size, too many or too few of them come.
    """

    def __init__(
        self, path: PathLike, count: int, box: int | tuple[int, int], pixel_size: float, *, half_precision: bool = False
    ) -> None:
        """See the class."""
        rows, columns = (box, box) if isinstance(box, int) else box
        super().__init__(path, (count, rows, columns), pixel_size, is_stack=True, half_precision=half_precision)


def _check_target(path: Path, pixel_size: float) -> None:
    if is_compressed(path) or path.suffix.lower() not in mrc.ENDINGS:
        raise ImageError(f"{path} cannot be written: expected a name that ends in .mrc (map, image) or .mrcs (stack).")
    if not np.isfinite(pixel_size) or pixel_size <= 0:
        raise ImageError(f"{path}: pixel size {pixel_size} Å; expected a number above 0.")
