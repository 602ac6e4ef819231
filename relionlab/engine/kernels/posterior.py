"""From log-likelihoods of all poses to weights: the loop over a table that is too large to pass over often."""

from __future__ import annotations

import numba
import numpy as np

_CUT = 20.0  # exp(-20): far below single precision's share of a sum
_STEPS = 8
_TABLE = np.exp(-np.arange(int(_CUT) * _STEPS + 1) / _STEPS).astype(np.float32)


@numba.njit(nogil=True, cache=True, inline="always")
def _exp_minus(x: np.float32) -> np.float32:
    """Return exp(-x) for 0 <= x <= _CUT to 1e-7, by a table and a short series."""
    slot = int(x * np.float32(_STEPS))
    r = x - np.float32(slot) / np.float32(_STEPS)
    series = np.float32(1) - r * (
        np.float32(1) - r * (np.float32(0.5) - r * (np.float32(1 / 6) - r * np.float32(1 / 24)))
    )
    return _TABLE[slot] * series


@numba.njit(nogil=True, cache=True)
def weigh(table: np.ndarray, fraction: float, best: np.ndarray, numbers: np.ndarray, active: np.ndarray) -> None:
    """Turn log-likelihoods into posterior weights, in place.

    table    (classes, psi, n, slots) float32: log-likelihood plus log prior on entry; weights on exit. The weights
             of one particle sum to one over those that make up ``fraction`` of it; the others become zero.
    best     (n, 3) int64 on exit: class, psi and slot of the best pose
    numbers  (n, 4) float64 on exit: largest log-likelihood, log of the sum over poses of the likelihood over the
             largest, weight of the best pose, number of significant poses
    active   (classes, n, slots) bool on exit: the particle has weight there
    """
    classes, angles, count, slots = table.shape
    highest = np.full(count, -np.inf, np.float32)
    for c in range(classes):
        for j in range(angles):
            for n in range(count):
                row = table[c, j, n]
                top = row[0]
                for t in range(1, slots):
                    top = max(top, row[t])
                if top > highest[n]:
                    highest[n] = top
                    best[n, 0] = c
                    best[n, 1] = j
    for n in range(count):
        best[n, 2] = np.argmax(table[best[n, 0], best[n, 1], n])
    # a histogram of the weights over the logarithm of their size finds the significant ones without sorting
    bins = int(_CUT) * _STEPS + 1
    mass = np.zeros((count, bins))
    for c in range(classes):
        for j in range(angles):
            for n in range(count):
                row = table[c, j, n]
                floor = highest[n] - np.float32(_CUT)
                for t in range(slots):
                    if row[t] > floor:
                        x = highest[n] - row[t]
                        w = _exp_minus(x)
                        mass[n, int(x * _STEPS)] += w
                        row[t] = w
                    else:
                        row[t] = 0
    least = np.zeros(count, np.float32)
    share = np.zeros(count, np.float32)
    for n in range(count):
        total = mass[n].sum()
        kept = 0.0
        b = 0
        while b < bins:
            kept += mass[n, b]
            b += 1
            if kept >= fraction * total:
                break
        least[n] = _TABLE[min(b, bins - 1)]
        share[n] = 1.0 / kept
        numbers[n, 0] = highest[n]
        numbers[n, 1] = np.log(total)
        numbers[n, 2] = share[n]
        numbers[n, 3] = 0
    active[:] = False
    for c in range(classes):
        for j in range(angles):
            for n in range(count):
                row = table[c, j, n]
                for t in range(slots):
                    if row[t] > 0:
                        if row[t] >= least[n]:
                            row[t] *= share[n]
                            numbers[n, 3] += 1
                            active[c, n, t] = True
                        else:
                            row[t] = 0
