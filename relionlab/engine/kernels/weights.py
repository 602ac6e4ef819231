"""Weights on the points of a Fourier lattice: their averages over shells, prior and floor, and their smoothing.

Arrays hold frequencies -reach … reach in z and y, and 0 … reach in x, without margins.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from relionlab.engine.array import binned_sum, namespace


def shell_sums(weights: Any, padding: int, count: int) -> tuple[Any, Any]:
    """Return the sums of weights over shells 0 … count - 1 and the numbers of points in them, both (count,) float64."""
    if namespace(weights) is np:
        return _shell_sums_on_cpu(weights, padding, count)
    shells = _shells(weights, padding)
    return binned_sum(weights, shells, count), binned_sum(namespace(weights).ones(shells.shape), shells, count)


def shell_shares(weights: Any, least: Any, *, padding: int) -> Any:
    """Return the share of each shell's points at which the weight is the shell's least or more, (count,) float64.

    least  (count,)
    """
    body = _shell_shares_on_cpu if namespace(weights) is np else shell_shares_of_arrays
    return body(weights, least, padding)


def shell_shares_of_arrays(weights: Any, least: Any, padding: int) -> Any:
    """Do as :func:`shell_shares` in whole-array operations."""
    xp, shells, count = namespace(weights), _shells(weights, padding), len(least)
    reached = (weights >= least[xp.minimum(shells, count - 1)]).astype(xp.float64)
    return binned_sum(reached, shells, count) / xp.maximum(binned_sum(xp.ones(shells.shape), shells, count), 1)


def add_and_bound(weights: Any, added: Any, floor: Any, *, padding: int) -> None:
    """Add a value per shell, and raise what lies below another value per shell to it, in place; zero beyond the reach.

    added, floor  (count,)
    """
    if namespace(weights) is np:
        _add_and_bound_on_cpu(weights, added, floor, padding)
        return
    xp, reach = namespace(weights), weights.shape[2] - 1
    line = xp.arange(-reach, reach + 1) ** 2
    inside = line[:, None, None] + line[:, None] + xp.arange(reach + 1) ** 2 <= reach**2
    shells = xp.minimum(_shells(weights, padding), len(added) - 1)
    weights[...] = xp.where(inside, xp.maximum(weights + added[shells], floor[shells]), 0)


def smooth(weights: Any) -> Any:
    """Return the weights convolved with (1/4, 1/2, 1/4) along each axis.

    In the map that multiplies their transform by a Hann window over the padded box, 1 + cos(pi x / half its side).
    """
    if namespace(weights) is np:
        return _smooth_on_cpu(weights)
    total = weights / 2
    total[:, :, 1:] += weights[:, :, :-1] / 4
    total[:, :, :-1] += weights[:, :, 1:] / 4
    total[:, :, 0] += weights[::-1, ::-1, 1] / 4  # x = -1 is the opposite of x = 1
    for axis in (0, 1):
        weights, total = namespace(total).moveaxis(total, axis, 0), total / 2
        turned = namespace(total).moveaxis(total, axis, 0)
        turned[1:] += weights[:-1] / 4
        turned[:-1] += weights[1:] / 4
    return total


def _shells(weights: Any, padding: int) -> Any:
    xp, reach = namespace(weights), weights.shape[2] - 1
    square = xp.arange(-reach, reach + 1) ** 2
    radius = xp.sqrt(square[:, None, None] + square[:, None] + xp.arange(reach + 1) ** 2)
    return xp.floor(radius / padding + 0.5).astype(xp.int64)


@numba.njit(cache=True, nogil=True)
def _shell_sums_on_cpu(weights, padding, count):  # type: ignore[no-untyped-def]
    sums, members = np.zeros(count), np.zeros(count)
    reach = weights.shape[2] - 1
    for k in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            square = (k - reach) ** 2 + (j - reach) ** 2
            for i in range(reach + 1):
                shell = int(np.sqrt(square + i * i) / padding + 0.5)
                if shell >= count:
                    break
                sums[shell] += weights[k, j, i]
                members[shell] += 1
    return sums, members


@numba.njit(cache=True, nogil=True)
def _shell_shares_on_cpu(weights, least, padding):  # type: ignore[no-untyped-def]
    count, reach = len(least), weights.shape[2] - 1
    enough, members = np.zeros(count), np.zeros(count)
    for k in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            square = (k - reach) ** 2 + (j - reach) ** 2
            for i in range(reach + 1):
                shell = int(np.sqrt(square + i * i) / padding + 0.5)
                if shell >= count:
                    break
                enough[shell] += weights[k, j, i] >= least[shell]
                members[shell] += 1
    return enough / np.maximum(members, 1)


@numba.njit(cache=True, nogil=True)
def _add_and_bound_on_cpu(weights, added, floor, padding):  # type: ignore[no-untyped-def]
    reach = weights.shape[2] - 1
    for k in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            square = (k - reach) ** 2 + (j - reach) ** 2
            for i in range(reach + 1):
                if square + i * i > reach * reach:
                    weights[k, j, i:] = 0
                    break
                shell = int(np.sqrt(square + i * i) / padding + 0.5)
                weights[k, j, i] = max(weights[k, j, i] + added[shell], floor[shell])


@numba.njit(cache=True, nogil=True, fastmath=True)
def _smooth_on_cpu(weights):  # type: ignore[no-untyped-def]
    depth, height, width = weights.shape
    out = np.empty_like(weights)
    half, quarter = weights.dtype.type(0.5), weights.dtype.type(0.25)
    plane = np.empty((height + 2, width), weights.dtype)
    plane[0], plane[-1] = 0, 0
    row = np.empty(width + 1, weights.dtype)
    for k in range(depth):
        for j in range(height):
            for i in range(width):
                below = weights[k - 1, j, i] if k > 0 else plane[0, 0]
                above = weights[k + 1, j, i] if k + 1 < depth else plane[0, 0]
                plane[j + 1, i] = half * weights[k, j, i] + quarter * (below + above)
        for j in range(height):
            for i in range(width):
                row[i + 1] = half * plane[j + 1, i] + quarter * (plane[j, i] + plane[j + 2, i])
            # x = -1 is the opposite of x = 1: the same sums there
            row[0] = _two_axes(weights, depth - 1 - k, height - 1 - j) if width > 1 else 0
            for i in range(width):
                right = row[i + 2] if i + 1 < width else plane[0, 0]
                out[k, j, i] = half * row[i + 1] + quarter * (row[i] + right)
    return out


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _two_axes(weights, k, j):  # type: ignore[no-untyped-def]
    """Return the weights at x = 1 smoothed along z and y."""
    total = weights.dtype.type(0)
    for dk in range(-1, 2):
        for dj in range(-1, 2):
            if 0 <= k + dk < weights.shape[0] and 0 <= j + dj < weights.shape[1]:
                share = weights.dtype.type((2 - abs(dk)) * (2 - abs(dj)) / 16)
                total += share * weights[k + dk, j + dj, 1]
    return total
