"""From samples on a polar grid to angular spectra in the rows of Turns: transforms as matrix products.

The real part of samples on the half circle has even harmonics only, the imaginary part odd ones. Sums and differences of
the samples at phi and pi - phi halve the rest: what is left are four real products, each with as many harmonics as a
ring has. On few samples they are several times as fast as Fourier transforms, and offsets' phases are applied on the way.
"""

from __future__ import annotations

import numpy as np

from relionlab.engine.kernels.folding import mirrored_parts, to_rows
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid

_BAND = 6
"""Rings that are transformed together, with as many harmonics as the outermost has."""


class Folding:
    """The transform of a grid's samples to folded spectra.

    grid   of the samples
    turns  whose rows the spectra are put into
    """

    def __init__(self, grid: PolarGrid, turns: Turns) -> None:
        self.grid, self.turns = grid, turns
        half = grid.n_angles // 2
        sample = np.arange(half // 2 + 1)
        order = np.arange(grid.harmonics // 2 + 1)
        even, odd = (np.pi * sample[:, None] * q / half for q in (2 * order, 2 * order + 1))
        parts = (np.cos(even), -np.sin(even), np.sin(odd), np.cos(odd))
        self._basis = (np.stack(parts) / half).astype(np.float32)  # (4, sample, order)
        self._harmonic = np.where(turns.filled, turns.harmonic, -1)
        self._bands = []
        for first in range(0, grid.radius, _BAND):
            last = min(first + _BAND, grid.radius)
            highest = int(turns.harmonic[turns.filled & (turns.ring < last)].max())
            self._bands.append((first, last, highest // 2 + 1))

    def rows(self, samples: np.ndarray) -> np.ndarray:
        """Return the folded spectra of samples (n, k, angles / 2) complex64, (row, n, place) complex64."""
        spectra = self._spectra(samples, None)
        return self._in_rows(spectra, 1)[0].view(np.complex64)

    def moved(self, signal: np.ndarray, phases: np.ndarray) -> np.ndarray:
        """Return particles' folded spectra Z at all offsets, and i Z (-i Z where ``turns.sign`` says so).

        signal  (n, k, angles / 2) complex64
        phases  (T, k, angles / 2) complex64
        result  (2, row, n × T, 2 places) float32; the products with a view's spectrum P, seen as reals, are the real and
                the imaginary part of conj(Z) P
        """
        return self._in_rows(self._spectra(signal, phases), 2)

    def _in_rows(self, spectra: np.ndarray, parts: int) -> np.ndarray:
        out = np.empty((parts, self.turns.rows, spectra.shape[2], 2 * self.turns.width), np.float32)
        to_rows(spectra, self._harmonic, self.turns.ring, self.turns.sign, out)
        return out

    def _spectra(self, samples: np.ndarray, phases: np.ndarray | None) -> np.ndarray:
        """Return (4, k, n × T, q / 2): real and imaginary parts of even harmonics, and of odd ones; undefined beyond a ring's."""
        parts = mirrored_parts(samples, phases)  # (4, k, n T, sample)
        count = parts.shape[2]
        flat = parts.reshape(4, -1, parts.shape[-1])
        out = np.empty((*parts.shape[:-1], self._basis.shape[-1]), np.float32)
        result = out.reshape(4, -1, out.shape[-1])
        for first, last, orders in self._bands:
            rows = slice(first * count, last * count)
            np.matmul(flat[:, rows], self._basis[..., :orders], out=result[:, rows, :orders])
        return out
