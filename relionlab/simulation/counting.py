"""Electrons counted by a pixel: a displaced image, interpolated, and Poisson numbers drawn in one pass."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numba
import numpy as np
import scipy.special

GRID = 16
"""px between the points at which displacements are given; between them they are interpolated linearly."""
_DIMMEST = 0.05  # share of the illumination that gets through whatever the (weak) scattering theory says
_PART = 16.0  # larger means are drawn as a sum
_STEPS, _NUMBERS = 32, 72  # tabulated means per electron, and numbers: one above 70 has a chance of 1e-20


def spline_divisor(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return by what to divide rows (n, 1) and columns (1, n//2+1) of a half plane to get cubic B-spline coefficients.

    Source: Unser (1999) IEEE Signal Process. Mag. 16(6), 22: the sampled cubic B-spline is (1, 4, 1)/6.
    """
    y = np.arange(shape[0])[:, None] / shape[0]
    x = np.arange(shape[1] // 2 + 1)[None] / shape[1]
    return tuple(((2 + np.cos(2 * np.pi * axis)) / 3).astype(np.float32) for axis in (y, x))  # type: ignore[return-value]


def count_frame(coefficients: np.ndarray, moves: np.ndarray, light: np.ndarray, *, seed: int, out: np.ndarray) -> None:
    """Fill ``out`` (y, x) with Poisson numbers of mean light × (1 + contrast displaced by ``moves``).

    coefficients  B-spline coefficients of the contrast on a canvas larger than ``out`` by the same margin all around
    moves         (gy, gx, 2) x and y displacements in px at every GRID-th pixel
    light         (y, x) mean number of electrons without a specimen
    seed          below 2^63: each row draws from a stream of its own, so the order of the work plays no part
    out           uint8 or uint16; larger counts stay at the type's largest number
    """
    _count(coefficients, moves, light, np.uint64(seed), _tables(), out)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _count(coefficients: Any, moves: Any, light: Any, seed: Any, tables: Any, out: Any) -> None:
    rows, columns = out.shape
    corner = (coefficients.shape[0] - rows) // 2, (coefficients.shape[1] - columns) // 2
    most = 255 if out.itemsize == 1 else 65535
    contrast = np.empty(columns, np.float32)
    for y in range(rows):
        _means(coefficients, moves, y, corner, contrast)
        state = _mixed(seed + np.uint64(y) * np.uint64(0xD1342543DE82EF95))
        for x in range(columns):
            left, number = light[y, x] * max(1 + contrast[x], np.float32(_DIMMEST)), 0
            while left > 0:
                state += np.uint64(0x9E3779B97F4A7C15)
                number += _poisson(_mixed(state), min(left, np.float32(_PART)), tables)
                left -= np.float32(_PART)
            out[y, x] = min(number, most)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _means(coefficients: Any, moves: Any, y: int, corner: Any, out: Any) -> None:
    """Fill ``out`` (columns) with row ``y`` of the displaced contrast."""
    wx, wy = np.empty(4, np.float32), np.empty(4, np.float32)
    gy = y // GRID
    fy = np.float32(y - gy * GRID) / np.float32(GRID)
    for start in range(0, out.shape[0], GRID):  # displacements are linear between the points of the grid
        gx = start // GRID
        x0 = (1 - fy) * moves[gy, gx, 0] + fy * moves[gy + 1, gx, 0]
        y0 = (1 - fy) * moves[gy, gx, 1] + fy * moves[gy + 1, gx, 1]
        x1 = (1 - fy) * moves[gy, gx + 1, 0] + fy * moves[gy + 1, gx + 1, 0]
        y1 = (1 - fy) * moves[gy, gx + 1, 1] + fy * moves[gy + 1, gx + 1, 1]
        for x in range(start, min(start + GRID, out.shape[0])):
            fx = np.float32(x - start) / np.float32(GRID)
            px = np.float32(x + corner[1]) - (x0 + (x1 - x0) * fx)  # the canvas's margin keeps both above 1
            py = np.float32(y + corner[0]) - (y0 + (y1 - y0) * fx)
            ix, iy = np.uint64(px), np.uint64(py)
            _weights(px - np.float32(ix), wx)
            _weights(py - np.float32(iy), wy)
            total = np.float32(0)
            for j in range(4):
                row = iy + np.uint64(j) - np.uint64(1)
                first = ix - np.uint64(1)
                total += wy[j] * (
                    wx[0] * coefficients[row, first]
                    + wx[1] * coefficients[row, first + np.uint64(1)]
                    + wx[2] * coefficients[row, first + np.uint64(2)]
                    + wx[3] * coefficients[row, first + np.uint64(3)]
                )
            out[x] = total


@numba.njit(cache=True, nogil=True, inline="always")
def _weights(t: Any, out: Any) -> None:
    """Fill in the four weights of the cubic B-spline at a fraction of a pixel."""
    s = 1 - t
    out[0] = s * s * s / 6
    out[1] = (4 - 6 * t * t + 3 * t * t * t) / 6
    out[2] = (4 - 6 * s * s + 3 * s * s * s) / 6
    out[3] = t * t * t / 6


@numba.njit(cache=True, nogil=True)
def _mixed(state: Any) -> Any:
    """Scramble 64 bits (the finaliser of SplitMix64: Steele, Lea & Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@numba.njit(cache=True, nogil=True, inline="always")
def _poisson(bits: Any, mean: Any, tables: Any) -> Any:
    """Return a Poisson number from 64 random bits: the lower half chooses between two tabulated means, the upper draws."""
    guide, limits = tables
    dither = np.float32(bits & np.uint64(0xFFFFFF)) * np.float32(2.0**-24)
    row = np.int64(mean * np.float32(_STEPS) + dither)
    draw = np.int64(bits >> np.uint64(32))
    number = np.int64(guide[row, draw >> 24])
    while draw >= limits[row, number]:
        number += 1
    return number


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Return a guide (means, 256) to where to begin, and distribution functions (means, numbers) times 2^32.

    The means are 0, 1/_STEPS … _PART. A mean in between is drawn from its two neighbours by turns: its own mean is
    exact, its variance too large by at most 1/(4 _STEPS²). Source of guide tables: Chen & Asau (1974) AIIE Trans. 6, 163.
    """
    means = np.arange(int(_PART) * _STEPS + 2)[:, None] / _STEPS
    number = np.arange(_NUMBERS)[None]
    limits = np.minimum(np.floor(scipy.special.pdtr(number, means) * 2.0**32), 2**32).astype(np.int64)
    limits[:, -1] = 2**32
    starts = np.arange(256) << 24
    guide = np.stack([np.searchsorted(row, starts, side="right") for row in limits]).astype(np.uint8)
    return guide, limits
