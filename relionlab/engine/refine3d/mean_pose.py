"""The pose of a particle between grid points: the mean of its posterior around the best one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST = 0.02  # of the best pose's weight: lighter ones do not move the mean
_WITHIN = 3.0  # fine steps around the best pose that count as the same mode


@dataclass(frozen=True)
class Near:
    """The heavier poses of a posterior.

    weight  (m,); view (m,); turn (m,) in-plane angle in fine steps; offset (m, 2) px
    """

    weight: np.ndarray
    view: np.ndarray
    turn: np.ndarray
    offset: np.ndarray


def heavier(table: np.ndarray, best_weight: float) -> np.ndarray:
    """Return the flat places of a table's weights that count beside the best."""
    return np.flatnonzero(table.ravel() >= np.float32(_LEAST * best_weight))


def mean_pose(best: np.ndarray, rotations: np.ndarray, near: Near, *, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean orientation (3, 3) and the mean offset (2,) of the poses around the best one.

    best       (3, 3) orientation of the best pose
    rotations  (m, 3, 3) those of ``near``
    step       degrees between directions of the grid

    Orientations are averaged as rotation vectors from the best: exact to third order in their angle.
    """
    turned = rotations @ best.T
    sine = 0.5 * np.stack(
        [turned[:, 1, 2] - turned[:, 2, 1], turned[:, 2, 0] - turned[:, 0, 2], turned[:, 0, 1] - turned[:, 1, 0]],
        axis=1,
    )
    cosine = 0.5 * (np.trace(turned, axis1=1, axis2=2) - 1)
    same = cosine >= np.cos(np.radians(min(_WITHIN * step, 90.0)))
    weight = near.weight[same] / near.weight[same].sum()
    return rotation_of(weight @ sine[same]) @ best, weight @ near.offset[same]


def rotation_of(vector: np.ndarray) -> np.ndarray:
    """Return the rotation (3, 3) about a vector by its length in radians, in the sense of Rz in engine/rotations.py."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-9:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
