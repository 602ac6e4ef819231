"""How well a fitted CTF agrees with a spectrum: the figure of merit, and the resolution to which rings are seen.

Rings are compared along curves of equal phase, so that astigmatism does not blur them: Zhang (2016) J. Struct. Biol.
193, 1; the score per ring as in Rohou & Grigorieff (2015) J. Struct. Biol. 192, 216.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.model import defocus_at, equal_phase_frequency, phases
from relionlab.engine.ctffit.search import Candidate
from relionlab.engine.ctffit.sectors import half_plane, without_spots
from relionlab.engine.ctffit.spectrum import Spectrum

GOOD_FIT = 0.5
"""Correlation between spectrum and model, over two rings, below which rings no longer count as fitted."""
_RINGS_IN_WINDOW = 2.0
_FEWEST_IN_WINDOW = 13
_SHORTEST_GAP = 9
_LONGEST_GAP = 0.12  # of the radius; the ring of vitreous ice is about as wide


@dataclass(frozen=True)
class Profile:
    """The spectrum in one dimension, (R,) each.

    frequency   1/Å, from 0 to the edge
    rotational  logarithm of the mean power over rings
    equiphase   the same along curves of equal phase
    background  a curve through the bottom of the rings
    strength    height of the rings above it
    model       CTF² at the mean defocus
    quality     correlation between ``equiphase`` and ``model`` around each frequency, -1 to 1; nan below the range
    noise       what two standard deviations of that correlation are if there is nothing but noise
    """

    frequency: np.ndarray
    rotational: np.ndarray
    equiphase: np.ndarray
    background: np.ndarray
    strength: np.ndarray
    model: np.ndarray
    quality: np.ndarray
    noise: np.ndarray


def profile(spectrum: Spectrum, optics: Optics, place: Candidate, *, coarsest: float) -> Profile:
    """Return the spectrum's profile with the quality of a fit; ``coarsest`` in Å is where the fitted range begins."""
    frequency, angle, values = _pixels(spectrum)
    local = defocus_at(angle, place.defocus, along=place.along, across=place.across)
    equal = equal_phase_frequency(frequency, local, mean=place.defocus, optics=optics)
    count = spectrum.size // 2
    rotational = np.log(np.maximum(_averages(spectrum.radius(1) * frequency, values, count), 1e-30))
    equiphase = np.log(np.maximum(_averages(spectrum.radius(1) * equal, values, count), 1e-30))
    axis = spectrum.frequency(np.arange(count))
    phase = phases(axis, np.array([place.defocus]), optics=optics, phase_shift=place.phase)[0]
    model = np.sin(phase) ** 2
    first = max(int(np.ceil(spectrum.radius(coarsest))), 3)
    quality, background, strength, noise = _sliding(equiphase, model, phase, first=first)
    return Profile(axis, rotational, equiphase, background, strength, model, quality, noise)


def normalised(profile: Profile) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotational and the equi-phase average between 0 and 1 as CTF² is, (R,) each.

    What lies below the rings is taken away and their height made 1, where they are not lost in noise altogether.
    """
    begun = np.isfinite(profile.quality)
    least = 0.1 * float(np.max(profile.strength[begun], initial=0.0)) or 1.0
    height = np.maximum(profile.strength, least)
    both = [
        np.where(begun, (part - profile.background) / height, 0.0) for part in (profile.rotational, profile.equiphase)
    ]
    return both[0], both[1]


def fitted_resolution(profile: Profile) -> float:
    """Return the resolution in Å to which the rings fit: the end of the last window before the fit is lost.

    A short gap, as an ice ring makes it, does not end it: afterwards the rings have to fit as long again.
    """
    good = np.nan_to_num(profile.quality, nan=-1.0) >= np.maximum(GOOD_FIT, profile.noise)
    begun = np.flatnonzero(np.isfinite(profile.quality))
    if not begun.size:
        return float("inf")
    last, lost = begun[0], 0
    for index in range(begun[0], len(good)):
        if not good[index]:
            lost += 1
            if lost > max(_SHORTEST_GAP, _LONGEST_GAP * index):
                break
        elif good[index : index + lost].all():
            last, lost = index, 0
    return float(1 / max(profile.frequency[max(last, 1)], 1e-6))


def figure_of_merit(
    spectrum: Spectrum, optics: Optics, place: Candidate, *, background: np.ndarray, coarsest: float, finest: float
) -> float:
    """Return the correlation of the pixels with CTF² less its mean, -1 to 1, between two resolutions in Å.

    background  (n//2,) curve of the logarithm of the power, which is taken from it first

    Noise of the single pixels is in it, so it is small: 0.1 to 0.3 are good fits.
    """
    frequency, angle, values = _pixels(spectrum)
    chosen = (frequency >= 1 / coarsest) & (frequency <= 1 / finest)
    frequency, angle, values = frequency[chosen], angle[chosen], values[chosen]
    local = defocus_at(angle, place.defocus, along=place.along, across=place.across)
    constant = phases(frequency, np.zeros(1), optics=optics, phase_shift=place.phase)[0]
    model = np.sin(np.pi * optics.wavelength * frequency**2 * local + constant) ** 2
    radius = spectrum.radius(1) * frequency
    data = np.sqrt(np.maximum(values, 0) / np.exp(np.interp(radius, np.arange(len(background)), background)))
    data, model = data - data.mean(), model - model.mean()
    length = float(np.sqrt((data**2).sum() * (model**2).sum()))
    return float((data * model).sum() / length) if length > 0 else 0.0


def _pixels(spectrum: Spectrum) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return frequency, direction and power of the pixels of half the plane, without the axes and spots."""
    pixels, angle, radius = half_plane(spectrum.size)
    return spectrum.frequency(radius), angle, without_spots(spectrum.power).ravel()[pixels].astype(np.float64)


def _averages(radius: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Return means over rings of one pixel, (count,); a pixel counts for the two radii beside it."""
    below = radius.astype(np.int64)
    share = radius - below
    kept = below < count
    below, share, values = below[kept], share[kept], values[kept]
    weight = np.bincount(below, 1 - share, count + 1) + np.bincount(below + 1, share, count + 1)
    total = np.bincount(below, values * (1 - share), count + 1) + np.bincount(below + 1, values * share, count + 1)
    weight, total = weight[:count], total[:count]
    index = np.arange(count)
    there = weight > 1e-9
    return np.interp(index, index[there], total[there] / weight[there])


def _sliding(
    data: np.ndarray, model: np.ndarray, phase: np.ndarray, *, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return correlation, background, strength and noise level at each radius, from a window of two rings around it."""
    count = len(data)
    quality, noise = np.full(count, np.nan), np.full(count, np.nan)
    background, strength = data.copy(), np.zeros(count)
    slope = np.abs(np.gradient(phase)) / np.pi  # rings per pixel
    for centre in range(first, count):
        half = int(np.ceil(0.5 * max(_RINGS_IN_WINDOW / max(slope[centre], 0.02), _FEWEST_IN_WINDOW)))
        low, high = max(first, centre - half), min(count, centre + half + 1)
        if high - low < _FEWEST_IN_WINDOW // 2 + 1:
            continue
        x = (np.arange(low, high) - centre) / max(half, 1)
        lines = np.stack([np.ones_like(x), x], axis=1)
        fitted = lines @ np.linalg.lstsq(lines, np.stack([data[low:high], model[low:high]], axis=1), rcond=None)[0]
        left, ring = data[low:high] - fitted[:, 0], model[low:high] - fitted[:, 1]
        length = np.sqrt((left**2).sum() * (ring**2).sum())
        quality[centre] = (left * ring).sum() / length if length > 0 else 0.0
        strength[centre] = max((left * ring).sum() / max((ring**2).sum(), 1e-12), 0.0)
        middle = centre - low
        background[centre] = fitted[middle, 0] - strength[centre] * fitted[middle, 1]
        noise[centre] = 2 / np.sqrt(max(high - low - 3, 1))
    return quality, background, strength, noise
