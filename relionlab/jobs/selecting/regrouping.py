"""Joins micrographs of similar intensity scale into groups, so that each has particles enough for its noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relionlab.io.table import Table


def regroup(particles: Table, groups: Table, *, wanted: int, say: Callable[[str], None]) -> Table:
    """Return the particles with rlnGroupName and rlnGroupNumber of about ``wanted`` new groups.

    The old groups are sorted by scale and filled up to an equal share of the particles, as RELION does.

    particles  with rlnGroupNumber
    groups     the model's table: rlnGroupNumber, rlnGroupScaleCorrection
    """
    old = particles["rlnGroupNumber"]
    counts = np.bincount(old, minlength=int(groups["rlnGroupNumber"].max()) + 1)
    share = max(1.0, len(particles) / wanted)
    order = groups["rlnGroupNumber"][np.argsort(groups["rlnGroupScaleCorrection"], kind="stable")]
    new, filled, number = {}, 0, 1
    for group in order.tolist():
        if filled >= share:
            filled, number = 0, number + 1
        new[group] = number
        filled += int(counts[group])
    numbers = np.array([new[group] for group in old.tolist()], dtype=np.int64)
    say(f" Regrouped the particles into {len(np.unique(numbers))} groups.")
    names = [f"group_{number}" for number in numbers.tolist()]
    return particles.with_columns(rlnGroupName=names, rlnGroupNumber=numbers)
