"""TIFF movies: reading through tifffile and imagecodecs, and writing them for the simulator.

Pages are frames. TIFF begins with the top row, MRC with the bottom one, so rows are turned as RELION turns them.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from relionlab.errors import ImageError
from relionlab.io.atomic import atomic_write
from relionlab.io.movie import Movie

Compression = Literal["lzw", "deflate", "zstd", "none"]

_ANGSTROM_PER_UNIT = {2: 2.54e8, 3: 1e8}  # ResolutionUnit: inch, cm
_PLAUSIBLE = (0.05, 50.0)
"""Å; other resolutions are those of screens and printers."""

_MOST_PAGES = 1_000_000


class TiffMovie(Movie):
    """A movie in a TIFF file of any compression that imagecodecs knows; see :class:`relionlab.io.movie.Movie`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_tiff(path)
        first = self._pages[0]
        if len(first.shape) != 2:
            self.close()
            raise ImageError(
                f"{path} has frames of shape {first.shape}; expected grey values (y, x). Convert it to grey values."
            )
        self.frames, self.shape = len(self._pages), (int(first.shape[0]), int(first.shape[1]))
        self.pixel_size = pixel_size_of(first)

    def check_length(self) -> None:
        """Raise ImageError if the file was cut off; no pixel is read."""
        check_length(self.path, self._file)

    @property
    def _pages(self) -> Any:
        return self._file.pages

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read_stored(self, index: int) -> np.ndarray:
        """Return one frame in the file's own type."""
        return self._page(index) if 0 <= index < self.frames else self.read(index)

    def _read(self, index: int) -> np.ndarray:
        return np.ascontiguousarray(self._page(index), dtype=np.float32)

    def _page(self, index: int) -> np.ndarray:
        page = decoded(self.path, self._file, index)
        if page.shape != self.shape:
            raise ImageError(
                f"{self.path}: frame {index + 1} has {page.shape[1]}×{page.shape[0]} px, the first one "
                f"{self.shape[1]}×{self.shape[0]}. The file mixes images: write the movie again."
            )
        return page[::-1]


def open_tiff(path: Path) -> Any:
    """Return tifffile's object of a file that has at least one page; ImageError if it is none or is cut off."""
    import tifffile

    try:
        check_chain(path)  # tifffile passes over what follows a break, with no more than a log entry
        file = tifffile.TiffFile(path)
        if not len(file.pages):
            raise ValueError("it has no pages")
    except FileNotFoundError:
        raise ImageError(
            f"{path} does not exist. Check the name, and that it is relative to the project folder."
        ) from None
    except Exception as cause:
        raise ImageError(
            f"{path} cannot be read as a TIFF or EER file ({cause or type(cause).__name__}). "
            "It was cut off or is of another format: copy it again."
        ) from cause
    return file


def check_chain(path: Path) -> None:
    """Follow the chain of pages to its end; EOFError where it leads beyond the end of the file."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(16)
        order = {b"II": "<", b"MM": ">"}.get(start[:2])
        if order is None or len(start) < 8:
            raise ValueError("it does not begin as a TIFF file")
        big = struct.unpack(f"{order}H", start[2:4])[0] == 43
        entries, link, width = ("Q", "Q", 20) if big else ("H", "I", 12)
        number, number_size, link_size = 0, struct.calcsize(entries), struct.calcsize(link)
        place = struct.unpack_from(order + link, start, 8 if big else 4)[0]
        while place:
            number += 1
            if number > _MOST_PAGES:
                raise ValueError("its pages form a ring")
            stream.seek(place)
            head = stream.read(number_size)
            if len(head) == number_size:
                stream.seek(place + number_size + width * struct.unpack(order + entries, head)[0])
                head = stream.read(link_size)
            if len(head) != struct.calcsize(link) or place >= size:
                raise EOFError(f"it ends before page {number} does")
            place = struct.unpack(order + link, head)[0]


def check_length(path: Path, file: Any) -> None:
    """Raise ImageError if the pixels of the first or the last page are said to lie beyond the end of the file."""
    size = path.stat().st_size
    for index in {0, len(file.pages) - 1}:
        page = file.pages[index]
        if max(map(sum, zip(page.dataoffsets, page.databytecounts, strict=True)), default=0) > size:
            raise ImageError(
                f"{path} ends before frame {index + 1} of {len(file.pages)} does: it was cut off, copy it again."
            )


def decoded(path: Path, file: Any, index: int) -> np.ndarray:
    """Return a page's pixels as they lie; ImageError, naming file and frame, if they are damaged."""
    try:
        return np.asarray(file.pages[index].asarray())
    except MemoryError:
        raise
    except Exception as cause:
        raise ImageError(
            f"{path}: frame {index + 1} of {len(file.pages)} cannot be decoded ({cause or type(cause).__name__}). "
            "The file was cut off (disk full, copy interrupted) or damaged: copy it again."
        ) from cause


def pixel_size_of(page: Any) -> float | None:
    """Return the pixel size in Å from the resolution tags, None if they say nothing plausible."""
    try:
        over, under = page.tags["XResolution"].value
        size = _ANGSTROM_PER_UNIT[int(page.tags["ResolutionUnit"].value)] * under / over
    except (KeyError, ZeroDivisionError, TypeError, ValueError):
        return None
    return float(f"{size:.6g}") if _PLAUSIBLE[0] <= size <= _PLAUSIBLE[1] else None


class TiffWriter:
    """Writes a movie frame by frame; the file appears when the block ends without error.

    path         .tif or .tiff
    pixel_size   Å
    compression  "lzw" and "deflate" are what RELION 3.1 reads; "zstd" is smaller and faster
    bigtiff      for files beyond 4 GB

        with TiffWriter("mov001.tiff", 1.5) as movie:
            movie.append(frame)  # (y, x), uint8, uint16, int16 or float32, as often as there are frames

    Raises ImageError if frames are not 2D, or differ in size or type.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        pixel_size: float,
        *,
        compression: Compression = "lzw",
        bigtiff: bool = False,
    ) -> None:
        """See the class."""
        self.path = Path(path)
        if self.path.suffix.lower() not in (".tif", ".tiff"):
            raise ImageError(f"{path} cannot be written: expected a name that ends in .tif or .tiff.")
        self._per_cm = 1e8 / pixel_size
        self._compression = None if compression == "none" else compression
        self._bigtiff = bigtiff
        self._like: tuple[tuple[int, ...], np.dtype] | None = None

    def __enter__(self) -> Self:
        import tifffile

        self._atomic = atomic_write(self.path)
        self._writer = tifffile.TiffWriter(self._atomic.__enter__(), bigtiff=self._bigtiff)
        return self

    def append(self, frame: np.ndarray) -> None:
        """Add a frame (y, x)."""
        found = frame.shape, frame.dtype
        if frame.ndim != 2 or (self._like is not None and found != self._like):
            wanted = "two dimensions" if self._like is None else f"shape {self._like[0]} and type {self._like[1]}"
            raise ImageError(
                f"{self.path}: got a frame of shape {frame.shape} and type {frame.dtype}; expected {wanted}."
            )
        self._like = found
        self._writer.write(
            np.ascontiguousarray(frame[::-1]),
            compression=self._compression,
            photometric="minisblack",
            metadata=None,
            contiguous=False,
            resolution=(self._per_cm, self._per_cm),
            resolutionunit=3,
            software="relionlab",
            rowsperstrip=frame.shape[0],
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._atomic.__exit__(kind, error, trace)
