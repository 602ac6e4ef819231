"""A power spectrum in polar form: logarithms of the means over small pieces of rings, and what is smooth taken out.

The logarithm makes noise equal at all frequencies and products sums. Per sector, whatever a smooth radial background
(and an ice ring) could explain is projected out, of the data and of every model alike: so neither the specimen's
falloff, nor a camera whose gain is not round, nor the choice of a background pulls at the defocus.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import BSpline

from relionlab.engine.ctffit.spectrum import Spectrum
from relionlab.errors import InputError

SECTORS = 36
ICE_RINGS = ((1 / 3.70, 0.012), (1 / 3.90, 0.003), (1 / 3.67, 0.003), (1 / 3.44, 0.003))
"""Frequency and width (1/Å) of vitreous and hexagonal ice's reflections: Dowell & Rinfret (1960) Nature 188, 1144."""
_FEWEST_RADII = 16
_SPOT = 6.0  # standard deviations within a ring beyond which a pixel is a spot of a crystal or of the camera


@dataclass(frozen=True)
class Sectors:
    """A spectrum in S sectors of half the plane and R radii.

    values      (S, R) logarithm of the power, weighted (times ``weights``), its smooth part taken out
    weights     (R,)   square root of the number of pixels in a piece of a ring
    angles      (S,)   directions of the sectors' middles in radians, from x towards y
    frequency   (R,)   1/Å
    smooth      (R, B) orthonormal basis of the weighted smooth functions
    background  (S, R) the smooth part of the logarithm, not weighted
    """

    values: np.ndarray
    weights: np.ndarray
    angles: np.ndarray
    frequency: np.ndarray
    smooth: np.ndarray
    background: np.ndarray

    def rough(self, model: np.ndarray) -> np.ndarray:
        """Return a model (…, R) as the data are: weighted, and without what is smooth."""
        weighted = model * self.weights
        return weighted - (weighted @ self.smooth) @ self.smooth.T


def in_sectors(spectrum: Spectrum, *, coarsest: float, finest: float) -> Sectors:
    """Return a spectrum between two resolutions in polar form.

    coarsest, finest  Å

    Raises InputError if too few frequencies lie between them.
    """
    inner, outer = int(np.ceil(spectrum.radius(coarsest))), int(spectrum.radius(finest))
    inner, outer = max(inner, 3), min(outer, spectrum.size // 2 - 2)
    if outer - inner < _FEWEST_RADII:
        raise InputError(
            f"Between {coarsest:g} and {finest:g} Å the spectrum of {spectrum.size} px at {spectrum.pixel_size:.3g} Å has"
            f" {max(outer - inner + 1, 0)} frequencies; expected {_FEWEST_RADII} or more. Give a larger FFT box (--Box) or a"
            " wider range of resolutions (--ResMin, --ResMax)."
        )
    sums, counts = _ring_sums(without_spots(spectrum.power), spectrum.size)
    sums, counts = sums[:, inner : outer + 1], counts[:, inner : outer + 1]
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0.3)
    ring = np.nansum(sums, axis=0) / np.nansum(counts, axis=0)
    if not np.all(ring > 0):
        raise InputError(
            "The power spectrum has zeros or negative values between the given resolutions: make it again."
        )
    means = np.where(np.isfinite(means) & (means > 0), means, ring)
    logarithm = np.log(means)
    frequency = spectrum.frequency(np.arange(inner, outer + 1))
    weights = np.sqrt(counts.mean(axis=0))
    basis, _ = np.linalg.qr(weights[:, None] * smooth_functions(frequency))
    weighted = logarithm * weights
    background = (weighted @ basis) @ basis.T
    return Sectors(
        values=weighted - background,
        weights=weights,
        angles=(np.arange(SECTORS) + 0.5) * np.pi / SECTORS,
        frequency=frequency,
        smooth=basis,
        background=background / weights,
    )


def ring_means(power: np.ndarray) -> np.ndarray:
    """Return the mean power in every piece of every ring, (S, n//2+1); of empty pieces that of the ring."""
    sums, counts = _ring_sums(without_spots(power), len(power))
    total = np.maximum(counts.sum(axis=0), 1e-9)
    ring = np.broadcast_to(sums.sum(axis=0) / total, sums.shape)
    return np.maximum(np.divide(sums, counts, out=ring.copy(), where=counts > 0.3), 1e-30)


def smooth_functions(frequency: np.ndarray) -> np.ndarray:
    """Return what a background may look like, (R, B): cubic splines, and ice rings where they lie in the range.

    The knots lie closer at low frequencies, where specimens fall off steeply.
    """
    low, high = frequency[0], frequency[-1]
    pieces = max(3, round(min(7.0, 2.5 + 17 * (high - low))))
    knots = low + (high - low) * np.linspace(0, 1, pieces + 1) ** 1.3
    padded = np.r_[[low] * 4, knots[1:-1], [high] * 4]
    found = [BSpline.design_matrix(np.clip(frequency, low, high), padded, 3).toarray()]
    step = frequency[1] - frequency[0]
    for centre, width in ICE_RINGS:
        sigma = max(width, step)
        if low + sigma < centre < high:
            found.append(np.exp(-0.5 * ((frequency - centre) / sigma) ** 2)[:, None])
    return np.hstack(found)


@lru_cache(maxsize=4)
def half_plane(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels of half the plane, their direction in radians, 0 to π, and radius in pixels; without the axes."""
    centre = size // 2
    y, x = np.indices((size, size)) - centre
    chosen = (y > 1) & (np.abs(x) > 1)  # the axes carry the camera's lines and the edges of the tiles
    radius = np.hypot(y, x)
    chosen &= radius < centre - 1
    pixels = np.flatnonzero(chosen)
    return pixels, np.arctan2(y, x).ravel()[pixels], radius.ravel()[pixels]


@lru_cache(maxsize=4)
def _pieces(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels of half the plane, their sector, the radius below each and the share that belongs to the next."""
    pixels, angle, radius = half_plane(size)
    sector = np.minimum((angle / np.pi * SECTORS).astype(np.int64), SECTORS - 1)
    below = radius.astype(np.int64)
    return pixels, sector, below, radius - below


def _ring_sums(power: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of power and numbers of pixels, (S, n//2+1); a pixel counts for the two radii beside it."""
    pixels, sector, below, share = _pieces(size)
    rows = size // 2 + 1
    values, index = power.ravel()[pixels].astype(np.float64), sector * rows + below

    def summed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        total = np.bincount(index, first, SECTORS * rows) + np.bincount(index + 1, second, SECTORS * rows)
        return total.reshape(SECTORS, rows)

    return summed(values * (1 - share), values * share), summed(1 - share, share)


def without_spots(power: np.ndarray) -> np.ndarray:
    """Return the power (n, n) with single pixels that stick out of their ring cut down to it."""
    size = len(power)
    pixels, _, below, _ = _pieces(size)
    values = power.ravel()[pixels].astype(np.float64)
    count = np.maximum(np.bincount(below), 1)
    mean = np.bincount(below, values) / count
    spread = np.sqrt(np.bincount(below, (values - mean[below]) ** 2) / count)
    most = (mean + _SPOT * spread)[below]
    if not np.any(values > most):
        return power
    cleaned = power.astype(np.float64).ravel()
    cleaned[pixels] = np.minimum(values, most)
    return cleaned.reshape(power.shape)
