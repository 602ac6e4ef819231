"""Many points as an image: how many fall into each small square, so that a million are drawn as fast as a thousand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Extent:
    """A part of the plane: lowest and highest x and y."""

    x0: float
    x1: float
    y0: float
    y1: float

    @classmethod
    def around(cls, x: np.ndarray, y: np.ndarray, *, margin: float = 0.03) -> Extent:
        """Return what holds all finite points, with a margin as a share of its size."""
        return cls(*_limits(x, margin), *_limits(y, margin))

    def holds(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return which points lie in it, (n,) bool."""
        return (x >= self.x0) & (x <= self.x1) & (y >= self.y0) & (y <= self.y1)


def density(x: np.ndarray, y: np.ndarray, extent: Extent, *, shape: tuple[int, int] = (240, 420)) -> np.ndarray:
    """Return how many points (n,) fall into each of ``shape`` (y, x) squares of an extent, int64, the lowest y first."""
    rows, columns = shape
    inside = extent.holds(x, y)
    column = ((x[inside] - extent.x0) * (columns / max(extent.x1 - extent.x0, 1e-300))).astype(np.int64)
    row = ((y[inside] - extent.y0) * (rows / max(extent.y1 - extent.y0, 1e-300))).astype(np.int64)
    index = np.minimum(row, rows - 1) * columns + np.minimum(column, columns - 1)
    return np.bincount(index, minlength=rows * columns).reshape(shape)


def shaded(counts: np.ndarray) -> np.ndarray:
    """Return counts as uint8 on a logarithmic scale: 0 where there is none, 40 for one point, 255 for the most."""
    most = int(counts.max(initial=0))
    if most < 1:
        return np.zeros(counts.shape, np.uint8)
    level = np.log1p(counts) / np.log1p(max(most, 2))
    return np.where(counts > 0, 40 + 215 * level, 0).astype(np.uint8)


def _limits(values: np.ndarray, margin: float) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = (high - low) * margin if high > low else max(0.05 * abs(low), 0.5)
    return low - room, high + room
