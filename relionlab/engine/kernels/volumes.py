"""Read central slices off a Fourier volume, and spread them onto it: the loops of projection and reconstruction.

A volume is a half space x >= 0 with margins (engine/volume/lattice.py). A slice is a rotation and a list of points in its
plane; a point with x < 0 is the conjugate of the opposite one. Real and imaginary parts, and the weights, lie side by side
in the last axis: one pass through memory serves them all, and Numba multiplies reals much faster.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace

_ENTRIES = 2048


def gather_slices(volume: Any, turns: Any, points: Any, *, table: Any, taps: int) -> Any:
    """Return the volume (N, P, channels) at the points of slices.

    volume  (z, y, x, 2) real and imaginary part
    turns   (N, 2, 3) the first two rows of the rotations, times lattice points per unit of ``points``
    points  (P, 2) x and y in the slice's plane
    table   the kernel at distances of 1/2048 lattice points
    """
    if namespace(volume) is not np:
        return gather_arrays(volume, turns, points, table, taps)
    if taps == 2:
        return _gather_linear_on_cpu(volume, turns, points)
    return _gather_on_cpu(volume, turns, points, table, taps)


def spread_slices(sums: Any, turns: Any, points: Any, values: Any, *, table: Any, taps: int) -> None:
    """Add slices to sums in place: the transpose of :func:`gather_slices`.

    sums    (z, y, x, 3) real and imaginary part of the numerator, and weight
    values  (N, P, 3) the same of every point
    """
    if namespace(sums) is not np:
        spread_arrays(sums, turns, points, values, table, taps)
    elif taps == 2:
        _spread_linear_on_cpu(sums, turns, points, values)
    else:
        _spread_on_cpu(sums, turns, points, values, table, taps)


def symmetrise(sums: Any, operations: Any) -> Any:
    """Return the sum over symmetry operations of sums (z, y, x, 3) turned by them, interpolated linearly; no margins filled.

    operations  (m, 3, 3)
    """
    body = _symmetrise_on_cpu if namespace(sums) is np else symmetrise_arrays
    return body(sums, operations)


# --- bodies of whole-array operations: for a GPU, and the readable ones -----------------------------------------


def gather_arrays(volume: Any, turns: Any, points: Any, table: Any, taps: int) -> Any:
    """Do as :func:`gather_slices` in whole-array operations."""
    xp = namespace(volume)
    position, mirrored = _positions(xp, turns, points)
    result = xp.zeros((*position.shape[:2], volume.shape[-1]), volume.dtype)
    for place, weight in _neighbours(xp, position, volume.shape, table, taps):
        result += volume[place] * weight[..., None].astype(volume.dtype)
    result[..., 1] = xp.where(mirrored, -result[..., 1], result[..., 1])
    return result


def spread_arrays(sums: Any, turns: Any, points: Any, values: Any, table: Any, taps: int) -> None:
    """Do as :func:`spread_slices` in whole-array operations."""
    xp = namespace(sums)
    position, mirrored = _positions(xp, turns, points)
    signs = xp.ones((*position.shape[:2], values.shape[-1]))
    signs[..., 1] = xp.where(mirrored, -1, 1)
    signed = values * signs
    flat = sums.reshape(-1, sums.shape[-1])
    for (z, y, x), weight in _neighbours(xp, position, sums.shape, table, taps):
        index = ((z * sums.shape[1] + y) * sums.shape[2] + x).ravel()
        for channel in range(sums.shape[-1]):
            weighted = (signed[..., channel] * weight).ravel()
            flat[:, channel] += xp.bincount(index, weights=weighted, minlength=len(flat)).astype(sums.dtype)


def symmetrise_arrays(sums: Any, operations: Any) -> Any:
    """Do as :func:`symmetrise` in whole-array operations."""
    xp = namespace(sums)
    reach = (sums.shape[0] - 3) // 2
    line = xp.arange(-reach, reach + 1)
    z, y, x = xp.meshgrid(line, line, line[reach:], indexing="ij")
    inside = z**2 + y**2 + x**2 <= reach**2
    grid = xp.stack([x[inside], y[inside], z[inside]], axis=-1).astype(xp.float64)
    linear = xp.clip(1 - xp.arange(_ENTRIES + 2) / _ENTRIES, 0, None)
    total = xp.zeros((len(grid), sums.shape[-1]), xp.float64)
    for operation in operations:
        position = grid @ operation.T
        mirrored = position[:, 0] < 0
        position = xp.where(mirrored[:, None], -position, position)
        value = xp.zeros_like(total)
        for place, weight in _neighbours(xp, position, sums.shape, linear, 2):
            value += sums[place] * weight[:, None]
        value[:, 1] = xp.where(mirrored, -value[:, 1], value[:, 1])
        total += value
    out = xp.zeros_like(sums)
    out[1:-1, 1:-1, 1:-1][inside] = total
    return out


def _positions(xp: Any, turns: Any, points: Any) -> tuple[Any, Any]:
    """Return where the points lie (N, P, xyz), all with x >= 0, and which were mirrored for that."""
    position = points[:, 0, None] * turns[:, None, 0] + points[:, 1, None] * turns[:, None, 1]
    mirrored = position[..., 0] < 0
    return xp.where(mirrored[..., None], -position, position), mirrored


def _neighbours(xp: Any, position: Any, shape: Any, table: Any, taps: int) -> Any:
    """Yield index (z, y, x) and weight of each lattice point around the positions."""
    origin = xp.asarray([taps // 2, (shape[1] - 1) // 2, (shape[0] - 1) // 2])
    first = xp.floor(position).astype(xp.int64) - taps // 2 + 1
    for step in np.ndindex(taps, taps, taps):
        corner = first + xp.asarray(step)
        distance = xp.abs(position - corner) * _ENTRIES
        entry = distance.astype(xp.int64)
        low = table[xp.minimum(entry, len(table) - 2)]
        high = table[xp.minimum(entry + 1, len(table) - 1)]
        weight = xp.prod(low + (high - low) * (distance - entry), axis=-1)
        corner = corner + origin
        yield (corner[..., 2], corner[..., 1], corner[..., 0]), weight


# --- bodies for the CPU -----------------------------------------------------------------------------------------


@numba.njit(cache=True, nogil=True, fastmath=True)
def _gather_on_cpu(volume, turns, points, table, taps):  # type: ignore[no-untyped-def]
    middle = (volume.shape[0] - 1) // 2
    out = np.empty((turns.shape[0], points.shape[0], 2), volume.dtype)
    wx, wy, wz = np.empty(taps, volume.dtype), np.empty(taps, volume.dtype), np.empty(taps, volume.dtype)
    for n in range(turns.shape[0]):
        for p in range(points.shape[0]):
            kx, ky = points[p, 0], points[p, 1]
            x = kx * turns[n, 0, 0] + ky * turns[n, 1, 0]
            y = kx * turns[n, 0, 1] + ky * turns[n, 1, 1]
            z = kx * turns[n, 0, 2] + ky * turns[n, 1, 2]
            sign = 1.0
            if x < 0:
                x, y, z, sign = -x, -y, -z, -1.0
            i, j, k = _weights(x, table, taps, wx), _weights(y, table, taps, wy), _weights(z, table, taps, wz)
            i, j, k = i + taps // 2, j + middle, k + middle
            real, imaginary = volume.dtype.type(0), volume.dtype.type(0)
            for c in range(taps):
                for b in range(taps):
                    line_real, line_imaginary = volume.dtype.type(0), volume.dtype.type(0)
                    for a in range(taps):
                        line_real += wx[a] * volume[k + c, j + b, i + a, 0]
                        line_imaginary += wx[a] * volume[k + c, j + b, i + a, 1]
                    weight = wz[c] * wy[b]
                    real += weight * line_real
                    imaginary += weight * line_imaginary
            out[n, p, 0] = real
            out[n, p, 1] = imaginary * sign
    return out


@numba.njit(cache=True, nogil=True, fastmath=True)
def _gather_linear_on_cpu(volume, turns, points):  # type: ignore[no-untyped-def]
    middle = (volume.shape[0] - 1) // 2
    real = volume.dtype.type
    out = np.empty((turns.shape[0], points.shape[0], 2), volume.dtype)
    for n in range(turns.shape[0]):
        for p in range(points.shape[0]):
            kx, ky = points[p, 0], points[p, 1]
            x = kx * turns[n, 0, 0] + ky * turns[n, 1, 0]
            y = kx * turns[n, 0, 1] + ky * turns[n, 1, 1]
            z = kx * turns[n, 0, 2] + ky * turns[n, 1, 2]
            sign = real(1)
            if x < 0:
                x, y, z, sign = -x, -y, -z, real(-1)
            i, j, k = int(x), int(np.floor(y)), int(np.floor(z))
            wx, wy, wz = real(x - i), real(y - j), real(z - k)
            i, j, k = i + 1, j + middle, k + middle
            for part in range(2):
                a = volume[k, j, i, part] + wx * (volume[k, j, i + 1, part] - volume[k, j, i, part])
                b = volume[k, j + 1, i, part] + wx * (volume[k, j + 1, i + 1, part] - volume[k, j + 1, i, part])
                c = volume[k + 1, j, i, part] + wx * (volume[k + 1, j, i + 1, part] - volume[k + 1, j, i, part])
                d = volume[k + 1, j + 1, i, part] + wx * (
                    volume[k + 1, j + 1, i + 1, part] - volume[k + 1, j + 1, i, part]
                )
                a += wy * (b - a)
                c += wy * (d - c)
                out[n, p, part] = a + wz * (c - a)
            out[n, p, 1] *= sign
    return out


@numba.njit(cache=True, nogil=True, fastmath=True)
def _spread_on_cpu(sums, turns, points, values, table, taps):  # type: ignore[no-untyped-def]
    middle = (sums.shape[0] - 1) // 2
    wx, wy, wz = np.empty(taps, sums.dtype), np.empty(taps, sums.dtype), np.empty(taps, sums.dtype)
    for n in range(turns.shape[0]):
        for p in range(points.shape[0]):
            kx, ky = points[p, 0], points[p, 1]
            x = kx * turns[n, 0, 0] + ky * turns[n, 1, 0]
            y = kx * turns[n, 0, 1] + ky * turns[n, 1, 1]
            z = kx * turns[n, 0, 2] + ky * turns[n, 1, 2]
            real, imaginary, share = values[n, p, 0], values[n, p, 1], values[n, p, 2]
            if x < 0:
                x, y, z, imaginary = -x, -y, -z, -imaginary
            i, j, k = _weights(x, table, taps, wx), _weights(y, table, taps, wy), _weights(z, table, taps, wz)
            i, j, k = i + taps // 2, j + middle, k + middle
            for c in range(taps):
                for b in range(taps):
                    weight = wz[c] * wy[b]
                    for a in range(taps):
                        _add(sums, k + c, j + b, i + a, weight * wx[a], real, imaginary, share)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _weights(position, table, taps, out):  # type: ignore[no-untyped-def]
    """Put the kernel at the lattice points around a position into ``out``; return the first of them."""
    first = int(np.floor(position)) - taps // 2 + 1
    for a in range(taps):
        distance = abs(position - (first + a)) * _ENTRIES
        entry = int(distance)
        out[a] = table[entry] + (table[entry + 1] - table[entry]) * (distance - entry)
    return first


@numba.njit(cache=True, nogil=True, fastmath=True)
def _spread_linear_on_cpu(sums, turns, points, values) -> None:  # type: ignore[no-untyped-def]
    middle = (sums.shape[0] - 1) // 2
    one = sums.dtype.type(1)
    for n in range(turns.shape[0]):
        for p in range(points.shape[0]):
            kx, ky = points[p, 0], points[p, 1]
            x = kx * turns[n, 0, 0] + ky * turns[n, 1, 0]
            y = kx * turns[n, 0, 1] + ky * turns[n, 1, 1]
            z = kx * turns[n, 0, 2] + ky * turns[n, 1, 2]
            real, imaginary, share = values[n, p, 0], values[n, p, 1], values[n, p, 2]
            if x < 0:
                x, y, z, imaginary = -x, -y, -z, -imaginary
            y, z = y + middle, z + middle  # not negative any more: cutting the fraction off is the floor
            i, j, k = int(x), int(y), int(z)
            fx, fy, fz = sums.dtype.type(x - i), sums.dtype.type(y - j), sums.dtype.type(z - k)
            i += 1  # the margin
            gx, gy, gz = one - fx, one - fy, one - fz
            _add(sums, k, j, i, gz * gy * gx, real, imaginary, share)
            _add(sums, k, j, i + 1, gz * gy * fx, real, imaginary, share)
            _add(sums, k, j + 1, i, gz * fy * gx, real, imaginary, share)
            _add(sums, k, j + 1, i + 1, gz * fy * fx, real, imaginary, share)
            _add(sums, k + 1, j, i, fz * gy * gx, real, imaginary, share)
            _add(sums, k + 1, j, i + 1, fz * gy * fx, real, imaginary, share)
            _add(sums, k + 1, j + 1, i, fz * fy * gx, real, imaginary, share)
            _add(sums, k + 1, j + 1, i + 1, fz * fy * fx, real, imaginary, share)


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _add(sums, k, j, i, weight, real, imaginary, share) -> None:  # type: ignore[no-untyped-def]
    sums[k, j, i, 0] += weight * real
    sums[k, j, i, 1] += weight * imaginary
    sums[k, j, i, 2] += weight * share


@numba.njit(cache=True, nogil=True, fastmath=True)
def _symmetrise_on_cpu(sums, operations):  # type: ignore[no-untyped-def]
    out = np.zeros_like(sums)
    reach = (sums.shape[0] - 3) // 2
    middle = reach + 1
    one = sums.dtype.type(1)
    for kz in range(-reach, reach + 1):
        for ky in range(-reach, reach + 1):
            for kx in range(reach + 1):
                if kx * kx + ky * ky + kz * kz > reach * reach:
                    break
                real, imaginary, share = sums.dtype.type(0), sums.dtype.type(0), sums.dtype.type(0)
                for m in range(operations.shape[0]):
                    o = operations[m]
                    x = o[0, 0] * kx + o[0, 1] * ky + o[0, 2] * kz
                    y = o[1, 0] * kx + o[1, 1] * ky + o[1, 2] * kz
                    z = o[2, 0] * kx + o[2, 1] * ky + o[2, 2] * kz
                    sign = one
                    if x < 0:
                        x, y, z, sign = -x, -y, -z, -one
                    y, z = y + middle, z + middle
                    i, j, k = int(x), int(y), int(z)
                    fx, fy, fz = sums.dtype.type(x - i), sums.dtype.type(y - j), sums.dtype.type(z - k)
                    i += 1
                    for c in range(2):
                        gz = fz if c else one - fz
                        for b in range(2):
                            far = gz * (fy if b else one - fy)
                            if far == 0:
                                continue
                            near, far = far * (one - fx), far * fx
                            u, v = k + c, j + b
                            real += near * sums[u, v, i, 0] + far * sums[u, v, i + 1, 0]
                            imaginary += sign * (near * sums[u, v, i, 1] + far * sums[u, v, i + 1, 1])
                            share += near * sums[u, v, i, 2] + far * sums[u, v, i + 1, 2]
                out[kz + middle, ky + middle, kx + 1, 0] = real
                out[kz + middle, ky + middle, kx + 1, 1] = imaginary
                out[kz + middle, ky + middle, kx + 1, 2] = share
    return out


def gather_turned(volume: Any, rotations: Any, points: Any) -> Any:
    """Return the volume (N, P, 2) at points turned by rotations, interpolated linearly.

    volume     (z, y, x, 2) as for LINEAR
    rotations  (N, 3, 3), times lattice points per unit of ``points``
    points     (P, 3) x, y, z
    """
    if namespace(volume) is np:
        return _gather_turned_on_cpu(volume, rotations, points)
    xp = namespace(volume)
    position = points @ rotations.transpose(0, 2, 1)
    mirrored = position[..., 0] < 0
    position = xp.where(mirrored[..., None], -position, position)
    linear = xp.clip(1 - xp.arange(_ENTRIES + 2) / _ENTRIES, 0, None)
    result = xp.zeros((*position.shape[:2], 2), volume.dtype)
    for place, weight in _neighbours(xp, position, volume.shape, linear, 2):
        result += volume[place] * weight[..., None].astype(volume.dtype)
    result[..., 1] = xp.where(mirrored, -result[..., 1], result[..., 1])
    return result


@numba.njit(cache=True, nogil=True, fastmath=True)
def _gather_turned_on_cpu(volume, rotations, points):  # type: ignore[no-untyped-def]
    middle = (volume.shape[0] - 1) // 2
    out = np.empty((rotations.shape[0], points.shape[0], 2), volume.dtype)
    for n in range(rotations.shape[0]):
        r = rotations[n]
        for p in range(points.shape[0]):
            a, b, c = points[p, 0], points[p, 1], points[p, 2]
            x = r[0, 0] * a + r[0, 1] * b + r[0, 2] * c
            y = r[1, 0] * a + r[1, 1] * b + r[1, 2] * c
            z = r[2, 0] * a + r[2, 1] * b + r[2, 2] * c
            sign = 1.0
            if x < 0:
                x, y, z, sign = -x, -y, -z, -1.0
            y, z = y + middle, z + middle
            i, j, k = int(x), int(y), int(z)
            fx, fy, fz = x - i, y - j, z - k
            i += 1
            for part in range(2):
                near = volume[k, j, i, part] * (1 - fx) + volume[k, j, i + 1, part] * fx
                far = volume[k, j + 1, i, part] * (1 - fx) + volume[k, j + 1, i + 1, part] * fx
                low = near * (1 - fy) + far * fy
                near = volume[k + 1, j, i, part] * (1 - fx) + volume[k + 1, j, i + 1, part] * fx
                far = volume[k + 1, j + 1, i, part] * (1 - fx) + volume[k + 1, j + 1, i + 1, part] * fx
                high = near * (1 - fy) + far * fy
                out[n, p, part] = (low * (1 - fz) + high * fz) * (sign if part else 1.0)
    return out
