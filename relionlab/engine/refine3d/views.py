"""Maps seen from many directions: the angular spectra that particles are compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft

from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid, angular_spectrum
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
    spectrum = np.empty((len(classes), turns.rows, turns.width), np.complex64)
    squared = np.empty((harmonics, len(classes), grid.radius), np.complex64)
    for c in np.unique(classes):
        members = np.flatnonzero(classes == c)
        for start in range(0, len(members), _AT_ONCE):
            some = members[start : start + _AT_ONCE]
            samples = slicers[c].slices(rotations[some])
            spectrum[some], squared[:, some] = _spectra(samples, grid, turns, harmonics)
    return Views(spectrum, squared)


def on_grid(slicer: PolarSlicer, grid: PolarGrid) -> PolarSlicer:
    """Return a slicer of the same map for another polar grid."""
    return replace(slicer, grid=grid)


def operand(views: Views, turns: Turns) -> np.ndarray:
    """Return all views as one operand of a real matrix product, (row, 2, V, 2 places) float32; see kernels.views."""
    plain = views.spectrum.transpose(1, 0, 2)
    out = np.empty((turns.rows, 2, len(views), turns.width), np.complex64)
    out[:, 0] = plain
    out[:, 1] = -1j * turns.sign[:, None] * plain
    return out.view(np.float32)


def _spectra(samples: np.ndarray, grid: PolarGrid, turns: Turns, harmonics: int) -> tuple[np.ndarray, np.ndarray]:
    area = (2 * np.pi * grid.rings).astype(np.float32)
    folded = turns.folded(angular_spectrum(samples, grid.harmonics) * area[:, None]).transpose(1, 0, 2)
    # of the squared modulus only harmonics far below the sampling's limit are kept: what folds back onto them is nothing
    power = samples.real**2 + samples.imag**2
    square = scipy.fft.rfft(power, axis=-1)[..., :harmonics] * (area[:, None] / power.shape[-1])
    return folded, square.transpose(2, 0, 1)
