"""The frames of a movie in memory, small: counts in one or two bytes, other numbers in half precision."""

from __future__ import annotations

import numpy as np

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
        self._neighbours: np.ndarray = np.zeros((0, 1), np.intp)
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
        """Add a raw frame, float32 (y, x)."""
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
        self._neighbours = good_neighbours(bad)
        self._seed = seed

    def image(self, index: int) -> np.ndarray:
        """Return frame ``index``, from 0: float32 (y, x), a new array."""
        frame = self._kept[index]
        image = frame.astype(np.float32) if self.gain is None else np.multiply(frame, self.gain, dtype=np.float32)
        if len(self._bad):
            chosen = np.random.default_rng([self._seed, index]).integers(0, self._neighbours.shape[1], len(self._bad))
            flat = image.reshape(-1)
            flat[self._bad] = flat[self._neighbours[np.arange(len(self._bad)), chosen]]
        return image


def compact(frame: np.ndarray) -> np.ndarray:
    """Return the same numbers in the fewest bytes: whole ones exactly, others to three digits (float16) where they fit."""
    low, high = float(frame.min()), float(frame.max())
    if low >= 0 and high < 2**16:
        whole = frame.astype(np.uint8 if high < 2**8 else np.uint16)
        if np.array_equal(whole, frame):
            return whole
    if max(-low, high) < LARGEST_HALF and max(-low, high) > 1e-2:
        return frame.astype(np.float16)
    return frame


def good_neighbours(bad: np.ndarray, count: int = 24) -> np.ndarray:
    """Return, for every bad pixel of a map (y, x), ``count`` good pixels around it, as flat indices (bad, count).

    A growing square around the pixel is searched until enough good ones are in it; where the frame has too few, some
    come twice.
    """
    rows, columns = bad.shape
    places = np.argwhere(bad)
    found = np.empty((len(places), count), np.intp)
    for number, (y, x) in enumerate(places):
        reach = 3
        while True:
            top, left = max(y - reach, 0), max(x - reach, 0)
            good = np.argwhere(~bad[top : y + reach + 1, left : x + reach + 1])
            if len(good) >= count or reach > max(rows, columns):
                break
            reach *= 2
        if not len(good):
            raise ValueError("every pixel is bad")
        near = np.argsort(((good + np.array([top - y, left - x])) ** 2).sum(axis=1), kind="stable")
        chosen = np.resize(good[near[:count]], (count, 2))
        found[number] = (chosen[:, 0] + top) * columns + chosen[:, 1] + left
    return found


def hot_pixels(total: np.ndarray, bad: np.ndarray, deviations: float = 6.0) -> np.ndarray:
    """Return which pixels of a movie's sum (y, x) are much brighter than the others: bool (y, x).

    bad         pixels that are known to be bad, and that are not looked at
    deviations  standard deviations above the mean; RELION's six. The two are measured without the brightest 0.1 %, so
                that hot pixels do not hide each other
    """
    good = total[~bad]
    usual = good[good <= np.percentile(good[::7], 99.9)]
    limit = usual.mean(dtype=np.float64) + deviations * max(float(usual.std(dtype=np.float64)), 1e-12)
    return (total > limit) & ~bad
