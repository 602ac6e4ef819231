"""Compare particles with the slices of several maps in one known pose each: the loops of a search for classes alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace
from relionlab.engine.kernels.volumes import _add, gather_arrays, spread_arrays

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


def insert(
    sums: Any, turns: Any, points: Any, first: Any, signal: Any, transfer: Any, towards: Any, weight: Any
) -> None:
    """Add what particles give a map to its sums (z, y, x, 3): t c X and w c² at every point, spread linearly; in place.

    towards, weight  (n, k) float32: t and w, alike on a ring; the rest as for :func:`compare`
    """
    body = _insert_on_cpu if namespace(sums) is np else insert_arrays
    body(sums, turns, points, first, signal, transfer, towards, weight)


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


def insert_arrays(
    sums: Any, turns: Any, points: Any, first: Any, signal: Any, transfer: Any, towards: Any, weight: Any
) -> None:
    """Do as :func:`insert` in whole-array operations."""
    xp = namespace(signal)
    ring = xp.repeat(xp.arange(len(first) - 1), xp.diff(first))
    c, x = transfer[:, : len(ring)], signal[:, : len(ring)]
    given = towards[:, ring] * c
    values = xp.stack([given * x.real, given * x.imag, weight[:, ring] * c**2], axis=-1)
    linear = xp.clip(1 - xp.arange(_ENTRIES + 2) / _ENTRIES, 0, None)
    spread_arrays(sums, turns, points, values, linear, 2)


# Ring after ring, and the particles within: the lattice points near one ring fit into the cache, a whole volume does not.


@numba.njit(nogil=True, cache=True, fastmath=True)
def _compare_on_cpu(volumes, turns, points, first, signal, transfer):  # type: ignore[no-untyped-def]
    count, classes, rings = turns.shape[0], volumes.shape[3], len(first) - 1
    rows, columns = volumes.shape[1], volumes.shape[2]
    middle = np.float32((volumes.shape[0] - 1) // 2)
    flat = volumes.reshape(-1)
    one, zero = np.float32(1), np.float32(0)
    # a volume is one long line of reals here: what lies one further along x, y and z
    along_x = 2 * classes
    along_y, along_z = columns * along_x, rows * columns * along_x
    cross = np.zeros((count, classes, rings), np.float32)
    auto = np.zeros((count, classes, rings), np.float32)
    power = np.zeros((count, rings), np.float32)
    for ring in range(rings):
        for n in range(count):
            xx, xy, xz = turns[n, 0, 0], turns[n, 0, 1], turns[n, 0, 2]
            yx, yy, yz = turns[n, 1, 0], turns[n, 1, 1], turns[n, 1, 2]
            total = zero
            for p in range(first[ring], first[ring + 1]):
                kx, ky = points[p, 0], points[p, 1]
                real, imaginary, c = signal[n, p].real, signal[n, p].imag, transfer[n, p]
                total += real * real + imaginary * imaginary
                real, imaginary, c2 = real * c, imaginary * c, c * c
                x, y, z = kx * xx + ky * yx, kx * xy + ky * yy, kx * xz + ky * yz
                if x < zero:
                    x, y, z, imaginary = -x, -y, -z, -imaginary
                y, z = y + middle, z + middle
                i, j, k = int(x), int(y), int(z)
                fx, fy, fz = x - np.float32(i), y - np.float32(j), z - np.float32(k)
                gx, gy, gz = one - fx, one - fy, one - fz
                w0, w1, w2, w3 = gz * gy, gz * fy, fz * gy, fz * fy
                p0 = k * along_z + j * along_y + (i + 1) * along_x
                p1, p2, p3 = p0 + along_y, p0 + along_z, p0 + along_z + along_y
                for m in range(classes):
                    o = 2 * m
                    a = gx * (w0 * flat[p0 + o] + w1 * flat[p1 + o] + w2 * flat[p2 + o] + w3 * flat[p3 + o])
                    o += 1
                    b = gx * (w0 * flat[p0 + o] + w1 * flat[p1 + o] + w2 * flat[p2 + o] + w3 * flat[p3 + o])
                    o += along_x
                    b += fx * (w0 * flat[p0 + o] + w1 * flat[p1 + o] + w2 * flat[p2 + o] + w3 * flat[p3 + o])
                    o -= 1
                    a += fx * (w0 * flat[p0 + o] + w1 * flat[p1 + o] + w2 * flat[p2 + o] + w3 * flat[p3 + o])
                    cross[n, m, ring] += real * a + imaginary * b
                    auto[n, m, ring] += c2 * (a * a + b * b)
            power[n, ring] = total
    return cross, auto, power


@numba.njit(nogil=True, cache=True, fastmath=True)
def _insert_on_cpu(sums, turns, points, first, signal, transfer, towards, weight) -> None:  # type: ignore[no-untyped-def]
    middle = np.float32((sums.shape[0] - 1) // 2)
    one, zero = np.float32(1), np.float32(0)
    for ring in range(len(first) - 1):
        for n in range(turns.shape[0]):
            if weight[n, ring] == zero:
                continue
            xx, xy, xz = turns[n, 0, 0], turns[n, 0, 1], turns[n, 0, 2]
            yx, yy, yz = turns[n, 1, 0], turns[n, 1, 1], turns[n, 1, 2]
            for p in range(first[ring], first[ring + 1]):
                kx, ky, c = points[p, 0], points[p, 1], transfer[n, p]
                given = towards[n, ring] * c
                real, imaginary, share = given * signal[n, p].real, given * signal[n, p].imag, weight[n, ring] * c * c
                x, y, z = kx * xx + ky * yx, kx * xy + ky * yy, kx * xz + ky * yz
                if x < zero:
                    x, y, z, imaginary = -x, -y, -z, -imaginary
                y, z = y + middle, z + middle
                i, j, k = int(x), int(y), int(z)
                fx, fy, fz = x - np.float32(i), y - np.float32(j), z - np.float32(k)
                gx, gy, gz = one - fx, one - fy, one - fz
                i += 1
                _add(sums, k, j, i, gz * gy * gx, real, imaginary, share)
                _add(sums, k, j, i + 1, gz * gy * fx, real, imaginary, share)
                _add(sums, k, j + 1, i, gz * fy * gx, real, imaginary, share)
                _add(sums, k, j + 1, i + 1, gz * fy * fx, real, imaginary, share)
                _add(sums, k + 1, j, i, fz * gy * gx, real, imaginary, share)
                _add(sums, k + 1, j, i + 1, fz * gy * fx, real, imaginary, share)
                _add(sums, k + 1, j + 1, i, fz * fy * gx, real, imaginary, share)
                _add(sums, k + 1, j + 1, i + 1, fz * fy * fx, real, imaginary, share)
