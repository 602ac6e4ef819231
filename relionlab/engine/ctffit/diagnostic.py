"""The picture that belongs to a fit: the observed spectrum in the left half, the model in the right half.

The upper left quarter shows the pixels; in the lower left each is averaged with its neighbours along the ring, so that
weak rings can be followed by eye to where the model takes over.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.fit import Fit
from relionlab.engine.ctffit.model import defocus_at, phases
from relionlab.engine.ctffit.sectors import SECTORS, ring_means

_LOWEST, _HIGHEST = -0.5, 1.5
_NO_RINGS = 0.5  # grey where the model is not drawn


def diagnostic_image(fit: Fit, optics: Optics, *, finest: float) -> np.ndarray:
    """Return (n, n) float32: left of the middle the spectrum, its rings between 0 and 1, right of it CTF².

    finest  Å to which the model is drawn; further, if rings fit further
    """
    spectrum, profile = fit.spectrum, fit.profile
    centre = spectrum.size // 2
    y, x = np.indices(spectrum.power.shape) - centre
    radius = np.hypot(y, x)
    begun = np.isfinite(profile.quality)
    least = 0.1 * float(np.max(profile.strength[begun], initial=0.0)) or 1.0
    places = np.arange(len(profile.frequency))
    below = np.interp(radius, places, profile.background)
    height = np.interp(radius, places, np.maximum(profile.strength, least))
    observed = (np.log(np.maximum(spectrum.power, 1e-30)) - below) / height
    slow, rings = _by_direction(spectrum.power)
    turn = 2 * np.deg2rad(fit.defocus_angle)
    local = defocus_at(
        np.arctan2(y, x), fit.defocus, along=fit.astigmatism * np.cos(turn), across=fit.astigmatism * np.sin(turn)
    )
    frequency = spectrum.frequency(radius)
    rest = phases(frequency.ravel(), np.zeros(1), optics=optics, phase_shift=fit.phase_shift).reshape(radius.shape)
    model = np.sin(np.pi * optics.wavelength * frequency**2 * local + rest) ** 2
    model = np.where(frequency <= 1 / min(finest, fit.max_resolution), model, _NO_RINGS)
    left, lower = x < 0, (x < 0) & (y >= 0)
    observed[left] -= _at(slow, x[left], y[left]) / height[left]
    observed[lower] = (_at(rings, x[lower], y[lower]) - below[lower]) / height[lower]
    image = np.where(x < 0, np.clip(observed, _LOWEST, _HIGHEST), model)
    image[left & (radius > centre - 3)] = _NO_RINGS
    image[radius < max(np.argmax(begun), 1)] = _NO_RINGS
    return image.astype(np.float32)


def _by_direction(power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what differs slowly between directions, which hides the rings, and the rings without it: (S, n//2+1) each.

    Both are logarithms of the power; the rings are averaged over arcs of about two sectors.
    """
    pieces = ring_means(power)
    means = np.log(pieces)
    slow = uniform_filter1d(means - np.log(pieces.mean(axis=0)), max(len(power) // 12, 3), axis=1)
    means = means - slow
    return slow, 0.25 * np.roll(means, 1, axis=0) + 0.5 * means + 0.25 * np.roll(means, -1, axis=0)


def _at(table: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the values of a table (sectors, radii) at pixels, between sectors by interpolation."""
    radius, place = np.hypot(x, y), np.arctan2(y, x) / np.pi * SECTORS - 0.5
    sector = np.floor(place).astype(int)
    share, below = place - sector, np.minimum(np.rint(radius).astype(int), table.shape[1] - 1)
    return (1 - share) * table[sector % SECTORS, below] + share * table[(sector + 1) % SECTORS, below]
