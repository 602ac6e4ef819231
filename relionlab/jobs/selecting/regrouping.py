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
    old, numbers = particles["rlnGroupNumber"], groups["rlnGroupNumber"]
    counts = np.bincount(old, minlength=int(numbers.max()) + 1)
    divided = divide(groups["rlnGroupScaleCorrection"], counts[numbers], wanted=wanted)
    new = dict(zip(numbers.tolist(), divided.tolist(), strict=True))
    given = np.array([new[group] for group in old.tolist()], dtype=np.int64)
    say(f" Regrouped the particles into {len(np.unique(given))} groups.")
    names = [f"group_{number}" for number in given.tolist()]
    return particles.with_columns(rlnGroupName=names, rlnGroupNumber=given)


def divide(scales: np.ndarray, counts: np.ndarray, *, wanted: int) -> np.ndarray:
    """Return the number, from 1, of the new group that each old group comes into.

    scales, counts  intensity scale and number of particles of each old group
    """
    share = max(1.0, float(counts.sum()) / wanted)
    new = np.zeros(len(scales), np.int64)
    filled, number = 0, 1
    for place in np.argsort(scales, kind="stable").tolist():
        if filled >= share:
            filled, number = 0, number + 1
        new[place] = number
        filled += int(counts[place])
    return new
