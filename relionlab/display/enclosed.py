"""What a surface encloses: level of a map to volume and weight, and back."""

from __future__ import annotations

import numpy as np

from relionlab.display.map_sources import ShownMap
from relionlab.jobs.maps.curves import kilodalton

_BINS = 8192


class Enclosed:
    """How much of a map lies above each density; read from a fine histogram, so that a slider can ask at any time."""

    def __init__(self, shown: ShownMap) -> None:
        array = shown.array
        low, high = float(array.min()), float(array.max())
        high = high if high > low else low + 1.0
        counts, edges = np.histogram(array, bins=_BINS, range=(low, high))
        self._levels = edges
        self._above = np.append(np.cumsum(counts[::-1])[::-1], 0).astype(np.float64)  # voxels at or above each edge
        self.mean, self.deviation = shown.statistics
        self.low, self.high = low, high
        self.voxel = (shown.pixel_size or 1.0) ** 3

    def volume(self, level: float) -> float:
        """Return the volume above a density, in Å³."""
        return float(np.interp(level, self._levels, self._above)) * self.voxel

    def weight(self, level: float) -> float:
        """Return the kDa of protein that fill that volume."""
        return kilodalton(self.volume(level))

    def level_of_weight(self, kda: float) -> float:
        """Return the density above which there is room for so many kDa of protein."""
        wanted = kda / max(kilodalton(self.voxel), 1e-30)
        return float(np.interp(wanted, self._above[::-1], self._levels[::-1]))

    def sigmas(self, level: float) -> float:
        """Return a density in standard deviations above the mean."""
        return (level - self.mean) / self.deviation if self.deviation > 0 else 0.0

    def level_of_sigmas(self, sigmas: float) -> float:
        """Return the density so many standard deviations above the mean."""
        return self.mean + sigmas * self.deviation

    def words(self, level: float) -> str:
        """Return the volume that a surface at a density encloses, in words."""
        volume = self.volume(level)
        size = f"{volume / 1e6:.2f} million" if volume >= 1e6 else f"{volume:,.0f}"
        return f"{size} Å³"
