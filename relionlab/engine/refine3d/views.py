"""Maps seen from many directions: the angular spectra that particles are compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.likelihood.folding import Folding
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid
from relionlab.engine.volume import PolarSlicer

_AT_ONCE = 64  # slices; their samples should stay in the cache


@dataclass(frozen=True)
class Views:
    """Slices of maps on a polar grid, each in the plane of its own rotation, times the 2 pi k Fourier pixels of a ring.

    spectrum  (V, row, place) complex64: angular spectra, folded (see Turns)
    squared   (h, V, k) complex64: even harmonics of their squared modulus, as many as the particles' weights have
    """

    spectrum: np.ndarray
    squared: np.ndarray

    def __len__(self) -> int:
        """Return how many views there are."""
        return len(self.spectrum)


def views_of(
    slicers: list[PolarSlicer], classes: np.ndarray, rotations: np.ndarray, *, turns: Turns, harmonics: int
) -> Views:
    """Return the views of maps.

    slicers    one per class, of one polar grid
    classes    (V,) the class of each view
    rotations  (V, 3, 3) its orientation at the search's first in-plane angle
    turns      the in-plane angles that will be searched
    harmonics  even harmonics of the squared modulus to keep, counted from 0
    """
    grid = slicers[0].grid
    folding = Folding(grid, turns)
    spectrum = np.empty((len(classes), turns.rows, turns.width), np.complex64)
    squared = np.empty((harmonics, len(classes), grid.radius), np.complex64)
    for c in np.unique(classes):
        members = np.flatnonzero(classes == c)
        for start in range(0, len(members), _AT_ONCE):
            some = members[start : start + _AT_ONCE]
            samples = slicers[c].slices(rotations[some])
            spectrum[some], squared[:, some] = _spectra(samples, folding, harmonics)
    return Views(spectrum, squared)


def on_grid(slicer: PolarSlicer, grid: PolarGrid) -> PolarSlicer:
    """Return a slicer of the same map for another polar grid."""
    return replace(slicer, grid=grid)


def operand(views: Views) -> np.ndarray:
    """Return all views as one operand of real matrix products, (row, V, 2 places) float32."""
    return np.ascontiguousarray(views.spectrum.transpose(1, 0, 2)).view(np.float32)


def _spectra(samples: np.ndarray, folding: Folding, harmonics: int) -> tuple[np.ndarray, np.ndarray]:
    grid = folding.grid
    area = (2 * np.pi * grid.rings).astype(np.float32)
    folded = folding.rows(samples).transpose(1, 0, 2) * area[folding.turns.ring]
    # of the squared modulus only harmonics far below the sampling's limit are kept: what folds back onto them is nothing
    power = samples.real**2 + samples.imag**2
    half = power.shape[-1]
    phase = 2 * np.pi / half * np.arange(half)[:, None] * np.arange(harmonics)
    basis = np.concatenate([np.cos(phase), -np.sin(phase)], axis=1).astype(np.float32) / half
    square = (power.reshape(-1, half) @ basis).reshape(*power.shape[:-1], 2, harmonics) * area[:, None, None]
    return folded, (square[..., 0, :] + 1j * square[..., 1, :]).transpose(2, 0, 1)
