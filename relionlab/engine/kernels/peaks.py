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
    for i in range(count):
        if not keep[i]:
            continue
        limit = radius[i] * radius[i]
        for j in range(i + 1, count):
            if keep[j]:
                dx, dy = x[j] - x[i], y[j] - y[i]
                if dx * dx + dy * dy < limit:
                    keep[j] = False
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
