"""Projections of a map: central slices of its padded transform, by trilinear interpolation, as relion_project.

The map is divided by the transform of the interpolation kernel (sinc²), padded with zeros, transformed, and cut at
the resolution of the box's Nyquist frequency. Interpolation in the twice padded transform is good to about 1 %.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from relionlab.engine.array import complex_dtype, like, namespace, real_dtype, to_host
from relionlab.engine.fourier import irfft2_centred, rfft3_centred, shift_phases
from relionlab.engine.masks import radius_grid


@dataclass(frozen=True, eq=False)
class Projector:
    """A map made ready for projection.

    transform  (2R+3, 2R+3, R+2) complex, frequencies -R-1 … R+1 in z and y, 0 … R+1 in x; zero beyond radius R
    n          box of the map in px
    padding    how much finer the transform is sampled than the images' own
    """

    transform: Any
    n: int
    padding: int

    @classmethod
    def of_map(cls, map_: np.ndarray, *, padding: int = 2) -> Projector:
        """Make a projector of a map (n, n, n)."""
        n = map_.shape[-1]
        padded = _pad(_corrected(map_, padding), padding * n)
        # A projection's transform is forward normalised by n², the padded map's by (padding n)³.
        half_space = rfft3_centred(padded) * real_dtype(map_).type((padding * n) ** 3 / n**2)
        return cls(_central_part(half_space, n // 2 * padding), n, padding)

    def slices(self, rotations: np.ndarray) -> np.ndarray:
        """Return the half planes (N, n, n//2+1) of projections along rotations (N, 3, 3).

        The matrices may stretch, as those with an anisotropic magnification do: what falls beyond the transform is zero.
        """
        pixels = _disc(self.n)
        out = namespace(self.transform).zeros(
            (len(rotations), self.n, self.n // 2 + 1), dtype=complex_dtype(self.transform)
        )
        gather = _gather_on_cpu if namespace(self.transform) is np else gather_slices
        turns = like(np.asarray(to_host(rotations), np.float64)[:, :2] * self.padding, self.transform)
        gather(self.transform, turns, like(pixels, self.transform), out=out)
        return out

    def images(self, rotations: np.ndarray, *, shifts_px: np.ndarray | None = None) -> np.ndarray:
        """Return projections (N, n, n) along rotations (N, 3, 3), moved by shifts (N, 2), x and y in px."""
        slices = self.slices(rotations)
        if shifts_px is not None:
            slices *= shift_phases(self.n, like(shifts_px, slices).astype(real_dtype(slices)))
        return irfft2_centred(slices, self.n)


def project(
    map_: np.ndarray,
    rotations: np.ndarray,
    *,
    padding: int = 2,
    shifts: np.ndarray | None = None,
    pixel_size: float = 1.0,
) -> np.ndarray:
    """Return projections of a map.

    map_        (n, n, n)
    rotations   (N, 3, 3)
    shifts      (N, 2) x and y in Å by which the projections are moved (RELION's OriginX/Y with the opposite sign)
    pixel_size  in Å, for the shifts
    Returns (N, n, n) in the precision of the map; the value is the sum along the ray, in grey value × px.
    """
    moves = None if shifts is None else np.asarray(shifts) / pixel_size
    return Projector.of_map(map_, padding=padding).images(rotations, shifts_px=moves)


def _corrected(map_: np.ndarray, padding: int) -> np.ndarray:
    n = map_.shape[-1]
    kernel = np.sinc(radius_grid(n, 3) / (n * padding)) ** 2
    return map_ / like(kernel, map_).astype(real_dtype(map_))


def _pad(map_: np.ndarray, size: int) -> np.ndarray:
    n = map_.shape[-1]
    start = size // 2 - n // 2
    padded = namespace(map_).zeros((size,) * 3, dtype=real_dtype(map_))
    padded[(slice(start, start + n),) * 3] = map_
    return padded


def _central_part(half_space: Any, radius: int) -> Any:
    """Return the transform up to a radius, with frequency zero in the middle of z and y, and a rim of zeros."""
    xp = namespace(half_space)
    line = xp.arange(-radius, radius + 1)
    ball = line[:, None, None] ** 2 + line[None, :, None] ** 2 + xp.arange(radius + 1) ** 2 <= radius**2
    out = xp.zeros((2 * radius + 3, 2 * radius + 3, radius + 2), dtype=half_space.dtype)
    out[1:-1, 1:-1, :-1] = half_space[line[:, None], line[None, :], : radius + 1] * ball
    return out


def _disc(n: int) -> np.ndarray:
    """Return (P, 4) int64: row, column, x and y frequency of the half plane's pixels up to Nyquist."""
    row, column = np.divmod(np.arange(n * (n // 2 + 1)), n // 2 + 1)
    y = np.where(row <= n // 2, row, row - n)
    return np.stack([row, column, column, y], axis=1)[column**2 + y**2 <= (n // 2) ** 2]


def gather_slices(transform: Any, turns: Any, pixels: Any, *, out: Any) -> None:
    """Fill ``out`` with central slices; the body for a GPU, and the readable one.

    turns  (N, 2, 3) the first two rows of the rotation matrices, times the padding
    """
    xp = namespace(transform)
    middle = transform.shape[0] // 2
    for start in range(0, len(turns), 64):
        block = turns[start : start + 64]
        position = pixels[:, 2, None] * block[:, None, 0] + pixels[:, 3, None] * block[:, None, 1]  # (N, P, xyz)
        mirrored = position[..., 0] < 0
        position = xp.where(mirrored[..., None], -position, position)
        inside = (position**2).sum(axis=-1) < _reach(middle)
        position = position * inside[..., None]
        corner = xp.floor(position).astype(xp.int64)
        fraction = (position - corner).astype(real_dtype(transform))
        value = xp.zeros(corner.shape[:2], dtype=transform.dtype)
        for dx, dy, dz in np.ndindex(2, 2, 2):
            weight = xp.ones(corner.shape[:2], dtype=fraction.dtype)
            for axis, step in enumerate((dx, dy, dz)):
                weight = weight * (fraction[..., axis] if step else 1 - fraction[..., axis])
            found = transform[corner[..., 2] + dz + middle, corner[..., 1] + dy + middle, corner[..., 0] + dx]
            value += weight * found
        value *= inside
        out[start : start + 64, pixels[:, 0], pixels[:, 1]] = xp.where(mirrored, value.conj(), value)


def _gather_on_cpu(transform: Any, turns: Any, pixels: Any, *, out: Any) -> None:
    """Do as :func:`gather_slices`, pixel by pixel in machine code."""
    parts = real_dtype(transform)
    reach = _reach(transform.shape[0] // 2)
    _gather_parts(transform.view(parts), turns.astype(parts), pixels, reach, out.view(parts))


def _reach(middle: int) -> float:
    """Return the squared radius within which all neighbours of a point lie in the transform or its rim."""
    return (middle - 1e-3) ** 2


@numba.njit(cache=True, nogil=True)
def _gather_parts(transform: Any, turns: Any, pixels: Any, reach: float, out: Any) -> None:
    """Interpolate real and imaginary parts, which alternate in the last axis: Numba multiplies reals much faster."""
    middle = transform.shape[0] // 2
    for image in range(turns.shape[0]):
        for p in range(pixels.shape[0]):
            kx, ky = pixels[p, 2], pixels[p, 3]
            x = kx * turns[image, 0, 0] + ky * turns[image, 1, 0]
            y = kx * turns[image, 0, 1] + ky * turns[image, 1, 1]
            z = kx * turns[image, 0, 2] + ky * turns[image, 1, 2]
            sign = transform.dtype.type(1)
            row, column = pixels[p, 0], 2 * pixels[p, 1]
            if x * x + y * y + z * z >= reach:
                out[image, row, column] = out[image, row, column + 1] = 0
                continue
            if x < 0:
                x, y, z, sign = -x, -y, -z, -sign
            y, z = y + middle, z + middle  # not negative any more: cutting the fraction off is the floor
            i, j, k = int(x), int(y), int(z)
            fx, fy, fz = x - i, y - j, z - k
            for part in range(2):
                a = 2 * i + part
                near = transform[k, j, a] + (transform[k, j, a + 2] - transform[k, j, a]) * fx
                far = transform[k, j + 1, a] + (transform[k, j + 1, a + 2] - transform[k, j + 1, a]) * fx
                low = near + (far - near) * fy
                near = transform[k + 1, j, a] + (transform[k + 1, j, a + 2] - transform[k + 1, j, a]) * fx
                far = transform[k + 1, j + 1, a] + (transform[k + 1, j + 1, a + 2] - transform[k + 1, j + 1, a]) * fx
                value = low + (near + (far - near) * fy - low) * fz
                out[image, row, column + part] = value * sign if part else value
