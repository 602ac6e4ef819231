"""The coarse search: defocus, astigmatism, its direction and the phase shift, all from one matrix product.

A CTF's square at each defocus is correlated with every sector of the spectrum at once; an astigmatic CTF has another
defocus in each sector, so its correlation is a sum over entries of that table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.model import phases
from relionlab.engine.ctffit.sectors import Sectors

BANDS = 4
"""Pieces of the curve by which rings fade towards high resolution."""
_DIRECTIONS = 12
_MOST_ASTIGMATISM = 0.25  # of the defocus; more is a broken microscope


@dataclass(frozen=True)
class Range:
    """What is searched.

    coarsest, finest      resolutions in Å between which the spectrum counts
    lowest, highest       defocus in Å
    step                  of the defocus in Å; a finer one is taken where the rings need it
    astigmatism           Å that is expected; five times as much is held to be a standard deviation, and larger ones
                          need evidence. 0: anything is as good
    phases                phase shifts to try, in degrees; one value is not changed
    """

    coarsest: float = 30.0
    finest: float = 5.0
    lowest: float = 5000.0
    highest: float = 50000.0
    step: float = 500.0
    astigmatism: float = 100.0
    phases: tuple[float, ...] = (0.0,)

    @property
    def believed(self) -> float:
        """Standard deviation in Å of what is believed of the astigmatism beforehand."""
        return 5 * self.astigmatism

    @property
    def phase_is_free(self) -> bool:
        """Whether the phase shift is fitted."""
        return len(self.phases) > 1


@dataclass(frozen=True)
class Candidate:
    """A place in the search: mean defocus and the two components of the astigmatism in Å, phase shift in degrees.

    along   (U - V) · cos(2·angle)
    across  (U - V) · sin(2·angle)
    score   explained sum of squares
    """

    defocus: float
    along: float
    across: float
    phase: float
    score: float


def bands(frequency: np.ndarray) -> np.ndarray:
    """Return overlapping triangles that add up to 1, (BANDS, R): any sum of them is a curve for the fading rings.

    They are narrower at low frequencies, where particles scatter strongly and fade fast.
    """
    place = (BANDS - 1) * np.sqrt((frequency - frequency[0]) / (frequency[-1] - frequency[0]))
    return np.maximum(1 - np.abs(place - np.arange(BANDS)[:, None]), 0)


def candidates(sectors: Sectors, optics: Optics, searched: Range, *, noise: float, count: int = 4) -> list[Candidate]:
    """Return the best places, best first, each of another defocus.

    noise  variance of ``sectors.values``, by which the evidence for astigmatism is measured
    """
    finest_step = 1 / (8 * optics.wavelength * sectors.frequency[-1] ** 2)  # a phase of 22.5° at the last ring
    step = min(searched.step, finest_step)
    margin = _MOST_ASTIGMATISM * searched.highest / 2
    low = max(searched.lowest - margin, 100.0)
    defocus = np.arange(low, searched.highest + margin + step, step)
    tried = list(_astigmatisms(searched, step))
    found: list[Candidate] = []
    for phase in searched.phases:
        products, squares = _tables(sectors, optics, defocus, phase=phase)
        allowed = np.flatnonzero((defocus >= searched.lowest) & (defocus <= searched.highest))
        scores = np.full(len(defocus), -np.inf)
        which = np.zeros(len(defocus), dtype=int)
        for number, (along, across) in enumerate(tried):
            score = _scores(products, squares, allowed, _shifts(sectors.angles, along / step, across / step))
            size = np.hypot(along, across)
            if searched.astigmatism > 0:
                score = score - noise * (size / searched.believed) ** 2
            score = np.where(size <= _MOST_ASTIGMATISM * defocus[allowed], score, -np.inf)
            better = score > scores[allowed]
            scores[allowed[better]], which[allowed[better]] = score[better], number
        peaks = _peaks(scores, count, apart=max(int(4 * finest_step / step), 2))
        found += [
            Candidate(float(defocus[i]), tried[which[i]][0], tried[which[i]][1], phase, float(scores[i])) for i in peaks
        ]
    return sorted(found, key=lambda place: -place.score)[:count]


def _astigmatisms(searched: Range, step: float) -> Iterator[tuple[float, float]]:
    """Yield no astigmatism, then growing ones in every direction."""
    yield 0.0, 0.0
    size, most = 2 * step, min(_MOST_ASTIGMATISM * searched.highest, max(4000.0, 6 * searched.astigmatism))
    while size <= most:
        for angle in np.arange(_DIRECTIONS) * 2 * np.pi / _DIRECTIONS:
            yield size * np.cos(angle), size * np.sin(angle)
        size *= 1.5


def _tables(sectors: Sectors, optics: Optics, defocus: np.ndarray, *, phase: float) -> tuple[np.ndarray, np.ndarray]:
    """Return products (BANDS, S, D) of data and models, and the models' squares (BANDS, D)."""
    model = np.sin(phases(sectors.frequency, defocus, optics=optics, phase_shift=phase)) ** 2
    rough = np.stack([sectors.rough(model * band) for band in bands(sectors.frequency)])
    return np.matmul(sectors.values, rough.transpose(0, 2, 1)), (rough**2).sum(axis=-1)


def _shifts(angles: np.ndarray, along: float, across: float) -> np.ndarray:
    """Return by how many steps the defocus of each sector differs from the mean."""
    return np.rint(0.5 * (along * np.cos(2 * angles) + across * np.sin(2 * angles))).astype(int)


def _scores(products: np.ndarray, squares: np.ndarray, allowed: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return the explained sum of squares at each allowed mean defocus: bands in which rings agree add to it."""
    steps, repeats = np.unique(shifts, return_counts=True)
    most = products.shape[2] - 1
    product = np.zeros((len(products), len(allowed)))
    square = np.zeros_like(product)
    for one, repeat in zip(steps, repeats, strict=True):
        index = np.clip(allowed + one, 0, most)
        product += products[:, shifts == one].sum(axis=1)[:, index]
        square += repeat * squares[:, index]
    return (np.maximum(product, 0) ** 2 / np.maximum(square, 1e-12)).sum(axis=0)


def _peaks(scores: np.ndarray, count: int, *, apart: int) -> list[int]:
    left = scores.copy()
    found: list[int] = []
    while len(found) < count and np.isfinite(left).any():
        best = int(np.argmax(left))
        found.append(best)
        left[max(best - apart, 0) : best + apart + 1] = -np.inf
    return found
