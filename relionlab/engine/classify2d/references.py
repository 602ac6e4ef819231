"""The class averages as the E-step needs them: angular spectra, once per offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.classify2d.state import Model
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid, PolarSampler, angular_samples, angular_spectrum, offset_phases


@dataclass(frozen=True)
class References:
    """Class averages on the polar grid, ready for products with :class:`Observed`.

    shifted   (class, row, 2 places, offset) float32: angular spectrum of the reference moved by each offset, times
              the 2 pi k Fourier pixels of a ring, folded; the real and imaginary parts of a place follow each other
    squared   (class, q / 2, k) complex64: the same of its squared modulus, even q, not folded
    """

    shifted: np.ndarray
    squared: np.ndarray


def references_on(grid: PolarGrid, model: Model, turns: Turns, *, offsets: np.ndarray, turn: float = 0.0) -> References:
    """Return the references on the polar grid.

    turns    the in-plane angles that will be searched
    offsets  (slots, 2) x and y in px
    turn     degrees: angle added to every psi of the search (its random perturbation)
    """
    samples = PolarSampler(grid, model.box).sample(model.references.astype(np.float32))
    harmonics = grid.harmonics
    turned = _turned(angular_spectrum(samples, harmonics), turn)
    samples = angular_samples(turned, grid.n_angles)
    area = (2 * np.pi * grid.rings).astype(np.float32)
    phases = offset_phases(grid, offsets).astype(np.complex64)
    shifted = np.empty((len(samples), turns.rows, turns.width, 2, len(offsets)), np.float32)
    for c, sample in enumerate(samples):
        rows = turns.folded(angular_spectrum(sample * phases, harmonics) * area[:, None]).transpose(0, 2, 1)
        shifted[c, :, :, 0], shifted[c, :, :, 1] = rows.real, rows.imag
    # twice the angles, so that the square's harmonics do not fold onto each other
    fine = angular_samples(turned, 2 * grid.n_angles)
    power = fine.real**2 + fine.imag**2
    squared = scipy.fft.rfft(power, axis=-1)[..., : harmonics // 2 + 1] / power.shape[-1]
    squared = (squared * area[:, None]).transpose(0, 2, 1)
    stacked = shifted.reshape(len(samples), turns.rows, -1, len(offsets))
    return References(stacked, np.ascontiguousarray(squared, np.complex64))


def _turned(spectrum: np.ndarray, angle: float) -> np.ndarray:
    phase = np.exp(1j * np.radians(angle) * np.arange(spectrum.shape[-1]))
    return (spectrum * phase).astype(spectrum.dtype)
