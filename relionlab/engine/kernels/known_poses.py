"""Compare particles with the slices of several maps in one known pose each: the loops of a search for classes alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace
from relionlab.engine.kernels.volumes import gather_arrays

_ENTRIES = 2048


def compare(volumes: Any, turns: Any, points: Any, first: Any, signal: Any, transfer: Any) -> tuple[Any, Any, Any]:
    """Return sums over the points of each ring: cross (n, class, k), auto (n, class, k) and power (n, k), float32.

    volumes   (z, y, x, class, 2) float32: real and imaginary parts, half spaces with margins for linear interpolation
    turns     (n, 2, 3) float32, the first two rows of the particles' rotations times lattice points per unit of ``points``
    points    (P, 2) float32, x and y, ring after ring
    first     (k + 1,) where each ring begins, and the end
    signal    (n, P or more) complex64: X
    transfer  (n, P or more) float32: c

    With A the slice of a class, cross is the sum of Re(conj(X) c A), auto of |c A|² and power of |X|².
    """
    body = _compare_on_cpu if namespace(volumes) is np else compare_arrays
    return body(volumes, turns, points, first, signal, transfer)


def weighted_points(signal: Any, transfer: Any, first: Any, towards: Any, weight: Any) -> Any:
    """Return what particles give a map, (n, P, 3) float32: real and imaginary part of t c X, and w c².

    towards, weight  (n, k) float32: t and w, alike on a ring; the rest as for :func:`compare`
    """
    body = _weighted_on_cpu if namespace(signal) is np else weighted_arrays
    return body(signal, transfer, first, towards, weight)


def compare_arrays(
    volumes: Any, turns: Any, points: Any, first: Any, signal: Any, transfer: Any
) -> tuple[Any, Any, Any]:
    """Do as :func:`compare` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(volumes)
    used = len(points)
    signal, transfer = signal[:, :used], transfer[:, :used]
    linear = xp.clip(1 - xp.arange(_ENTRIES + 2) / _ENTRIES, 0, None)
    cross, auto = [], []
    for c in range(volumes.shape[3]):
        found = gather_arrays(volumes[:, :, :, c], turns, points, linear, 2)
        seen_as = (found[..., 0] + 1j * found[..., 1]) * transfer
        cross.append((signal.conj() * seen_as).real)
        auto.append(xp.abs(seen_as) ** 2)
    rings = [slice(int(low), int(high)) for low, high in pairwise(first)]
    sums = [
        xp.stack([values[..., ring].sum(axis=-1) for ring in rings], axis=-1)
        for values in (xp.stack(cross, axis=1), xp.stack(auto, axis=1), xp.abs(signal) ** 2)
    ]
    return sums[0], sums[1], sums[2]


def weighted_arrays(signal: Any, transfer: Any, first: Any, towards: Any, weight: Any) -> Any:
    """Do as :func:`weighted_points` in whole-array operations."""
    xp = namespace(signal)
    ring = xp.repeat(xp.arange(len(first) - 1), xp.diff(first))
    c, x = transfer[:, : len(ring)], signal[:, : len(ring)]
    given = towards[:, ring] * c
    return xp.stack([given * x.real, given * x.imag, weight[:, ring] * c**2], axis=-1)


@numba.njit(nogil=True, cache=True, fastmath=True)
def _compare_on_cpu(volumes, turns, points, first, signal, transfer):  # type: ignore[no-untyped-def]
    count, classes, rings = turns.shape[0], volumes.shape[3], len(first) - 1
    middle = (volumes.shape[0] - 1) // 2
    one = np.float32(1)
    cross = np.zeros((count, classes, rings), np.float32)
    auto = np.zeros((count, classes, rings), np.float32)
    power = np.zeros((count, rings), np.float32)
    for n in range(count):
        xx, xy, xz = turns[n, 0, 0], turns[n, 0, 1], turns[n, 0, 2]
        yx, yy, yz = turns[n, 1, 0], turns[n, 1, 1], turns[n, 1, 2]
        for ring in range(rings):
            total = np.float32(0)
            for p in range(first[ring], first[ring + 1]):
                kx, ky = points[p, 0], points[p, 1]
                real, imaginary, c = signal[n, p].real, signal[n, p].imag, transfer[n, p]
                total += real * real + imaginary * imaginary
                x, y, z = kx * xx + ky * yx, kx * xy + ky * yy, kx * xz + ky * yz
                if x < 0:
                    x, y, z, imaginary = -x, -y, -z, -imaginary
                y, z = y + middle, z + middle
                i, j, k = int(x), int(y), int(z)
                fx, fy, fz = x - np.float32(i), y - np.float32(j), z - np.float32(k)
                gx, gy, gz = one - fx, one - fy, one - fz
                i += 1
                w00, w01, w10, w11 = gz * gy, gz * fy, fz * gy, fz * fy
                v00, v01, v10, v11 = volumes[k, j], volumes[k, j + 1], volumes[k + 1, j], volumes[k + 1, j + 1]
                real, imaginary, c2 = real * c, imaginary * c, c * c
                for m in range(classes):
                    a = gx * (w00 * v00[i, m, 0] + w01 * v01[i, m, 0] + w10 * v10[i, m, 0] + w11 * v11[i, m, 0])
                    b = gx * (w00 * v00[i, m, 1] + w01 * v01[i, m, 1] + w10 * v10[i, m, 1] + w11 * v11[i, m, 1])
                    i1 = i + 1
                    a += fx * (w00 * v00[i1, m, 0] + w01 * v01[i1, m, 0] + w10 * v10[i1, m, 0] + w11 * v11[i1, m, 0])
                    b += fx * (w00 * v00[i1, m, 1] + w01 * v01[i1, m, 1] + w10 * v10[i1, m, 1] + w11 * v11[i1, m, 1])
                    cross[n, m, ring] += real * a + imaginary * b
                    auto[n, m, ring] += c2 * (a * a + b * b)
            power[n, ring] = total
    return cross, auto, power


@numba.njit(nogil=True, cache=True, fastmath=True)
def _weighted_on_cpu(signal, transfer, first, towards, weight):  # type: ignore[no-untyped-def]
    count, rings = towards.shape
    out = np.empty((count, first[rings], 3), np.float32)
    for n in range(count):
        for ring in range(rings):
            t, w = towards[n, ring], weight[n, ring]
            for p in range(first[ring], first[ring + 1]):
                c = transfer[n, p]
                out[n, p, 0] = t * c * signal[n, p].real
                out[n, p, 1] = t * c * signal[n, p].imag
                out[n, p, 2] = w * c * c
    return out
