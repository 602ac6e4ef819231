"""The batches of gradient-driven runs, and how they grow."""

from __future__ import annotations

import numpy as np

from relionlab.jobs.refinement.gradient import GradientPlan

STEP = 0.3
"""Share of a batch in the running averages: a memory of about three batches."""


class Batches:
    """Draws particles in random order, each once before any comes again."""

    def __init__(self, count: int, rng: np.random.Generator) -> None:
        self._count, self._rng = count, rng
        self._rest: np.ndarray = np.zeros(0, np.int64)

    def draw(self, size: int) -> np.ndarray:
        """Return the numbers of the next batch, ascending."""
        if len(self._rest) < size:
            self._rest = self._rng.permutation(self._count)
        taken, self._rest = self._rest[:size], self._rest[size:]
        return np.sort(taken)


def stage_share(plan: GradientPlan, number: int) -> float:
    """Return how far an iteration is from the first stage (0) to the last (1)."""
    return float(np.clip((number - plan.initial) / max(plan.inbetween, 1), 0, 1))


def step_of(plan: GradientPlan, number: int) -> float:
    """Return the share of an iteration's batch in the averages; in the last stage they become those of all its batches."""
    step = plan.step if plan.step is not None else STEP
    into = max(number - plan.initial - plan.inbetween, 0)
    return min(max(step / (1 + step * into), 1e-3) if into else max(step, 1 / number), 1.0)
