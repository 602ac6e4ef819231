"""What a movie of any format can be asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from relionlab.errors import ImageError


class Movie(ABC):
    """A movie that is open for reading; a context manager.

    path        the file
    frames      number of frames (of EER: after grouping)
    shape       (y, x) of a frame in px
    pixel_size  in Å; None where the file does not say
    """

    path: Path
    frames: int
    shape: tuple[int, int]
    pixel_size: float | None

    def read(self, index: int) -> np.ndarray:
        """Return one frame, float32 (y, x); ``index`` counts from 0.

        Raises ImageError, naming file and frame, if there is no such frame or it is damaged.
        """
        if not 0 <= index < self.frames:
            raise ImageError(
                f"{self.path} has {self.frames} frames; asked for frame {index + 1}. Check first and last frame."
            )
        return self._read(index)

    def read_stored(self, index: int) -> np.ndarray:
        """Return one frame as :meth:`read` does, but whole numbers in the file's own type where that is quicker."""
        return self.read(index)

    def read_sum(self, indices: Iterable[int] | None = None) -> np.ndarray:
        """Return the sum of frames (from 0; None: all), float32 (y, x); one frame and the sum are in memory."""
        total = np.zeros(self.shape, np.float32)
        for index in range(self.frames) if indices is None else indices:
            total += self.read(index)
        return total

    def check_length(self) -> None:  # noqa: B027 - of MRC files the header tells it when they are opened
        """Raise ImageError if the file was cut off, without reading its frames."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def _read(self, index: int) -> np.ndarray: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
