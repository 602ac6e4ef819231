"""Fourier shell correlations of two half-maps, and what a mask adds to them.

The mask's share is found by the masked correlation of half-maps whose phases are random beyond a shell (Chen et al. 2013,
Ultramicroscopy 135:24-35, eq. 4): FSC_true = (FSC_masked − FSC_random) / (1 − FSC_random).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.engine.array import binned_sum, fft_namespace, like, namespace, to_host
from relionlab.engine.fourier import radial_index, radius_squared
from relionlab.engine.kernels.shell_pairs import shell_pairs
from relionlab.engine.maps.random_phases import PhaseGenerator

GOLD_STANDARD = 0.143
"""Correlation of half-maps at which the resolution is read (Rosenthal & Henderson 2003)."""
_FREE_OF_OVERLAP = 2  # shells after the first random one before the correction: the transform of the mask smears


def transform(half: Any) -> Any:
    """Return the half transform of a cubic map (n, n, n), the origin at its first voxel, divided by n³."""
    return fft_namespace(half).rfftn(half, norm="forward")


def shell_average(values: Any, n: int) -> np.ndarray:
    """Return the mean of real values (n, n, n//2+1) in each shell 0 … n//2, float64, each value counted once."""
    shells = like(radial_index(n, 3), values)
    counts = binned_sum(namespace(values).ones(shells.shape, np.float32), shells, n // 2 + 1)
    return binned_sum(values, shells, n // 2 + 1) / counts


def fourier_shell_correlation(first: Any, second: Any, n: int) -> np.ndarray:
    """Return the correlation of two half transforms in each shell 0 … n//2; 0 where a shell is empty in one of them."""
    shells = like(radial_index(n, 3), first)
    if namespace(first) is np:
        sums = shell_pairs(first.ravel(), second.ravel(), shells.ravel())[:, : n // 2 + 1]
    else:
        parts = ((first * second.conj()).real, abs(first) ** 2, abs(second) ** 2)
        sums = np.array([to_host(binned_sum(part, shells, n // 2 + 1)) for part in parts])
    power = sums[1] * sums[2]
    return np.where(power > 0, sums[0] / np.sqrt(np.where(power > 0, power, 1)), 0.0)


def randomised(spectrum: Any, n: int, *, first_shell: int, phases: PhaseGenerator) -> Any:
    """Return a half transform whose phases are random from a radius on, taken in the order of the array; the amplitudes stay."""
    turned = like(radius_squared(n, 3) >= first_shell**2, spectrum)
    out = spectrum.copy()
    drawn = like(phases.draw(int(turned.sum())), spectrum)
    out[turned] = abs(spectrum[turned]) * namespace(spectrum).exp(1j * drawn)
    return out


def corrected(masked: np.ndarray, random: np.ndarray, *, first_shell: int) -> np.ndarray:
    """Return the correlation without the mask's share (Chen et al., eq. 4); up to two shells beyond the first random one
    the masked correlation itself.
    """
    beyond = np.arange(masked.shape[-1]) >= first_shell + _FREE_OF_OVERLAP
    room = np.where(np.abs(1 - random) > 1e-6, 1 - random, 1e-6)
    return np.where(beyond, (masked - random) / room, masked)


def randomising_shell(curve: np.ndarray, threshold: float) -> int:
    """Return the first shell at which the correlation of the unmasked maps is below the threshold, 0 if it never is."""
    below = np.flatnonzero(curve[1:] < threshold)
    return int(below[0]) + 1 if below.size else 0


def resolution_shell(curve: np.ndarray, threshold: float = GOLD_STANDARD) -> int:
    """Return the last shell before the correlation first falls below the threshold; the last one if it never does."""
    below = np.flatnonzero(curve[1:] < threshold)
    return int(below[0]) if below.size else len(curve) - 1


def of_particle(curve: np.ndarray, fraction: float) -> np.ndarray:
    """Return what the correlation would be without the solvent: f·FSC / (1 + (f − 1)·FSC), f the box over the particle
    (as in cisTEM; Grant et al. 2018, eLife 7:e35383).
    """
    return fraction * curve / (1 + (fraction - 1) * curve)


def amplitude_correlation(first: Any, second: Any, n: int) -> np.ndarray:
    """Return the correlation coefficient of the amplitudes in each shell."""
    a, b = abs(first), abs(second)
    mean_a, mean_b = shell_average(a, n), shell_average(b, n)
    covariance = shell_average(a * b, n) - mean_a * mean_b
    variance = (shell_average(a * a, n) - mean_a**2) * (shell_average(b * b, n) - mean_b**2)
    return np.where(variance > 0, covariance / np.sqrt(np.where(variance > 0, variance, 1)), 1.0)


def phase_residual(first: Any, second: Any, n: int) -> np.ndarray:
    """Return the differential phase residual in each shell, in degrees: the phase differences' root mean square, weighted
    by the sum of the amplitudes (Frank et al. 1981).
    """
    weights = abs(first) + abs(second)
    difference = np.angle(first * second.conj(), deg=True)
    total = shell_average(weights, n)
    return np.sqrt(shell_average(difference**2 * weights, n) / np.where(total > 0, total, 1))
