"""The running averages of a 2D classification by batches, and the batches that make them."""

from __future__ import annotations

import numpy as np

from relionlab.engine.classify2d.expectation import Sums
from relionlab.engine.classify2d.gradient import blended
from relionlab.engine.likelihood.estimates import worth
from relionlab.jobs.refinement.batches import Batches, stage_share, step_of
from relionlab.jobs.refinement.gradient import GradientPlan

_BATCH, _PER_CLASS = 200, 20
"""Particles of the first batches: at least so many, and so many per class."""


class Averages:
    """The running averages of a run over so many particles, and its batches, drawn at random."""

    def __init__(self, particles: int, rng: np.random.Generator) -> None:
        self.batches, self._particles = Batches(particles, rng), particles
        self._sums: Sums | None = None
        self._worth = 0.0

    def after(self, batch: Sums, step: float) -> Sums:
        """Blend a batch in; return what the M-step is to see."""
        self._worth = worth(self._worth, int(batch.members.sum()), step)
        self._sums, seen = blended(self._sums, batch, step=step, particles=round(min(self._worth, self._particles)))
        return seen

    def replayed(self, plan: GradientPlan, number: int, classes: int) -> np.ndarray:
        """Draw the batches of iterations 1 to ``number`` again; return the particles that the averages remember, ascending."""
        drawn = []
        for done in range(1, number + 1):
            drawn.append(self.batches.draw(batch_size(plan, done, particles=self._particles, classes=classes)))
            self._worth = worth(self._worth, len(drawn[-1]), step_of(plan, done))
        if not drawn:
            return np.zeros(0, np.int64)
        remembered = int(np.ceil(1 / step_of(plan, number)))
        return np.unique(np.concatenate(drawn[-remembered:]))

    def begin(self, sums: Sums) -> None:
        """Let the averages be those of these particles; they are worth what they were after the batches replayed."""
        self._sums = blended(None, sums, step=1.0, particles=1)[0]


def batch_size(plan: GradientPlan, number: int, *, particles: int, classes: int) -> int:
    """Return the particles of a batch: those asked for, or enough for all classes, more in later stages."""
    small = plan.initial_batch or max(_BATCH, _PER_CLASS * classes)
    large = plan.final_batch or 4 * small
    share = stage_share(plan, number)
    return int(min(round(small + share * (large - small)), particles))
