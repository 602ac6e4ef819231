"""How well picks agree with particles that are known: precision and recall at every threshold at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree


@dataclass(frozen=True, eq=False)
class Agreement:
    """Precision and recall of picks, as the threshold falls from one pick to the next.

    thresholds  (n,) falling: the figure of merit of each pick
    right       (n,) how many of the picks down to this one are on a particle
    particles   how many there are to be found
    """

    thresholds: np.ndarray
    right: np.ndarray
    particles: int

    @property
    def precision(self) -> np.ndarray:
        """(n,) share of the picks down to each one that are on a particle."""
        return self.right / np.arange(1, len(self.right) + 1)

    @property
    def recall(self) -> np.ndarray:
        """(n,) share of the particles that the picks down to each one are on."""
        return self.right / max(self.particles, 1)

    @property
    def f1(self) -> np.ndarray:
        """(n,) harmonic mean of precision and recall."""
        return 2 * self.right / (np.arange(1, len(self.right) + 1) + self.particles)

    def at(self, threshold: float) -> tuple[float, float, float]:
        """Return precision, recall and F1 of the picks at a threshold; precision is 1 where nothing is picked."""
        count = int(np.searchsorted(-self.thresholds, -threshold, side="right"))
        if not count:
            return 1.0, 0.0, 0.0
        return float(self.precision[count - 1]), float(self.recall[count - 1]), float(self.f1[count - 1])

    @property
    def best(self) -> float | None:
        """The threshold of the best F1; ``None`` where no pick is on a particle.

        It lies halfway to the next pick, so that one that is rounded a little still parts the two.
        """
        if not len(self.right) or not self.right[-1]:
            return None
        last = int(self.f1.argmax())
        here = float(self.thresholds[last])
        return (here + float(self.thresholds[last + 1])) / 2 if last + 1 < len(self.thresholds) else here


def matched(xy: np.ndarray, particles: np.ndarray, radius: float) -> np.ndarray:
    """Return which particle each pick is on, (n,); -1: none.

    xy         (n, 2) picks, best first
    particles  (m, 2) in the same unit
    radius     how far from its centre a pick is still on a particle

    Best first, each pick takes the nearest particle that is still free: so picks at a higher threshold are matched in the
    same way whatever comes after them.
    """
    found = np.full(len(xy), -1)
    if not len(xy) or not len(particles):
        return found
    near = cKDTree(particles).query_ball_point(xy, radius)
    free = np.ones(len(particles), dtype=bool)
    for pick, candidates in enumerate(near):
        open_ones = [number for number in candidates if free[number]]
        if open_ones:
            apart = np.hypot(*(particles[open_ones] - xy[pick]).T)
            found[pick] = open_ones[int(apart.argmin())]
            free[found[pick]] = False
    return found


def agreement(several: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, float]]) -> Agreement:
    """Return how picks of several micrographs agree with the known particles.

    several  for each micrograph: figures of merit (n,) falling, picks (n, 2), known particles (m, 2), and the radius
    """
    merits = np.concatenate([merit for merit, *_ in several]) if several else np.zeros(0)
    on = [matched(xy, particles, radius) >= 0 for _, xy, particles, radius in several]
    right = np.concatenate(on) if on else np.zeros(0, dtype=bool)
    order = np.argsort(-merits, kind="stable")
    return Agreement(merits[order], np.cumsum(right[order]), sum(len(particles) for _, _, particles, _ in several))
