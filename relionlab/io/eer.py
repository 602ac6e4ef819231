"""EER movies: electron events of hundreds of raw frames, rendered in groups.

Each raw frame is a TIFF page in which gaps between events alternate with the place inside the pixel (Thermo Fisher's
EER format; tags and symbol widths as tifffile documents them). In compression 65000 every symbol has
8 + 4 bits, in 65001 7 + 4, where a full gap has no place; in 65002 the widths stand in tags 65007 to 65009.
Rows and sub-pixels come out as RELION 3.1.3 renders
them. (imagecodecs has a decoder too, but refuses 65000 and frames of which the last bytes are padding.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np

from relionlab.errors import ImageError
from relionlab.io.movie import Movie
from relionlab.io.tiff import check_length, open_tiff

_FIXED_12, _FIXED_11, _VARIABLE = 65000, 65001, 65002
_MOST_UPSAMPLING = 3
_MOST_AT_ONCE = 255  # what the uint8 in which events are counted can hold, if every raw frame hits the same pixel

EER_GROUPING = 40
"""Raw EER frames per frame where nothing is asked for: RELION's default."""


class EerMovie(Movie):
    """An EER movie; a frame is the sum of ``grouping`` raw frames, in counted electrons.

    raw_frames  number of frames that the detector recorded
    grouping    raw frames per frame
    total_dose  in e/px over all raw frames, as the file says; None where it does not

    Otherwise see :class:`relionlab.io.movie.Movie`.
    """

    def __init__(self, path: Path, *, grouping: int | None = None, upsampling: int = 1) -> None:
        self.path = path
        if not 1 <= upsampling <= _MOST_UPSAMPLING:
            raise ImageError(f"EER upsampling {upsampling} is asked for; expected 1 (4K), 2 (8K) or 3 (16K).")
        self._file = open_tiff(path)
        try:
            self._open(grouping, upsampling)
        except ImageError:
            self.close()
            raise

    def _open(self, grouping: int | None, upsampling: int) -> None:
        pages = self._file.pages
        if pages[0].compression not in (_FIXED_12, _FIXED_11, _VARIABLE):
            raise ImageError(f"{self.path} is a TIFF file without electron events; expected EER. Name it .tiff.")
        self.raw_frames = sum(1 for page in pages if page.compression in (_FIXED_12, _FIXED_11, _VARIABLE))
        self.grouping = min(EER_GROUPING, self.raw_frames) if grouping is None else grouping
        if not 1 <= self.grouping <= self.raw_frames:
            raise ImageError(
                f"{self.path} has {self.raw_frames} raw frames; asked for groups of {self.grouping}. "
                "Give an EER grouping between 1 and that number, or copy the file again if it should be longer."
            )
        self._superres = upsampling - 1
        rows, columns = pages[0].imagelength, pages[0].imagewidth
        self._columns = int(columns)
        self.frames, self.shape = self.raw_frames // self.grouping, (rows << self._superres, columns << self._superres)
        metadata = self._file.eer_metadata or {}
        self.total_dose = _number(metadata, "totalDose")
        self.pixel_size = _pixel_size(metadata, 2**self._superres)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def check_length(self) -> None:
        """Raise ImageError if the file was cut off; no event is read."""
        check_length(self.path, self._file)

    def _read(self, index: int) -> np.ndarray:
        first = index * self.grouping
        total: np.ndarray | None = None
        for start in range(first, first + self.grouping, _MOST_AT_ONCE):
            counts = np.zeros(self.shape, np.uint8)
            for raw in range(start, min(start + _MOST_AT_ONCE, first + self.grouping)):
                self._add_raw_frame(raw, counts)
            total = counts.astype(np.float32) if total is None else total + counts
        assert total is not None
        return total

    def _add_raw_frame(self, raw: int, counts: np.ndarray) -> None:
        """Add the events of one raw frame to the counts."""
        try:
            page = self._file.pages[raw]
            data = _strips(self._file, page)
            form = (*_widths(page), page.compression == _FIXED_12)
            if not _add_events(np.frombuffer(data, np.uint8), self._columns, self._superres, counts, form):
                raise EOFError("the events end before the last pixel")
        except MemoryError:
            raise
        except Exception as cause:
            raise ImageError(
                f"{self.path}: raw frame {raw + 1} of {self.raw_frames} cannot be decoded "
                f"({cause or type(cause).__name__}). The file was cut off or damaged: copy it again."
            ) from cause


def grouping_for_dose(
    path: Path | str, dose_per_frame: float, *, pixel_size: float | None = None, total_dose: float | None = None
) -> int:
    """Return how many raw frames to group so that a frame gets a dose.

    dose_per_frame  wanted, in e/Å²
    pixel_size      of the detector's pixels in Å; None: as the file says
    total_dose      of the whole movie in e/Å²; None: from the dose in e/px that the file states
    Raises ImageError if dose or pixel size is neither given nor in the file.
    """
    with EerMovie(Path(path)) as movie:
        size = pixel_size or movie.pixel_size
        if total_dose is None and (movie.total_dose is None or size is None):
            missing = "pixel size" if movie.total_dose is not None else "dose"
            raise ImageError(f"{path} does not state its {missing}: give the total dose in e/Å².")
        total = total_dose if total_dose is not None else float(movie.total_dose or 0) / float(size or 1) ** 2
        if total <= 0 or dose_per_frame <= 0:
            raise ImageError(
                f"{path}: a total dose of {total:g} and a dose per frame of {dose_per_frame:g} e/Å² are asked for; "
                "expected numbers above 0."
            )
        return int(np.clip(round(dose_per_frame / total * movie.raw_frames), 1, movie.raw_frames))


def _strips(file: Any, page: Any) -> bytes:
    """Return the bytes of a page as they lie in the file."""
    pieces = []
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        file.filehandle.seek(offset)
        piece = file.filehandle.read(count)
        if len(piece) != count:
            raise EOFError("the file ends early")
        pieces.append(piece)
    return b"".join(pieces)


def _widths(page: Any) -> tuple[int, int, int]:
    """Return how many bits gap, x and y inside the pixel have."""
    if page.compression != _VARIABLE:
        return (8 if page.compression == _FIXED_12 else 7), 2, 2
    skip, across, down = (int(page.tags.valueof(tag, usual)) for tag, usual in ((65007, 7), (65008, 2), (65009, 2)))
    if not (0 < skip <= 16 and 0 <= across <= 8 and 0 <= down <= 8):
        raise ValueError(f"symbols of {skip} + {across} + {down} bits")
    return skip, across, down


@numba.njit(cache=True, nogil=True)
def _add_events(data: Any, columns: int, superres: int, counts: Any, form: Any) -> bool:
    """Add the events of a raw frame to the counts (rows << superres, columns << superres); False if they end early.

    form  bits of the gap, of x and of y inside the pixel, and whether a full gap is followed by an (unused) place
    """
    skip, across, down, padded = form
    pixels = (counts.shape[0] >> superres) * columns
    most, symbol = (1 << skip) - 1, skip + across + down
    # Places are numbers with a sign about the pixel's middle: turning the highest bit makes them count from its edge.
    flip_x, flip_y = (1 << across) >> 1, (1 << down) >> 1
    bit, bits, at = 0, 8 * data.shape[0], 0
    while at < pixels:
        if bit + skip > bits:
            return False
        first = bit >> 3
        word: Any = np.int64(0)
        for byte in range(min(5, data.shape[0] - first)):
            word |= np.int64(data[first + byte]) << 8 * byte
        word >>= bit & 7
        gap = word & most
        at += gap
        if gap == most:
            bit += symbol if padded else skip
            continue
        bit += symbol
        if at < pixels:
            x = ((word >> skip) & ((1 << across) - 1)) ^ flip_x
            y = ((word >> (skip + across)) & ((1 << down) - 1)) ^ flip_y
            x = x >> (across - superres) if across >= superres else x << (superres - across)
            y = y >> (down - superres) if down >= superres else y << (superres - down)
            counts[((at // columns) << superres) + y, ((at % columns) << superres) + x] += 1
        at += 1
    return True


def _number(metadata: dict[str, Any], name: str) -> float | None:
    try:
        return float(metadata[name])
    except (KeyError, TypeError, ValueError):
        return None


def _pixel_size(metadata: dict[str, Any], parts: int) -> float | None:
    """Return Å per rendered pixel, if the file states the size in the specimen and not that in the sensor."""
    metres = _number(metadata, "sensorPixelSize.width")
    size = (metres or 0) * 1e10
    return size / parts if 0.05 <= size <= 50 else None
