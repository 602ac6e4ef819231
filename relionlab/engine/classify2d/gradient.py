"""Classification from small random batches: stochastic expectation maximisation, as engine/refine3d/gradient.py does in 3D."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from relionlab.engine.classify2d.expectation import Sums

_BLENDED = ("numerator", "denominator", "share", "residual", "members", "cross", "auto", "offset2")


def blended(before: Sums | None, batch: Sums, *, step: float, particles: int) -> tuple[Sums, Sums]:
    """Return the running averages per particle after a batch, and what the M-step is to see.

    before     averages so far; ``None``: the batch makes them. Both are of the same polar grid.
    step       share of the batch in the averages
    particles  how many particles the averages are worth in the M-step

    Of the poses, both hold those of the batch.
    """
    count = float(batch.members.sum())
    kept = 0.0 if before is None else 1 - step
    values: dict[str, Any] = {}
    for name in _BLENDED:
        new = np.asarray(getattr(batch, name)) / count
        values[name] = new if before is None else kept * np.asarray(getattr(before, name)) + step * new
    averages = replace(batch, **values)
    return averages, replace(averages, **{name: value * particles for name, value in values.items()})
