"""The simulated camera: a gain, dead rectangles that its maker lists, and hot pixels that nobody lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.io.gain import oriented
from relionlab.simulation.exposures import Exposures

HOT = 30.0
"""How many times the mean a hot pixel counts."""


@dataclass(frozen=True, eq=False)
class Camera:
    """A detector, in the orientation of the movies.

    gain   (y, x) what raw frames are to be multiplied with; mean 1
    dead   (D, 4) rectangles of pixels that count nothing: x, y, width, height in px
    hot    (H, 2) x and y of pixels that count far too much
    """

    gain: np.ndarray
    dead: np.ndarray
    hot: np.ndarray

    @property
    def dead_pixels(self) -> np.ndarray:
        """Which pixels count nothing, bool (y, x)."""
        bad = np.zeros(self.gain.shape, bool)
        for x, y, width, height in self.dead.tolist():
            bad[y : y + height, x : x + width] = True
        return bad

    def sensitivity(self) -> np.ndarray:
        """Return counts per electron (y, x), float32; 0 where pixels are dead."""
        return np.where(self.dead_pixels, 0, 1 / self.gain).astype(np.float32)

    def as_written(self, *, rotation: int, flip: int) -> np.ndarray:
        """Return the gain as a file holds it that must be rotated and flipped so to fit (``--gain_rot, --gain_flip``)."""
        unflipped = oriented(self.gain, flip=flip)
        return np.ascontiguousarray(oriented(unflipped, rotation=-rotation % 4))


def draw_camera(exposures: Exposures) -> Camera:
    """Return a camera: pixels of their own sensitivity, strips of amplifiers and a slow variation across the sensor."""
    rng = np.random.default_rng([exposures.seed, 1])
    rows, columns = exposures.shape
    deviation = exposures.gain_deviation
    sensitivity = 1 + deviation * rng.standard_normal((rows, columns), dtype=np.float32)
    strips = rng.normal(0, 0.3 * deviation, (2, 16))
    sensitivity *= 1 + np.repeat(strips[0], -(-columns // 16))[None, :columns].astype(np.float32)
    y, x = np.ogrid[-0.5 : 0.5 : rows * 1j, -0.5 : 0.5 : columns * 1j]
    slow = rng.normal(0, 0.8 * deviation, 5)
    sensitivity *= (1 + slow[0] * x + slow[1] * y + slow[2] * x * x + slow[3] * y * y + slow[4] * x * y).astype(
        np.float32
    )
    sensitivity = np.clip(sensitivity, 0.3, None)
    gain = 1 / sensitivity
    gain /= gain.mean(dtype=np.float64)
    dead = _dead(rng, exposures)
    return Camera(gain.astype(np.float32), dead, _hot(rng, exposures, dead))


def _dead(rng: np.random.Generator, exposures: Exposures) -> np.ndarray:
    """Return rectangles: single pixels, small patches, and pieces of rows and columns."""
    found = []
    for number in range(exposures.defects):
        length = int(rng.integers(20, min(exposures.size) // 4))
        small = int(rng.integers(1, 5))
        width, height = [(1, 1), (small, small), (length, 1), (1, length)][number % 4]
        x, y = (int(rng.integers(0, side - size)) for side, size in zip(exposures.size, (width, height), strict=True))
        found.append((x, y, width, height))
    return np.array(found, np.int64).reshape(-1, 4)


def _hot(rng: np.random.Generator, exposures: Exposures, dead: np.ndarray) -> np.ndarray:
    rows, columns = exposures.shape
    chosen = rng.choice(rows * columns, min(exposures.hot_pixels, rows * columns), replace=False)
    y, x = np.divmod(chosen, columns)
    keep = np.ones(len(x), bool)
    for left, top, width, height in dead.tolist():
        keep &= ~((x >= left) & (x < left + width) & (y >= top) & (y < top + height))
    return np.stack([x, y], axis=1)[keep]
