"""The frames of a movie in memory, small: counts in one or two bytes, other numbers in half precision."""

from __future__ import annotations

import numpy as np

STAND_INS = 8
"""Good pixels of which one is drawn, frame by frame, for a bad one."""
LARGEST_HALF = 6e4
"""Half precision holds up to 65504."""


class Frames:
    """Frames of one movie as they were recorded; :meth:`image` gives one with gain and without bad pixels.

    gain  (y, x) float32 by which frames are multiplied, or None
    """

    def __init__(self, gain: np.ndarray | None = None) -> None:
        self.gain = gain
        self._kept: list[np.ndarray] = []
        self._bad: np.ndarray = np.zeros(0, np.intp)
        self._stand_ins: np.ndarray = np.zeros((0, 1), np.intp)
        self._seed = 0

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._kept)

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) of the frames."""
        rows, columns = self._kept[0].shape
        return rows, columns

    @property
    def bytes(self) -> int:
        """Memory that the frames take."""
        return sum(frame.nbytes for frame in self._kept)

    def append(self, frame: np.ndarray) -> None:
        """Add a raw frame (y, x), of numbers of any type."""
        self._kept.append(compact(frame))

    def total(self) -> np.ndarray:
        """Return the sum of the frames with gain, bad pixels and all: float32 (y, x)."""
        total = np.zeros(self.shape, np.float32)
        for frame in self._kept:
            total += frame
        return total if self.gain is None else total * self.gain

    def mark_bad(self, bad: np.ndarray, *, seed: int = 0) -> None:
        """Have bad pixels, bool (y, x), replaced from now on by good ones near by, others in every frame.

        Values drawn from the neighbours have their mean and their noise; an average would show as a flat spot.
        """
        self._bad = np.flatnonzero(bad)
        self._stand_ins = stand_ins(bad, STAND_INS, np.random.default_rng(seed))
        self._seed = seed

    def image(self, index: int) -> np.ndarray:
        """Return frame ``index``, from 0: float32 (y, x), a new array."""
        frame = self._kept[index]
        image = frame.astype(np.float32) if self.gain is None else np.multiply(frame, self.gain, dtype=np.float32)
        if len(self._bad):
            chosen = np.random.default_rng([self._seed, index]).integers(0, self._stand_ins.shape[1], len(self._bad))
            flat = image.reshape(-1)
            flat[self._bad] = flat[self._stand_ins[np.arange(len(self._bad)), chosen]]
        return image


def compact(frame: np.ndarray) -> np.ndarray:
    """Return the same numbers in the fewest bytes: whole ones exactly, others to three digits (float16) where they fit."""
    if frame.dtype == np.uint8:
        return np.ascontiguousarray(frame)
    low, high = float(frame.min()), float(frame.max())
    if low >= 0 and high < 2**16:
        whole = frame.astype(np.uint8 if high < 2**8 else np.uint16)
        if frame.dtype.kind in "iu" or np.array_equal(whole, frame):
            return whole
    if max(-low, high) < LARGEST_HALF and max(-low, high) > 1e-2:
        return frame.astype(np.float16)
    return np.asarray(frame, np.float32)


def stand_ins(bad: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return, for every bad pixel of a map (y, x), ``count`` good pixels near it, as flat indices (bad pixels, count).

    They are drawn at random, within 3 px at first and farther as long as only bad ones are met.
    """
    rows, columns = bad.shape
    y, x = np.nonzero(bad)
    found = np.empty((len(y), count), np.intp)
    for column in range(count):
        waiting, reach = np.arange(len(y)), 3
        while len(waiting):
            down, across = rng.integers(-reach, reach + 1, (2, len(waiting)))
            near_y = np.clip(y[waiting] + down, 0, rows - 1)
            near_x = np.clip(x[waiting] + across, 0, columns - 1)
            found[waiting, column] = near_y * columns + near_x
            waiting = waiting[bad[near_y, near_x]]
            reach = min(reach + 1, max(rows, columns))
    return found
