"""The pose of a particle between grid points: the mean of its posterior around the best one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.rotations import matrix_from_euler

_LEAST = 0.02  # of the best pose's weight: lighter ones do not move the mean
_WITHIN = 3.0  # fine steps around the best pose that count as the same mode


@dataclass(frozen=True)
class Compared:
    """The views that a particle was compared with.

    rotations  (V, 3, 3) and classes (V,) of all views
    views      (E,) numbers of those that it was compared with
    step       degrees between directions
    """

    rotations: np.ndarray
    classes: np.ndarray
    views: np.ndarray
    step: float

    @property
    def _least_cosine(self) -> float:
        return float(np.cos(np.radians(min(_WITHIN * self.step, 90.0))))

    def beside(self, best: int) -> np.ndarray:
        """Return which of (E,) may lie in one mode of the posterior with one of them: class and direction say so."""
        views, one = self.views, self.views[best]
        near = self.rotations[views, 2] @ self.rotations[one, 2] >= self._least_cosine - 1e-9
        return np.flatnonzero(near & (self.classes[views] == self.classes[one]))

    def mean(
        self,
        weights: np.ndarray,
        *,
        best: tuple[int, float],
        around: np.ndarray,
        angles: np.ndarray,
        offsets: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean orientation (3, 3) and the mean offset (2,) of the poses around the best one.

        weights  (e, angle, slot) of the posterior
        best     view, of (E,), and in-plane angle in degrees of the best pose
        around   (e,) views of the weights, of (E,)
        angles   (e, angle) in-plane angles in degrees
        offsets  (slot, 2)

        Orientations are averaged as rotation vectors from the best: exact to third order in their angle.
        """
        first = matrix_from_euler(0.0, 0.0, best[1]) @ self.rotations[self.views[best[0]]]
        # a pose's rotation from the best is Rz(angle) N: its trace and its antisymmetric part follow from N's elements
        n = (self.rotations[self.views[around]] @ first.T)[..., None]
        (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = ([n[:, i, j] for j in range(3)] for i in range(3))
        c, s = np.cos(np.radians(angles)), np.sin(np.radians(angles))
        cosine = 0.5 * (c * (xx + yy) + s * (yx - xy) + zz - 1)
        sine = 0.5 * np.stack([c * yz - s * xz - zy, zx - c * xz - s * yz, c * (xy - yx) + s * (xx + yy)])
        same = cosine >= self._least_cosine
        heavy = np.where(weights[same] >= _LEAST * weights.max(), weights[same], 0.0).astype(float)
        total = heavy.sum()
        return rotation_of(sine[:, same] @ heavy.sum(axis=1) / total) @ first, heavy.sum(axis=0) @ offsets / total


def rotation_of(vector: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) about a vector by its length in radians, in the sense of Rz in engine/rotations.py."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-9:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
