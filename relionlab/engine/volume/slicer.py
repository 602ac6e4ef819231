"""Polar slices of a map: what the polar engine compares particles with, one slice per direction and all psi in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.array import complex_dtype, fft_namespace, like, namespace, real_dtype, to_host
from relionlab.engine.kernels.volumes import gather_slices
from relionlab.engine.polar import PolarGrid, angular_spectrum
from relionlab.engine.volume.lattice import KAISER_BESSEL, Lattice


@dataclass(frozen=True, eq=False)
class PolarSlicer:
    """A map made ready to be sampled on a polar grid in the plane of any rotation.

    lattice  where its transform is known
    volume   (z, y, x, 2) real and imaginary part, margins filled
    grid     of the slices
    scale    Fourier pixels of the map per Fourier pixel of the grid
    """

    lattice: Lattice
    volume: Any
    grid: PolarGrid
    scale: float = 1.0

    @classmethod
    def of_map(
        cls, map_: Any, grid: PolarGrid, *, scale: float = 1.0, taps: int = KAISER_BESSEL, padding: int = 2
    ) -> PolarSlicer:
        """Make a slicer of a map (n, n, n).

        scale  n × pixel size of the map over box × pixel size of the grid
        taps   KAISER_BESSEL: error 1e-3 and less; LINEAR: RELION's interpolation, error 1e-2
        """
        radius = min(int(np.ceil(grid.radius * scale)), map_.shape[-1] // 2)
        lattice = Lattice(map_.shape[-1], radius, padding, taps)
        return cls(lattice, volume_of(map_, lattice), grid, scale)

    def slices(self, rotations: np.ndarray) -> Any:
        """Return the transforms (N, radius, n_angles / 2) in the planes of rotations (N, 3, 3), on the half circle.

        They are normalised as the images' (1 / box²), and projected images have the grey values of the map summed
        along the ray. Samples beyond the map's Nyquist radius are zero.
        """
        x, y = (part.ravel() * self.scale for part in self.grid.frequencies())
        turns = np.asarray(to_host(rotations), np.float64)[:, :2] * self.lattice.padding
        known = x**2 + y**2 <= self.lattice.radius**2 + 1e-6
        points = np.stack([x, y], axis=1)[known]
        found = gather_slices(
            self.volume,
            like(turns, self.volume),
            like(points, self.volume),
            table=like(self.lattice.table, self.volume),
            taps=self.lattice.taps,
        )
        found = found.view(np.complex64 if found.dtype == np.float32 else np.complex128)[..., 0]
        if not known.all():
            full = namespace(found).zeros((len(turns), len(x)), found.dtype)
            full[:, like(known, found)] = found
            found = full
        found *= np.float32(self.scale**2)
        return found.reshape(len(turns), self.grid.radius, -1)

    def spectra(self, rotations: np.ndarray, *, harmonics: int | None = None) -> Any:
        """Return the angular spectra (N, radius, harmonics + 1) of the slices; see :func:`angular_spectrum`."""
        return angular_spectrum(self.slices(rotations), self.grid.harmonics if harmonics is None else harmonics)


def volume_of(map_: Any, lattice: Lattice) -> Any:
    """Return the transform (z, y, x, 2) of a map (n, n, n) on a lattice, divided by the kernel's, margins filled.

    Axis after axis is padded, transformed and cut to the lattice, so that the padded map never exists.
    """
    xp, fft, n, padded = namespace(map_), fft_namespace(map_), lattice.n, lattice.padded
    line = like(1 / lattice.kernel_transform(), map_).astype(real_dtype(map_))
    value = map_ * (line[:, None, None] * line[:, None] * real_dtype(map_).type(1 / n**2)) * line
    reach, margin = lattice.reach, lattice.margin
    columns = np.arange(min(reach + margin, padded // 2) + 1)
    value = fft.rfft(value, padded, axis=2)[..., : len(columns)] * _origin_in_the_middle(columns, lattice, map_)
    side = np.arange(-reach - margin, reach + margin + 1) % padded
    turn, rows = _origin_in_the_middle(side, lattice, map_), like(side, map_)
    value = xp.take(fft.fft(value, padded, axis=1), rows, axis=1)
    value *= turn[:, None]
    value = fft.fft(value, padded, axis=0)
    out = xp.zeros(lattice.shape, value.dtype)
    inside = out[:, :, margin : margin + len(columns)]
    for z in range(len(side)):
        xp.multiply(value[int(side[z])], turn[z], out=inside[z])
    for x in range(1, margin + 1):  # F(-k) is the conjugate of F(k)
        out[:, :, margin - x] = out[::-1, ::-1, margin + x].conj()
    return out.view(real_dtype(map_)).reshape(*lattice.shape, 2)


def _origin_in_the_middle(frequencies: np.ndarray, lattice: Lattice, map_: Any) -> Any:
    """Return what to multiply a transform's frequencies with along an axis if the map's origin is pixel n // 2."""
    turn = np.exp(2j * np.pi * (frequencies * (lattice.n // 2) % lattice.padded) / lattice.padded)
    return like(turn, map_).astype(complex_dtype(map_))
