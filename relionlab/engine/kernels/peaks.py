"""Keep peaks apart and keep the best of many score maps: loops that array operations cannot express quickly."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def keep_apart(x: Any, y: Any, radius: Any) -> Any:
    """Return which points stay, (n,) bool: from the first on, each one drops those that come after within its radius.

    x, y    (n,) px, best first
    radius  (n,) px
    """
    count = x.shape[0]
    keep = np.ones(count, dtype=np.bool_)
    if count < 2:
        return keep
    # Those that stay are entered in a grid whose cells are as wide as the largest radius: only neighbouring cells count.
    left, top = x.min(), y.min()
    width, height = x.max() - left, y.max() - top
    cell = max(radius.max(), max(width, height) / 1024)
    if not cell > 0:
        return keep
    columns, rows = int(width / cell) + 1, int(height / cell) + 1
    newest = np.full((rows, columns), -1, dtype=np.int64)
    before = np.full(count, -1, dtype=np.int64)
    for j in range(count):
        row, column = int((y[j] - top) / cell), int((x[j] - left) / cell)
        for r in range(max(row - 1, 0), min(row + 2, rows)):
            for c in range(max(column - 1, 0), min(column + 2, columns)):
                i = newest[r, c]
                while i >= 0 and keep[j]:
                    dx, dy = x[j] - x[i], y[j] - y[i]
                    if dx * dx + dy * dy < radius[i] * radius[i]:
                        keep[j] = False
                    i = before[i]
        if keep[j]:
            before[j] = newest[row, column]
            newest[row, column] = j
    return keep


@numba.njit(cache=True, nogil=True)
def keep_best(score: Any, scale: Any, number: Any, best: Any, which: Any) -> None:
    """Where ``score`` times ``scale`` is more than ``best``, put it there and ``number`` into ``which``.

    score, best  (n,) float32
    which        (n,) int32
    """
    for i in range(score.shape[0]):
        value = score[i] * scale
        if value > best[i]:
            best[i] = value
            which[i] = number


@numba.njit(cache=True, nogil=True)
def times_conjugate(first: Any, second: Any, out: Any) -> None:
    """Put first × conj(second) into ``out``; all (n,) complex64."""
    for i in range(first.shape[0]):
        out[i] = first[i] * np.conj(second[i])


@numba.njit(cache=True, nogil=True)
def times(first: Any, second: Any, out: Any) -> None:
    """Put first × second into ``out``; all (n,) complex64."""
    for i in range(first.shape[0]):
        out[i] = first[i] * second[i]
