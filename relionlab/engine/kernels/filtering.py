"""Loops over half planes and images that would otherwise read them many times: filters, amplitudes, fading edges."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def add_filtered(plane, curve, ky2, kx2, total) -> None:  # type: ignore[no-untyped-def]
    """Add a half plane times a curve of the radius to a sum of half planes.

    plane, total  (rows, columns) complex64; ``total`` is changed in place
    curve         (n,) float32, at the radii whose fourth power is 0 … 1 in even steps of the root: at (i / (n - 1))² of
                  the largest, linear between them
    ky2, kx2      (rows,), (columns,) float64: squared frequencies over that of the largest radius
    """
    rows, columns = plane.shape
    last = len(curve) - 1
    line = kx2.astype(np.float32)
    for j in range(rows):
        own = np.float32(ky2[j])
        for i in range(columns):
            at = np.sqrt(np.sqrt(own + line[i])) * np.float32(last)
            below = min(int(at), last - 1)
            share = at - np.float32(below)
            total[j, i] += plane[j, i] * (curve[below] + share * (curve[below + 1] - curve[below]))


@numba.njit(nogil=True, cache=True, fastmath=True)
def add_amplitudes(plane, total) -> None:  # type: ignore[no-untyped-def]
    """Add the absolute values of a half plane, complex64, to a sum, float32 of the same shape."""
    rows, columns = plane.shape
    for j in range(rows):
        for i in range(columns):
            value = plane[j, i]
            total[j, i] += np.sqrt(value.real * value.real + value.imag * value.imag)


@numba.njit(nogil=True, cache=True, fastmath=True)
def interpolated(curve, radius, step) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return a curve (n,) at the radii (rows, columns), linear between its values ``step`` apart; its last beyond."""
    rows, columns = radius.shape
    last = len(curve) - 1
    out = np.empty((rows, columns), np.float64)
    for j in range(rows):
        for i in range(columns):
            at = min(radius[j, i] / step, float(last))
            below = min(int(at), max(last - 1, 0))
            share = at - below
            out[j, i] = curve[below] + share * (curve[min(below + 1, last)] - curve[below])
    return out


@numba.njit(nogil=True, cache=True, fastmath=True)
def fade(image, mean, along_y, along_x) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Return rows of an image (y, x) float32 less ``mean``, times weights along y and along x."""
    rows, columns = image.shape
    out = np.empty((rows, columns), np.float32)
    for y in range(rows):
        for x in range(columns):
            out[y, x] = (image[y, x] - mean) * (along_y[y] * along_x[x])
    return out
