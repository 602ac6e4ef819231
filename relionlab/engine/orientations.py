"""How evenly the views cover Fourier space, and what that costs.

A view measures a plane of Fourier space; how often a direction k of Fourier space is measured is how many views n have
k · n = 0. That sampling, divided by its mean over all directions, is 1 everywhere for evenly spread views. Signal over noise
in a direction is proportional to it, so the mean over a shell is lower than for even views by the sampling compensation
factor, SCF = 1 / mean(1 / sampling): 1 for even views, 8/π² = 0.81 for views from all sides about one axis, 0 where
directions are not measured at all (Baldwin & Lyumkis 2020, Prog. Biophys. Mol. Biol. 150, 160; the share of Fourier space
that is empty: 2021, ibid. 160, 53).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from relionlab.engine.sampling import healpix
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.engine.symmetry import point_group
from relionlab.errors import InputError

_VIEW_ORDER = 5  # views are counted on HEALPix points 1.8° apart
_MANY_ORDER = 7  # 0.5° apart
_FOURIER_ORDER = 4  # 3.7° apart
_THINNEST = float(np.sin(np.radians(healpix.spacing(_FOURIER_ORDER))))
_ENOUGH = 72  # views, weighted as the band weighs them: then the noise of counting lowers the SCF by less than 2 %
_BLOCK = 512


@dataclass(frozen=True, eq=False)
class Coverage:
    """How often each direction of Fourier space is measured.

    rot, tilt  (M,) degrees of the directions, evenly over the sphere
    sampling   (M,) how often each is measured, over the mean of all
    width      degrees: views count that lie within it of the plane perpendicular to a direction
    """

    rot: np.ndarray
    tilt: np.ndarray
    sampling: np.ndarray
    width: float

    @property
    def scf(self) -> float:
        """Sampling compensation factor, 0 to 1: the signal-to-noise ratio over that of as many, evenly spread views."""
        return 0.0 if (self.sampling <= 0).any() else float(1 / np.mean(1 / self.sampling))

    @property
    def empty(self) -> float:
        """Share of Fourier space, 0 to 1, that no view has measured."""
        return float(np.mean(self.sampling <= 0))


def fourier_coverage(
    rot: np.ndarray,
    tilt: np.ndarray,
    *,
    symmetry: str = "C1",
    weights: np.ndarray | None = None,
    step: float = 0.0,
) -> Coverage:
    """Return how views cover Fourier space.

    rot, tilt  (N,) degrees of the particles' views
    symmetry   point group: every particle is seen from all equivalent directions too
    weights    (N,) how much each particle counts; all the same by default
    step       degrees between the directions that were tried: gaps of the search are none of the views

    Directions are counted in a band about the plane, 3.7° wide to either side, and wider after a coarse search and where there are
    few views: so wide that about seventy even views would fall into it.
    Raises InputError if there is no view.
    """
    if not len(rot):
        raise InputError("There are no views: the table of particles is empty, so its coverage is unknown.")
    counts = view_counts(rot, tilt, symmetry=symmetry, weights=weights)
    views = min(len(rot), _equal_views(weights)) * len(point_group(symmetry).rotations)
    thinnest = max(_THINNEST, float(np.sin(np.radians(min(step, 90.0)))))
    band = float(np.clip(_ENOUGH / (5 / 6 * views), thinnest, 1.0))
    seen = np.flatnonzero(counts)
    normals = unit_vectors(*healpix.points(_VIEW_ORDER))[seen]
    fourier_rot, fourier_tilt = healpix.points(_FOURIER_ORDER)
    directions = unit_vectors(fourier_rot, fourier_tilt)
    sampling = np.concatenate(
        [
            np.maximum(1 - ((directions[start : start + _BLOCK] @ normals.T) / band) ** 2, 0) @ counts[seen]
            for start in range(0, len(directions), _BLOCK)
        ]
    )
    return Coverage(fourier_rot, fourier_tilt, sampling / sampling.mean(), float(np.degrees(np.arcsin(band))))


def view_counts(
    rot: np.ndarray,
    tilt: np.ndarray,
    *,
    symmetry: str = "C1",
    weights: np.ndarray | None = None,
    order: int = _VIEW_ORDER,
) -> np.ndarray:
    """Return how many views (12 × 4^order,) fall to each HEALPix point, all equivalents included, so that they sum to the
    number of particles times the order of the group.

    rot, tilt  (N,) degrees
    weights    (N,) how much each counts
    """
    vectors = unit_vectors(np.asarray(rot, np.float64), np.asarray(tilt, np.float64))
    if len(vectors) > healpix.count(_MANY_ORDER):  # count first, then turn the counts: a group may have sixty rotations
        dense = unit_vectors(*healpix.points(_MANY_ORDER))
        weights = np.bincount(cKDTree(dense).query(vectors)[1], weights, minlength=len(dense))
        vectors, weights = dense[weights > 0], weights[weights > 0]
    points = cKDTree(unit_vectors(*healpix.points(order)))
    counts = np.zeros(healpix.count(order))
    for operation in point_group(symmetry).rotations:
        _, nearest = points.query(vectors @ operation)
        counts += np.bincount(nearest, weights, minlength=len(counts))
    return counts


def _equal_views(weights: np.ndarray | None) -> float:
    """Return how many views of the same weight tell as much."""
    if weights is None:
        return np.inf
    total = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / total if total > 0 else 1.0
