"""Sums over the shells of two half transforms in one pass: what a correlation is made of."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def shell_pairs(first: np.ndarray, second: np.ndarray, shells: np.ndarray) -> np.ndarray:
    """Return Re(a b*), |a|² and |b|² summed over each shell, (3, shells) float64.

    first, second  (values,) complex
    shells         (values,) shell of each
    """
    out = np.zeros((3, int(shells.max()) + 1), np.float64)
    for i in range(len(first)):
        a, b, shell = first[i], second[i], shells[i]
        out[0, shell] += a.real * b.real + a.imag * b.imag
        out[1, shell] += a.real * a.real + a.imag * a.imag
        out[2, shell] += b.real * b.real + b.imag * b.imag
    return out
