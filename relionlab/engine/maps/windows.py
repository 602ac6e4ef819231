"""Correlations in the shells of a box, from transforms of a smaller window cut from it."""

from __future__ import annotations

import numpy as np
import scipy.fft

_WIDTH = 0.75  # half of the triangle, in samples of the window


class Shells:
    """Which values of a window's transform belong to which shell of the whole box.

    The window's transform has the same continuous spectrum, sampled at multiples of 1/side instead of 1/box. A shell of the
    box takes the values near its radius, weighted by a triangle; with a window as large as the box the
    shells are the box's own.

    side  of the window, box  of the map, in px
    """

    def __init__(self, side: int, box: int) -> None:
        self.side, self.box = side, box
        lines = [np.rint(scipy.fft.fftfreq(side, 1 / side)).astype(np.int64) ** 2] * 2
        squares = lines[0][:, None, None] + lines[1][:, None] + np.arange(side // 2 + 1) ** 2
        reach = np.flatnonzero(np.sqrt(squares.ravel()) / side <= (box // 2 + 1) / box)
        order = reach[np.argsort(squares.ravel()[reach], kind="stable")]
        radii, first = np.unique(squares.ravel()[order], return_index=True)
        self._order, self._first = order, first
        self._share = _shares(np.sqrt(radii) * (box / side), box=box, side=side)

    def correlation(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the correlations of the pairs (first[0], first[1]) and (second[0], second[1]) in each shell."""
        a, b = (part.reshape(2, -1)[:, self._order] for part in (first, second))
        return tuple(self._of_pair(a[i], b[i]) for i in range(2))

    def _of_pair(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        cross = a.real * b.real + a.imag * b.imag
        powers = [part.real**2 + part.imag**2 for part in (a, b)]
        sums = [self._share @ np.add.reduceat(values, self._first, dtype=np.float64) for values in (cross, *powers)]
        power = sums[1] * sums[2]
        return np.where(power > 0, sums[0] / np.sqrt(np.where(power > 0, power, 1)), 0.0)


def _shares(radii: np.ndarray, *, box: int, side: int) -> np.ndarray:
    """Return how much each radius (in shells of the box) counts in each shell, (box//2+1, radii)."""
    shells = np.arange(box // 2 + 1)[:, None]
    if side == box:
        return (np.floor(radii + 0.5) == shells).astype(np.float64)
    return np.maximum(1 - np.abs(radii - shells) * (side / box) / _WIDTH, 0.0)
