"""Sharpening: take MTF and B-factor away, weight by the correlation of the halves, cut off where there is no signal.

A sharpened map is the map times, in each shell, √(2·FSC/(1+FSC)) (Rosenthal & Henderson 2003, eq. 11) and
exp(−B/4 · s²)/MTF(s).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.array import fft_namespace, like
from relionlab.engine.fourier import radial_index, radius_squared
from relionlab.engine.maps.filters import low_pass

_NO_SIGNAL = 1e-4


@dataclass(frozen=True)
class Transfer:
    """The modulation transfer function of a detector.

    frequency  cycles per pixel of the detector, rising from 0
    value      0 to 1
    """

    frequency: np.ndarray
    value: np.ndarray

    def at(self, frequency: np.ndarray) -> np.ndarray:
        """Return the MTF at frequencies in cycles per detector pixel, interpolated linearly; beyond the ends the ends."""
        return np.interp(frequency, self.frequency, self.value)


def fsc_weights(curve: np.ndarray) -> np.ndarray:
    """Return √(2·FSC/(1+FSC)) in each shell; 0 from the first shell on in which there is no correlation."""
    nothing = np.flatnonzero(curve < _NO_SIGNAL)
    kept = np.array(curve, np.float64)
    if nothing.size:
        kept[nothing[0] :] = 0
    return np.sqrt(2 * kept / (1 + kept))


def transfer_inverse(n: int, transfer: Transfer, *, pixel_size: float, detector_pixel_size: float) -> np.ndarray:
    """Return 1/MTF (n, n, n//2+1), float32, for a map whose pixel size may be coarser than the detector's (Å).

    1 beyond the Nyquist radius, as RELION has it: the corners would bend the last shell of the Guinier plot upwards.
    """
    frequency = np.sqrt(radius_squared(n, 3)) / n * (detector_pixel_size / pixel_size)
    inverse = 1 / np.maximum(transfer.at(frequency), 1e-3)
    return np.where(within_nyquist(n), inverse, 1).astype(np.float32)


def b_factor_weights(n: int, b_factor: float, *, pixel_size: float) -> np.ndarray:
    """Return exp(−B/4 · s²) (n, n, n//2+1), float32; negative B (Å²) sharpens."""
    return np.exp(-b_factor / 4 * radius_squared(n, 3) / (n * pixel_size) ** 2).astype(np.float32)


def shell_weights(n: int, weights: np.ndarray) -> np.ndarray:
    """Return weights of the shells 0 … n//2 spread over (n, n, n//2+1), float32; 0 beyond the last shell."""
    return np.append(weights, 0.0).astype(np.float32)[np.minimum(radial_index(n, 3), n // 2 + 1)]


def within_nyquist(n: int) -> np.ndarray:
    """Say which values of a half transform (n, n, n//2+1) lie within the Nyquist radius; the corners do not."""
    return radius_squared(n, 3) <= (n // 2) ** 2


def cut_off(n: int, resolution: float, *, pixel_size: float, edge_shells: int) -> np.ndarray:
    """Return a low-pass filter (n, n, n//2+1), float32, with a raised cosine edge about the resolution (Å)."""
    response = low_pass(resolution, side=n, pixel_size=pixel_size, edge_shells=edge_shells)
    return response(np.sqrt(radius_squared(n, 3)) / n).astype(np.float32)


def back(spectrum: np.ndarray, n: int) -> np.ndarray:
    """Return the map (n, n, n) of a half transform as :func:`relionlab.engine.maps.fsc.transform` makes it."""
    return fft_namespace(spectrum).irfftn(spectrum, s=(n, n, n), norm="forward")


def applied(spectrum: np.ndarray, *filters: np.ndarray) -> np.ndarray:
    """Return a half transform times filters."""
    out = spectrum.copy()
    for weights in filters:
        out *= like(weights, spectrum)
    return out
