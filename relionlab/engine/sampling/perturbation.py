"""Random perturbation: the whole grid of orientations is turned a little, anew in each iteration, against grid artefacts."""

from __future__ import annotations

import numpy as np

FACTOR = 0.5
"""Largest perturbation, in steps of the grid (RELION's --perturb)."""


def next_perturbation(previous: float, rng: np.random.Generator, *, factor: float = FACTOR) -> float:
    """Return the next iteration's perturbation in steps of the grid, in [-factor, factor).

    It moves on by half to one ``factor``, so that two iterations never share a grid.
    """
    if factor <= 0:
        return 0.0
    moved = previous + rng.uniform(0.5 * factor, factor)
    return float((moved + factor) % (2 * factor) - factor)
