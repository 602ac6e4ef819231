"""The fine search: least squares for defocus, astigmatism, phase shift and the fading of the rings at once.

Levenberg (1944) and Marquardt (1963); derivatives are those of sin² of the phase.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.model import defocus_at, defocus_factor, phases
from relionlab.engine.ctffit.search import BANDS, Candidate, Range, bands
from relionlab.engine.ctffit.sectors import Sectors

_SCALES = np.array([100.0, 100.0, 100.0, 10.0])  # Å, Å, Å, degrees: one unit of each parameter


@dataclass(frozen=True)
class Refined:
    """A place that the least squares came to.

    place       see Candidate; ``score`` is the correlation coefficient with the fading rings, -1 to 1
    fading      (BANDS,) strength of the rings from the coarsest to the finest resolution
    error       standard deviation of the mean defocus in Å that the noise alone gives
    """

    place: Candidate
    fading: np.ndarray
    error: float


def refine(sectors: Sectors, optics: Optics, searched: Range, *, start: Candidate, noise: float) -> Refined:
    """Return the best place near ``start``; ``noise`` is the variance of ``sectors.values``."""
    free = 4 if searched.phase_is_free else 3
    rings = bands(sectors.frequency)
    factor = defocus_factor(sectors.frequency, optics)
    cosine, sine = np.cos(2 * sectors.angles)[:, None], np.sin(2 * sectors.angles)[:, None]
    prior = np.sqrt(noise) / searched.believed * _SCALES[1] if searched.astigmatism > 0 else 0.0
    first = np.array([start.defocus, start.along, start.across, start.phase])

    def unpacked(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place = first.copy()
        place[:free] += x[:free] * _SCALES[:free]
        return place, x[free:]

    def phase(place: np.ndarray) -> np.ndarray:
        local = defocus_at(sectors.angles, place[0], along=place[1], across=place[2])
        return phases(sectors.frequency, local, optics=optics, phase_shift=place[3])

    def residuals(x: np.ndarray) -> np.ndarray:
        place, fading = unpacked(x)
        model = sectors.rough(np.sin(phase(place)) ** 2 * (fading @ rings))
        return np.concatenate([(model - sectors.values).ravel(), prior * place[1:3] / _SCALES[1]])

    def jacobian(x: np.ndarray) -> np.ndarray:
        place, fading = unpacked(x)
        angle = phase(place)
        slope = np.sin(2 * angle) * (fading @ rings)
        by_defocus = slope * factor * _SCALES[0]
        parts = [by_defocus, 0.5 * cosine * by_defocus, 0.5 * sine * by_defocus, slope * np.deg2rad(_SCALES[3])][:free]
        parts += [np.sin(angle) ** 2 * ring for ring in rings]
        columns = np.stack([sectors.rough(part).ravel() for part in parts], axis=1)
        tail = np.zeros((2, columns.shape[1]))
        tail[0, 1] = tail[1, 2] = prior
        return np.vstack([columns, tail])

    begun = np.concatenate([np.zeros(free), _fading(sectors, np.sin(phase(first)) ** 2, rings)])
    found = least_squares(residuals, begun, jacobian, method="lm", x_scale="jac", max_nfev=60)
    place, fading = unpacked(found.x)
    if prior and np.hypot(place[1], place[2]) > searched.believed:  # the rings have spoken: nothing pulls any more
        start = Candidate(place[0], place[1], place[2], place[3], start.score)
        return refine(sectors, optics, replace(searched, astigmatism=0.0), start=start, noise=noise)
    if searched.phase_is_free:
        place[3] = np.clip(place[3], min(searched.phases), max(searched.phases))
    kept = np.maximum(fading, 0)
    model = sectors.rough(np.sin(phase(place)) ** 2 * (kept @ rings))
    length = np.linalg.norm(model) * np.linalg.norm(sectors.values)
    score = float((model * sectors.values).sum() / length) if length > 0 else -1.0
    covariance = np.linalg.pinv(found.jac.T @ found.jac) * noise
    error = float(np.sqrt(max(covariance[0, 0], 0)) * _SCALES[0])
    defocus, along, across, shift = place.tolist()
    return Refined(Candidate(defocus, along, across, shift, score), kept, error)


def noise_variance(sectors: Sectors) -> float:
    """Return the variance of the noise: neighbouring sectors show nearly the same rings, and other noise."""
    differences = np.diff(sectors.values, axis=0)
    deviation = 1.4826 * float(np.median(np.abs(differences - np.median(differences))))
    return max(0.5 * deviation**2, 1e-12)


def _fading(sectors: Sectors, model: np.ndarray, rings: np.ndarray) -> np.ndarray:
    """Return the strengths of the rings that fit best, none below a little."""
    columns = np.stack([sectors.rough(model * ring).ravel() for ring in rings], axis=1)
    strengths, *_ = np.linalg.lstsq(columns, sectors.values.ravel(), rcond=None)
    least = 0.05 * max(float(strengths.max()), 1e-3)
    return np.maximum(strengths, least) if strengths.shape == (BANDS,) else np.full(BANDS, least)
