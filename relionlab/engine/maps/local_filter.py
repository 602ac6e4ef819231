"""A map filtered, at every place, by the correlation that was found there.

The filter is radial, so the map at a place is the sum over shells of the map's part in the shell times the weight that
the place gives to it. Shell after shell is added: the number of transforms is that of the shells, however many places.
"""

from __future__ import annotations

import numpy as np

from relionlab.engine.fourier import radial_index
from relionlab.engine.maps.local_resolution import Ball, placed
from relionlab.engine.maps.sharpening import back, fsc_weights


class FilterStep:
    """A pass over the shells: the map's part in each, weighted by place (a :class:`relionlab.engine.steps.Step`).

    spectrum     (n, n, n//2+1) of the sharpened map
    points       (points, 3) where the balls are
    curves       (points, shells) corrected correlations
    last_shells  (points,) shell of each place's resolution, where its low-pass filter falls to a half
    weighted     whether shells are weighted by √(2·FSC/(1+FSC))
    """

    def __init__(
        self,
        spectrum: np.ndarray,
        ball: Ball,
        points: np.ndarray,
        *,
        curves: np.ndarray,
        last_shells: np.ndarray,
        weighted: bool,
    ) -> None:
        self.spectrum, self.ball, self.points = spectrum, ball, points
        self.box = spectrum.shape[0]
        shells = np.arange(self.box // 2 + 1)
        # a raised cosine of one shell to either side, at the middle of each shell
        cut = np.clip((last_shells[:, None] + 1 - shells) / 2, 0, 1)
        gains = np.array([fsc_weights(curve) for curve in curves]) if weighted else 1.0
        self.weights = (gains * cut).astype(np.float32)
        used = np.flatnonzero(self.weights.any(axis=0))
        self.shells = int(used[-1]) + 1 if used.size else 1

    def prepare(self) -> None:
        """Do nothing: the balls are made as they are placed."""

    def process(self, indices: np.ndarray) -> np.ndarray:
        """Return the sum over these shells (n, n, n), not yet divided by the balls' sum."""
        total = np.zeros((self.box,) * 3, np.float32)
        radius = radial_index(self.box, 3)
        for shell in indices:
            part = back(np.where(radius == shell, self.spectrum, 0), self.box)
            share = np.zeros_like(total)
            for where, number in placed(self.ball, self.points, box=self.box):
                weight = self.weights[number, shell]
                if weight > 0:
                    share[where.place] += weight * where.ball
            total += part * share
        return total

    def merge(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the sum."""
        first += second
        return first

    def conclude(self, total: np.ndarray) -> np.ndarray:
        """Return the map: the mean of the places' filtered maps, weighted by their balls; 0 where no ball comes."""
        sums = np.zeros_like(total)
        for where, _ in placed(self.ball, self.points, box=self.box):
            sums[where.place] += where.ball
        return np.where(sums > 0, total / np.where(sums > 0, sums, 1), 0).astype(np.float32)
