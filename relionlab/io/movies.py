"""Movies, frame by frame: MRC in any mode, also compressed, TIFF (LZW, deflate, zstd …) and EER.

Only one frame is in memory at a time. Rows come as in RELION (found out by running RELION 3.1.3): those of an MRC and
of an EER file in their order, those of a TIFF file turned upside down, because TIFF begins with the top row and MRC
with the bottom one; so the same movie gives the same frames in either format.

    with open_movie("Movies/mov001.tiff") as movie:
        total = movie.read_sum(range(movie.frames))
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from relionlab.errors import ImageError
from relionlab.io.compression import damage, is_compressed, open_binary, uncompressed_name
from relionlab.io.image_file import ImageFile, decode_frame, read_frames
from relionlab.io.movie import Movie
from relionlab.io.mrc import ENDINGS as MRC_ENDINGS

PathLike = str | os.PathLike[str]

TIFF_ENDINGS = (".tif", ".tiff")
EER_ENDINGS = (".eer", ".ecc")


def open_movie(path: PathLike, *, eer_grouping: int | None = None, eer_upsampling: int = 1) -> Movie:
    """Open a movie of any format, by the ending of its name.

    eer_grouping    raw EER frames that become one frame, left-over ones are dropped, as RELION does; None: RELION's
                    default of 40, or all where there are fewer. ``io.eer.grouping_for_dose`` says which fits a dose
    eer_upsampling  1: the detector's pixels (4K), 2: half of them (8K), 3: a quarter (16K)

    Raises ImageError if there is no such file, its format is unknown, or it is damaged.
    """
    place = Path(path)
    ending = uncompressed_name(place).suffix.lower()
    if ending in MRC_ENDINGS:
        return MrcMovie(place)
    if is_compressed(place) or ending not in (*TIFF_ENDINGS, *EER_ENDINGS):
        raise ImageError(
            f"{path} has the ending '{''.join(place.suffixes[-2:])}'; expected a movie of one of the endings "
            f"{' '.join((*MRC_ENDINGS, *TIFF_ENDINGS, *EER_ENDINGS))}, of MRC also compressed (.gz .bz2 .zst)."
        )
    if not place.is_file():
        raise ImageError(f"{path} does not exist. Check the name, and that it is relative to the project folder.")
    if ending in TIFF_ENDINGS:
        from relionlab.io.tiff import TiffMovie

        return TiffMovie(place)
    from relionlab.io.eer import EerMovie

    return EerMovie(place, grouping=eer_grouping, upsampling=eer_upsampling)


class MrcMovie(Movie):
    """A movie in an MRC file, .mrc or .mrcs, plain or compressed; see :class:`Movie`.

    A compressed one is read forwards in one go; going back begins anew.
    """

    def __init__(self, path: Path) -> None:
        from relionlab.io.images import open_image

        self._image: ImageFile = open_image(path)
        self.path, self.frames, self.shape = path, self._image.frames, self._image.frame_shape
        self.pixel_size = self._image.header.pixel_size
        self._stream: BinaryIO | None = None
        self._at = 0

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
        self._stream, self._at = None, 0

    def _read(self, index: int) -> np.ndarray:
        if not is_compressed(self.path):
            return read_frames(self._image, [index])[0]
        start = self._image.offset + index * self._image.stride
        if self._stream is None or start < self._at:
            self.close()
            self._stream = open_binary(self.path)
        try:
            while self._at < start:
                self._at += len(_exactly(self._stream, min(start - self._at, 1 << 24)))
            data = _exactly(self._stream, self._image.frame_bytes)
        except damage() as cause:
            self.close()
            raise ImageError(
                f"{self.path}: frame {index + 1} of {self.frames} cannot be read ({cause}). The file was cut off "
                "or damaged while it was compressed or copied: copy it again."
            ) from cause
        self._at += len(data)
        return decode_frame(self._image, data)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """Read as often as it takes: streams may give less than asked for."""
    pieces, left = [], size
    while left:
        piece = stream.read(left)
        if not piece:
            raise EOFError("the compressed data end early")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
