"""Searches around known poses: which directions, with what prior, and around which in-plane angle.

The priors are Gaussians of the angle between directions and of the in-plane angle, cut off at three sigmas as in
RELION (Scheres (2012) J. Struct. Biol. 180, 519). The in-plane angle is taken in the frame of the grid's direction: it
is the psi by which the grid's orientation comes nearest to the known pose, so nothing is odd near the poles. Where rot or
tilt is free, as of filaments that lie flat and may be turned about their axis, priors are of the Euler angles themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from relionlab.engine.rotations import euler_from_matrix, matrix_from_euler
from relionlab.engine.sampling.grid import Sampling

CUT_OFF = 3.0
"""Sigmas beyond which nothing is searched."""
_ALIKE = 1e-6  # degrees: of one ring of the grid


@dataclass(frozen=True)
class Widths:
    """Standard deviations (°) of rot, tilt and psi around known poses; 0 where an angle is free.

    Rot and tilt, where both are limited, limit the angle between directions, by the larger of the two (as in RELION).
    """

    rot: float
    tilt: float
    psi: float

    @classmethod
    def alike(cls, sigma: float) -> Widths:
        """Return the same width for all angles."""
        return cls(sigma, sigma, sigma)

    @property
    def direction(self) -> float:
        """Width of directions, 0 where rot or tilt is free."""
        return max(self.rot, self.tilt) if self.rot and self.tilt else 0.0

    @property
    def share(self) -> float:
        """Share of all directions that is searched around one pose, at the most."""
        if self.direction:
            return float((1 - np.cos(np.radians(min(CUT_OFF * self.direction, 180.0)))) / 2)
        if self.tilt:
            return float(np.sin(np.radians(min(CUT_OFF * self.tilt, 90.0))))
        return min(CUT_OFF * self.rot / 180, 1.0) if self.rot else 1.0


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Directions around the known poses of N particles, in one list ordered by particle.

    start      (N + 1,) where each particle's entries begin
    direction  (M,) index of the grid's direction
    prior      (M,) its prior probability; each particle's sum to 1
    psi        (M,) degrees: the in-plane angle at which the grid's orientation comes nearest to the known pose
    """

    start: np.ndarray
    direction: np.ndarray
    prior: np.ndarray
    psi: np.ndarray

    def psi_prior(self, angles: np.ndarray, sigma_psi: float) -> np.ndarray:
        """Return the prior (M, n_psi) of in-plane angles in degrees: 0 beyond three sigmas, rows sum to 1.

        Where no angle of the grid is that near, the nearest one has all of it.
        """
        distance = np.abs((angles - self.psi[:, None] + 180) % 360 - 180)
        return _gaussian(distance, sigma_psi)


def neighbourhoods(grid: Sampling, poses: np.ndarray, *, widths: Widths) -> list[Neighbourhood]:
    """Return what lies around the known poses (N, 3, 3), as one list or as several that count together.

    Where rot or tilt is free, each equivalent by symmetry whose limited angles are others has a list of its own.
    """
    if widths.direction:
        return [neighbourhood(grid, poses, sigma=widths.direction)]
    equivalent = grid.group.equivalent_poses(poses)
    used = np.arange(equivalent.shape[1])
    if not widths.rot:  # what only turns about z changes rot alone
        operations = grid.group.operations
        kinds = np.column_stack([operations[:, :, 2], np.linalg.det(operations)])
        used = np.unique(np.round(kinds, 6), axis=0, return_index=True)[1]
    return [_in_band(grid, equivalent[:, m], widths) for m in used]


def _in_band(grid: Sampling, poses: np.ndarray, widths: Widths) -> Neighbourhood:
    """Return the directions whose rot, or whose tilt, is near that of poses (N, 3, 3); all of them where both are free."""
    rot, tilt, psi = (angle[:, None] for angle in euler_from_matrix(poses))
    its_rot, its_tilt, its_psi = euler_from_matrix(grid.directions())
    away = np.abs((its_rot - rot + 180) % 360 - 180) if widths.rot else np.abs(its_tilt - tilt)
    width = widths.rot or widths.tilt or np.inf
    least = away.min(axis=1, keepdims=True)
    weight = np.exp(-0.5 * (away**2 - least**2) / width**2)
    near = away <= np.maximum(CUT_OFF * width, least + _ALIKE)  # the grid may be coarser than the prior
    prior = weight / np.sum(weight, axis=1, where=near, keepdims=True)
    start = np.concatenate([[0], np.cumsum(near.sum(axis=1))])
    return Neighbourhood(start, np.nonzero(near)[1], prior[near], (psi - its_psi)[near])


def neighbourhood(grid: Sampling, poses: np.ndarray, *, sigma: float) -> Neighbourhood:
    """Return the directions of a grid near the known poses (N, 3, 3), or near their equivalents by symmetry.

    sigma  of the prior, in degrees
    Each particle has at least its nearest direction.
    """
    equivalent = grid.group.equivalent_poses(poses) @ grid.turn.T  # (N, m, 3, 3)
    n, m = equivalent.shape[:2]
    vectors = equivalent[:, :, 2].reshape(n * m, 3)
    tree = cKDTree(grid.vectors)
    near = tree.query_ball_point(vectors, 2 * np.sin(np.radians(min(CUT_OFF * sigma, 180.0)) / 2))
    counts = np.array([len(found) for found in near])
    row = np.repeat(np.arange(n * m), counts)
    column = np.concatenate([np.asarray(found, np.int64) for found in near]) if counts.any() else np.zeros(0, np.int64)
    lost = np.setdiff1d(np.arange(n), row // m)  # the grid is coarser than the prior
    if len(lost):
        distance, nearest = tree.query(vectors.reshape(n, m, 3)[lost])
        best = distance.argmin(axis=1)
        row = np.concatenate([row, lost * m + best])
        column = np.concatenate([column, nearest[np.arange(len(lost)), best]])
    return _ordered(grid, equivalent.reshape(n * m, 3, 3), row, column, sigma=sigma, m=m)


def _ordered(
    grid: Sampling, equivalent: np.ndarray, row: np.ndarray, column: np.ndarray, *, sigma: float, m: int
) -> Neighbourhood:
    """Return the pairs by particle and direction; of several equivalents near one direction the nearest counts."""
    cosine = np.clip(np.sum(equivalent[row, 2] * grid.vectors[column], axis=1), -1, 1)
    angle = np.degrees(np.arccos(cosine))
    order = np.lexsort((angle, column, row // m))
    particle, row, column, angle = (row // m)[order], row[order], column[order], angle[order]
    first = np.ones(len(order), bool)
    first[1:] = (particle[1:] != particle[:-1]) | (column[1:] != column[:-1])
    particle, row, column, angle = particle[first], row[first], column[first], angle[first]
    start = np.searchsorted(particle, np.arange(len(equivalent) // m + 1))
    least = np.minimum.reduceat(angle, start[:-1]) if len(start) > 1 else angle
    weight = np.exp(-0.5 * (angle**2 - least[particle] ** 2) / sigma**2)
    prior = weight / np.add.reduceat(weight, start[:-1])[particle] if len(start) > 1 else weight
    return Neighbourhood(start, column, prior, _in_plane(grid, equivalent[row], column))


def _in_plane(grid: Sampling, known: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the psi (M,) in degrees that brings each direction's orientation nearest to the known one (M, 3, 3)."""
    plain = matrix_from_euler(grid.rot[directions], grid.tilt[directions], 0.0)
    product = known[:, :2] @ plain[:, :2].transpose(0, 2, 1)  # trace(Rz(psi) plain knownᵀ) is largest at
    return np.degrees(np.arctan2(product[:, 0, 1] - product[:, 1, 0], product[:, 0, 0] + product[:, 1, 1]))


def _gaussian(distance: np.ndarray, sigma: float) -> np.ndarray:
    """Return Gaussian weights of distances (M, n): 0 beyond the cut-off, rows sum to 1, the nearest always counts."""
    nearest = distance.min(axis=1, keepdims=True)
    weight = np.exp(-0.5 * (distance**2 - nearest**2) / sigma**2)
    weight[(distance > CUT_OFF * sigma) & (distance > nearest)] = 0
    return weight / weight.sum(axis=1, keepdims=True)
