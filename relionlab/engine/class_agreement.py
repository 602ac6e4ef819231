"""How far two classifications of the same particles agree, whatever their classes are called."""

from __future__ import annotations

import numpy as np


def adjusted_rand_index(first: np.ndarray, second: np.ndarray) -> float:
    """Return the agreement of two lists of class numbers (N,): 1 for the same classes, about 0 for chance.

    Of all pairs of particles, the share that both put together or both apart, less what chance gives (Hubert & Arabie 1985,
    J Classification 2:193). Two classifications of a single class each agree: 1.
    """
    _, rows = np.unique(first, return_inverse=True)
    _, columns = np.unique(second, return_inverse=True)
    table = np.zeros((rows.max() + 1, columns.max() + 1))
    np.add.at(table, (rows, columns), 1)
    together = _pairs(table)
    by_first, by_second = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    every = _pairs(np.array([table.sum()]))
    chance = by_first * by_second / every if every else 0.0
    most = (by_first + by_second) / 2
    return 1.0 if most == chance else float((together - chance) / (most - chance))


def _pairs(counts: np.ndarray) -> float:
    return float(np.sum(counts * (counts - 1)) / 2)
