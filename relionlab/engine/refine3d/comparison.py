"""One particle, or a few, against some views: the log-likelihoods of all in-plane angles and offsets, and their transpose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.fft

from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid, angular_samples, angular_spectrum, offset_phases


class Angles(Protocol):
    """In-plane angles: all of a circle (Turns) or some (Window)."""

    count: int

    def to_angles(self, rows: np.ndarray, out: np.ndarray) -> None:
        """Write a function whose harmonics are given per row."""
        ...

    def from_angles(self, values: np.ndarray) -> np.ndarray:
        """Return the harmonics of a function, per row."""
        ...


@dataclass(frozen=True)
class Offsets:
    """The offsets of a search: where images are moved to, in px of the references.

    xy      (T, 2)
    grid    polar grid on which
    phases  (T, k, angles / 2) complex64
    """

    xy: np.ndarray
    grid: PolarGrid
    phases: np.ndarray

    @classmethod
    def of(cls, xy: np.ndarray, grid: PolarGrid) -> Offsets:
        """Make the phases of offsets (T, 2)."""
        return cls(xy, grid, offset_phases(grid, xy).astype(np.complex64))

    def __len__(self) -> int:
        """Return how many offsets there are."""
        return len(self.xy)


def coarser(signal: np.ndarray, grid: PolarGrid) -> np.ndarray:
    """Return particles (n, k, angles / 2) on a polar grid of fewer rings and angles."""
    return angular_samples(angular_spectrum(signal[:, : grid.radius], grid.harmonics), grid.n_angles)


def weight_spectrum(weight: np.ndarray, harmonics: int) -> np.ndarray:
    """Return the even angular harmonics (h, n, k) complex64 of the particles' weights (n, k, angles / 2)."""
    spectrum = scipy.fft.rfft(weight, axis=-1)[..., :harmonics] / weight.shape[-1]
    return np.ascontiguousarray(spectrum.transpose(2, 0, 1), np.complex64)


def products(views: np.ndarray, particles: np.ndarray, bands: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Return the spectra of the particles' products with views, (row, 2, V × m) float32: real and imaginary parts.

    views      (row, V, 2 places) float32
    particles  (2, row, m, 2 places) of Folding.moved: there are fewer of them than of views
    bands      of the rows, with the places that count (Turns.bands)
    """
    rows, count, _ = views.shape
    out = np.empty((rows, 2, count, particles.shape[2]), np.float32)
    for low, high, places in bands:
        used = slice(0, 2 * places)
        for part in (0, 1):
            some = particles[part, low:high, :, used].transpose(0, 2, 1)
            np.matmul(views[low:high, :, used], some, out=out[low:high, part])
    return out.reshape(rows, 2, -1)


def norms(weight: np.ndarray, squared: np.ndarray, turns: Turns) -> np.ndarray:
    """Return minus half the weighted power of views as the particles see them, per even row: (row, 2, n, V) float32.

    weight  (h, n, k) and squared (h, V, k): even harmonics
    """
    return -0.5 * turns.folded_even(np.matmul(np.conj(weight), squared.transpose(0, 2, 1)))[: turns.even]


def weighted(spectrum: np.ndarray, particle: np.ndarray, bands: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Return what one particle gives each view, (row, V, 2 places) float32.

    spectrum  (row, 2, V, T) float32: harmonics of the weights over angles
    particle  (2, row, T, 2 places) of Folding.moved
    """
    rows, _, count, _ = spectrum.shape
    out = np.zeros((rows, count, particle.shape[-1]), np.float32)
    for low, high, places in bands:
        used = slice(0, 2 * places)
        np.matmul(spectrum[low:high, 0], particle[0, low:high, :, used], out=out[low:high, :, used])
        out[low:high, :, used] += np.matmul(spectrum[low:high, 1], particle[1, low:high, :, used])
    return out
