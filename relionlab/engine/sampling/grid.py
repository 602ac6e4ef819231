"""Directions × in-plane angles: the grid of orientations, restricted to one asymmetric unit.

Directions are RELION's: HEALPix points in nested order inside the group's unit; where these are no more than 4000, less
those that come nearer to an equivalent of an earlier one than half of the longest way from a point to a corner of its
pixel. (Measured with RELION 3.1.3, in 200 pairs of group and order: fewer than 3.8 thousand points are thinned, 4022 are not.
Which of two equivalent points on the unit's border stays is a matter of its rounding; of O, order 7, so is their
number.) In-plane angles psi begin at 0. A perturbation p (in steps) turns all
orientations A to A · R(p s, p s, p s), s the step in degrees. Oversampling by o halves all steps o times: a direction
becomes its 4^o nested points, a psi its 2^o parts around it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy.spatial import cKDTree

from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.sampling import healpix
from relionlab.engine.symmetry import PointGroup, point_group
from relionlab.errors import ParameterError

_THINNED = 4000
"""Most directions of a unit whose doubles are left out."""


@dataclass(frozen=True, eq=False)
class Sampling:
    """A grid of orientations.

    order         of the HEALPix grid
    group         point group of the reference
    numbers       (D,) nested numbers of the directions
    n_psi         in-plane angles, from 0, over the full circle
    perturbation  in steps, -0.5 to 0.5
    """

    order: int
    group: PointGroup
    numbers: np.ndarray
    n_psi: int
    perturbation: float = 0.0

    def __len__(self) -> int:
        """Return the number of directions."""
        return len(self.numbers)

    @property
    def step(self) -> float:
        """Nominal distance of directions in degrees."""
        return healpix.spacing(self.order)

    @property
    def psi_step(self) -> float:
        """Distance of in-plane angles in degrees."""
        return 360.0 / self.n_psi

    @property
    def psi(self) -> np.ndarray:
        """(n_psi,) in-plane angles in degrees."""
        return np.arange(self.n_psi) * self.psi_step

    @cached_property
    def rot(self) -> np.ndarray:
        """(D,) degrees, unperturbed."""
        return healpix.points(self.order)[0][self.numbers]

    @cached_property
    def tilt(self) -> np.ndarray:
        """(D,) degrees, unperturbed."""
        return healpix.points(self.order)[1][self.numbers]

    @cached_property
    def vectors(self) -> np.ndarray:
        """(D, 3) directions as unit vectors, unperturbed."""
        return unit_vectors(self.rot, self.tilt)

    @cached_property
    def turn(self) -> np.ndarray:
        """(3, 3) by which the perturbation turns all orientations: A · turn."""
        angle = self.perturbation * self.step
        return matrix_from_euler(angle, angle, angle)

    def perturbed(self, perturbation: float) -> Sampling:
        """Return the same grid with another perturbation."""
        return replace(self, perturbation=perturbation)

    def directions(self) -> np.ndarray:
        """Return the orientations (D, 3, 3) of all directions at psi = 0, perturbed."""
        return matrix_from_euler(self.rot, self.tilt, 0.0) @ self.turn

    def orientations(self, directions: np.ndarray, psis: np.ndarray) -> np.ndarray:
        """Return the orientations (…, 3, 3) of grid points, given by indices of direction and psi that broadcast."""
        return matrix_from_euler(self.rot[directions], self.tilt[directions], self.psi[psis]) @ self.turn

    def oversampled(self, directions: np.ndarray, psis: np.ndarray, oversampling: int) -> np.ndarray:
        """Return the finer orientations (n, 4^o, 2^o, 3, 3) that stand for grid points (n,)."""
        rot, tilt = self.finer_directions(directions, oversampling)
        psi = self.finer_psis(psis, oversampling)
        return matrix_from_euler(rot[:, :, None], tilt[:, :, None], psi[:, None, :]) @ self.turn

    def finer_directions(self, directions: np.ndarray, oversampling: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rot and tilt (n, 4^o) in degrees of the finer points of directions, unperturbed."""
        parts = 4**oversampling
        rot, tilt = healpix.points(self.order + oversampling)
        numbers = self.numbers[directions][:, None] * parts + np.arange(parts)
        return rot[numbers], tilt[numbers]

    def finer_psis(self, psis: np.ndarray, oversampling: int) -> np.ndarray:
        """Return the finer in-plane angles (n, 2^o) in degrees, evenly around each psi."""
        parts = 2**oversampling
        return self.psi[psis][:, None] + ((np.arange(parts) + 0.5) / parts - 0.5) * self.psi_step


def sampling(
    order: int, *, group: str = "C1", psi_step: float | None = None, tilt_limit: float | None = None
) -> Sampling:
    """Return the grid of a HEALPix order.

    group       name of the point group
    psi_step    largest distance of in-plane angles in degrees; None: that of the directions
    tilt_limit  degrees; positive: only side views, whose direction is at least so far from the z axis; negative: only
                top views, at most so far from it

    Raises ParameterError for an unknown group or order, or if no direction is left.
    """
    symmetry = point_group(group)
    numbers = _in_unit(order, symmetry.name)
    if tilt_limit is not None:
        tilt = healpix.points(order)[1][numbers]
        from_axis = np.minimum(tilt, 180 - tilt)
        numbers = numbers[from_axis >= tilt_limit if tilt_limit > 0 else from_axis <= -tilt_limit]
    if not len(numbers):
        raise ParameterError(
            f"HEALPix order {order} ({healpix.spacing(order):g}°) has no direction in the asymmetric unit of {group}"
            f"{'' if tilt_limit is None else f' within the tilt limit of {tilt_limit:g}°'}: take a finer order."
        )
    n_psi = int(np.ceil(360.0 / (psi_step or healpix.spacing(order)) - 1e-9))
    return Sampling(order, symmetry, numbers, n_psi)


def unit_vectors(rot: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """Return the directions (…, 3) of angles in degrees: the map's axis along which it is projected."""
    a, b = np.radians(rot), np.radians(tilt)
    return np.stack([np.sin(b) * np.cos(a), np.sin(b) * np.sin(a), np.cos(b)], axis=-1)


@lru_cache(maxsize=16)
def _in_unit(order: int, name: str) -> np.ndarray:
    """Return the nested numbers of an order's directions in a group's asymmetric unit."""
    group = point_group(name)
    vectors = unit_vectors(*healpix.points(order))
    inside = np.flatnonzero(group.contains(vectors))
    inside.setflags(write=False)
    if group.order == 1 or len(inside) > _THINNED:
        return inside
    nearest = 0.5 * healpix.reach(order)  # radians
    distances = (vectors[inside] @ group.sides.T).min(axis=1)
    rim = inside[distances < np.sin(min(nearest, np.pi / 2)) + 1e-6]  # only these come near to others' equivalents
    tree = cKDTree(vectors[rim])
    earlier: list[set[int]] = [set() for _ in rim]
    for operation in group.operations[1:]:
        for k, near in enumerate(tree.query_ball_point(vectors[rim] @ operation.T, 2 * np.sin(nearest / 2))):
            earlier[k].update(j for j in near if j < k)
    kept = np.ones(len(rim), bool)
    for k, others in enumerate(earlier):
        kept[k] = not any(kept[j] for j in others)
    numbers = np.setdiff1d(inside, rim[~kept])
    numbers.setflags(write=False)
    return numbers
