"""What is kept of a micrograph whose maps were computed: enough to pick at any threshold, in a fraction of the memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.picking import Candidates, Scores

MOST_SIDE = 512
"""px of the longer side of the background maps that are kept for pictures."""


@dataclass(frozen=True, eq=False)
class Searched:
    """One micrograph, searched.

    candidates  all that can be picked from it
    average, stddev  (y, x) float16, of the background, over the whole micrograph, in standard deviations of it
    shape       (y, x) of the micrograph in px
    pixel_size  Å
    seconds     that computing the maps took
    """

    candidates: Candidates
    average: np.ndarray
    stddev: np.ndarray
    shape: tuple[int, int]
    pixel_size: float
    seconds: float = 0.0

    @classmethod
    def of(cls, scores: Scores, *, seconds: float = 0.0, pictures: bool = True) -> Searched:
        """Return what is kept of these maps; ``pictures``: whether the background is, too."""
        frame = scores.frame
        rows, columns = (int(np.ceil(n / step)) for n, step in zip(frame.shape, frame.steps, strict=True))
        every = -(-max(rows, columns) // MOST_SIDE)
        limits = (slice(0, rows, every), slice(0, columns, every)) if pictures else (slice(0), slice(0))
        average, stddev = (image[limits].astype(np.float16) for image in (scores.average, scores.stddev))
        return cls(scores.centred, average, stddev, frame.shape, frame.pixel_size, seconds)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it takes."""
        return self.candidates.nbytes + self.average.nbytes + self.stddev.nbytes

    def rejected(self, *, max_stddev: float | None = None, min_average: float | None = None) -> np.ndarray:
        """Return (y, x) bool: where the background is such that nothing is picked."""
        found = np.zeros(self.stddev.shape, dtype=bool)
        if max_stddev is not None:
            found |= self.stddev > max_stddev
        if min_average is not None:
            found |= self.average < min_average
        return found
