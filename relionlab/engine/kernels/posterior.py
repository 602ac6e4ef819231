"""From log-likelihoods of all poses to weights: the loop over a table that is too large to pass over often."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace

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


def weigh(table: Any, fraction: float, best: Any, numbers: Any, active: Any) -> None:
    """Turn log-likelihoods into posterior weights, in place.

    table    (classes, psi, n, slots) float32: log-likelihood plus log prior on entry; weights on exit. The weights
             of one particle sum to one over those that make up ``fraction`` of it; the others become zero.
    best     (n, 3) int64 on exit: class, psi and slot of the best pose
    numbers  (n, 4) float64 on exit: largest log-likelihood, log of the sum over poses of the likelihood over the
             largest, weight of the best pose, number of significant poses
    active   (classes, n, slots) bool on exit: the particle has weight there
    """
    body = weigh_on_cpu if namespace(table) is np else weigh_arrays
    body(table, fraction, best, numbers, active)


def weigh_arrays(table: Any, fraction: float, best: Any, numbers: Any, active: Any) -> None:
    """Do as :func:`weigh` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(table)
    _, angles, count, slots = table.shape
    rows = table.transpose(2, 0, 1, 3).reshape(count, -1)
    place = rows.argmax(axis=1)
    best[:, 0], best[:, 1], best[:, 2] = place // (angles * slots), place // slots % angles, place % slots
    highest = rows.max(axis=1)
    below = highest[:, None] - rows
    inside = below < np.float32(_CUT)
    weights = xp.where(inside, xp.exp(-below), np.float32(0))
    bins = int(_CUT) * _STEPS + 1
    slot = xp.where(inside, below * _STEPS, bins - 1).astype(np.int64) + bins * xp.arange(count)[:, None]
    mass = xp.bincount(slot.ravel(), weights=weights.ravel().astype(np.float64), minlength=count * bins)
    sums = xp.cumsum(mass.reshape(count, bins), axis=1)
    enough = sums >= fraction * sums[:, -1:]
    last = xp.where(enough.any(axis=1), enough.argmax(axis=1), bins - 1)
    kept = xp.take_along_axis(sums, last[:, None], axis=1)
    least = xp.exp(-xp.minimum(last + 1, bins - 1) / _STEPS).astype(np.float32)[:, None]
    chosen = inside & (weights >= least)
    numbers[:, 0], numbers[:, 1], numbers[:, 2] = highest, xp.log(sums[:, -1]), 1 / kept[:, 0]
    numbers[:, 3] = chosen.sum(axis=1)
    shared = xp.where(chosen, weights / kept.astype(np.float32), np.float32(0))
    table[...] = shared.reshape(count, -1, angles, slots).transpose(1, 2, 0, 3)
    active[...] = (table > 0).any(axis=1)


@numba.njit(nogil=True, cache=True, inline="never", fastmath={"nnan", "nsz", "reassoc"})
def _highest(row: np.ndarray) -> np.float32:
    """Return the largest value of a row; in a function of its own, so that it is computed on whole registers."""
    top = row[0]
    for t in range(1, len(row)):
        top = max(top, row[t])
    return top


@numba.njit(nogil=True, cache=True)
def weigh_on_cpu(table: np.ndarray, fraction: float, best: np.ndarray, numbers: np.ndarray, active: np.ndarray) -> None:
    """Do as :func:`weigh`, passing over the table three times."""
    classes, angles, count, slots = table.shape
    highest = np.full(count, -np.inf, np.float32)
    tops = np.empty((classes, angles, count), np.float32)
    for c in range(classes):
        for j in range(angles):
            for n in range(count):
                top = _highest(table[c, j, n])
                tops[c, j, n] = top
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
                if tops[c, j, n] <= floor:
                    row[:] = 0
                    continue
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
                if tops[c, j, n] <= highest[n] - np.float32(_CUT):
                    continue
                row = table[c, j, n]
                for t in range(slots):
                    if row[t] > 0:
                        if row[t] >= least[n]:
                            row[t] *= share[n]
                            numbers[n, 3] += 1
                            active[c, n, t] = True
                        else:
                            row[t] = 0
