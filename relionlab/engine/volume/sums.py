"""What images add up to in Fourier space: numerator and weight at every lattice point.

With F the transform of an image (forward normalised), c its CTF and s² the noise power, the numerator takes c F / s²,
the weight c² / s². Sums of one shard are float32, those over shards float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from relionlab.engine.array import like, namespace, to_host
from relionlab.engine.kernels.volumes import spread_slices, symmetrise
from relionlab.engine.polar import PolarGrid
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume.lattice import LINEAR, Lattice

_AREA_AT_ORIGIN = np.pi / 6  # of the polar sample there, as in engine/polar.py


@dataclass(eq=False)
class FourierSums:
    """Numerators and weights of a map.

    lattice  where
    array    (z, y, x, 3) real and imaginary part of the numerator, and weight, of the half x >= 0 as images were put in
    """

    lattice: Lattice
    array: Any

    @classmethod
    def zeros(cls, lattice: Lattice, *, xp: Any = np) -> FourierSums:
        """Return empty sums in single precision."""
        return cls(lattice, xp.zeros((*lattice.shape, 3), np.float32))

    def insert_planes(self, numerators: Any, weights: Any, rotations: np.ndarray, *, scale: float = 1.0) -> None:
        """Add half planes.

        numerators  (N, m, m//2+1) complex
        weights     (N, m, m//2+1)
        rotations   (N, 3, 3)
        scale       Fourier pixels of the map per Fourier pixel of the images: 1 unless box × pixel size differ

        Pixels beyond the images' Nyquist radius or the lattice's radius are left out.
        """
        xp = namespace(self.array)
        rows, columns, points, share = _half_disc(numerators.shape[1], self.lattice.radius / scale)
        values = xp.empty((len(numerators), len(points), 3), np.float32)
        picked = numerators[:, rows, columns]
        values[..., 0], values[..., 1], values[..., 2] = picked.real, picked.imag, weights[:, rows, columns]
        if share is not None:
            values[:, share] *= np.float32(0.5)
        self._spread(values, points * scale, rotations)

    def insert_polar(
        self,
        numerators: Any,
        weights: Any,
        rotations: np.ndarray,
        *,
        grid: PolarGrid,
        at_origin: tuple[Any, Any] | None = None,
        scale: float = 1.0,
    ) -> None:
        """Add polar slices, sampled on the half circle; each sample counts as the area that it stands for.

        numerators, weights  (N, grid.radius, grid.n_angles / 2)
        at_origin            numerators and weights (N,) at frequency zero, which no ring holds
        scale                Fourier pixels of the map per Fourier pixel of the grid
        """
        xp = namespace(self.array)
        x, y = (like(part.ravel(), self.array) for part in grid.frequencies())
        values = xp.empty((len(numerators), len(x), 3), np.float32)
        area = like(np.repeat(grid.area, grid.n_angles // 2), self.array)
        parts = (numerators.real, numerators.imag, weights)
        for channel, part in enumerate(parts):
            values[..., channel] = part.reshape(len(numerators), -1) * area
        self._spread(values, xp.stack([x, y], axis=1) * scale, rotations)
        if at_origin is not None:
            values = xp.zeros((len(numerators), 1, 3), np.float32)
            values[:, 0, 0], values[:, 0, 2] = at_origin[0].real, at_origin[1]
            values *= np.float32(0.5 * _AREA_AT_ORIGIN)
            self._spread(values, xp.zeros((1, 2)), rotations)

    def merged(self, other: FourierSums) -> FourierSums:
        """Return the sum of both, in double precision; may reuse these sums' memory."""
        if self.array.dtype == np.float64:
            self.array += other.array
            return self
        return FourierSums(self.lattice, self.array.astype(np.float64) + other.array)

    def completed(self, group: PointGroup | None = None) -> Any:
        """Return the sums (z, y, x, 3) with what the other half of Fourier space holds, summed over a group's operations.

        By Friedel's law a sample at k is one at -k too: where the kernel reaches over the plane x = 0 the two meet.
        """
        xp = namespace(self.array)
        sums, margin = self.array.copy(), self.lattice.margin
        conjugate = xp.asarray([1, -1, 1], self.array.dtype)
        for x in range(margin + 1):  # the column of -x lies as far before the origin as that of x behind
            sums[:, :, margin + x] += self.array[::-1, ::-1, margin - x] * conjugate
        sums[:, :, :margin] = 0
        if group is None or group.order == 1:
            return sums
        if self.lattice.taps != LINEAR:  # the turned sums lie on the same lattice points, with the narrow margin
            cut = margin - 1
            inner = xp.ascontiguousarray(sums[cut:-cut, cut:-cut, cut:-cut])
            sums[cut:-cut, cut:-cut, cut:-cut] = symmetrise(inner, like(group.operations, sums))
            return sums
        return symmetrise(sums, like(group.operations, sums))

    def _spread(self, values: Any, points: Any, rotations: np.ndarray) -> None:
        turns = np.asarray(to_host(rotations), np.float64)[:, :2] * self.lattice.padding
        spread_slices(
            self.array,
            like(turns, self.array),
            like(np.asarray(to_host(points), np.float64), self.array),
            values,
            table=like(self.lattice.table, self.array),
            taps=self.lattice.taps,
        )


@lru_cache(maxsize=16)
def _half_disc(m: int, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, int | None]:
    """Return rows, columns and frequencies (P, 2) of a half plane's pixels, each pair k, -k once; and which is zero."""
    row, column = np.divmod(np.arange(m * (m // 2 + 1)), m // 2 + 1)
    y = np.where(row <= m // 2, row, row - m)
    square = column**2 + y**2
    inside = (square <= min(m // 2, radius) ** 2 + 1e-6) & ((column > 0) | (y >= 0))
    points = np.stack([column[inside], y[inside]], axis=1).astype(np.float64)
    zero = np.flatnonzero((points == 0).all(axis=1))
    return row[inside], column[inside], points, int(zero[0]) if len(zero) else None
