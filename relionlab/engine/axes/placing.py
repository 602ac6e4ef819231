"""Bring one map onto another: the rotation, the shift and the hand under which they are most alike.

As in the search for symmetry axes, spectra are flattened, so that a score is a mean Fourier shell correlation. All rotations
on a grid are compared at low resolution, each at its best shift; the best are refined and compared further out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from relionlab.engine.axes.correlation import SelfCorrelation
from relionlab.engine.axes.moving import moved
from relionlab.engine.maps.alterations import inverted_hand
from relionlab.engine.rotations import angle_between, matrix_from_euler
from relionlab.engine.sampling import sampling
from relionlab.engine.symmetry import turn

_COARSE_SHELLS, _FINE_SHELLS = 8, 20
_ORDER = 2  # of the rotations that are tried: 15°
_CANDIDATES = 8
_APART = 20.0  # degrees


@dataclass(frozen=True, eq=False)
class Placed:
    """How a map lies on another: map(R x + shift) is like target(x), after mirroring the map if ``mirrored``.

    rotation  (3, 3) R, acts on x, y, z
    shift     (3,) x, y, z in px
    mirrored  the map's other hand fits better: x became -x before anything else
    score     mean Fourier shell correlation there, -1 to 1
    other     the same of the other hand
    """

    rotation: np.ndarray
    shift: np.ndarray
    mirrored: bool
    score: float
    other: float

    def applied(self, map_: np.ndarray) -> np.ndarray:
        """Return a map (n, n, n) brought onto the target."""
        return moved(inverted_hand(map_) if self.mirrored else map_, self.rotation.T, self.shift)

    def poses(self, rotations: np.ndarray) -> np.ndarray:
        """Return poses (N, 3, 3) of images in the map's frame as poses in the target's."""
        if self.mirrored:
            rotations = np.diag([1.0, 1.0, -1.0]) @ rotations @ np.diag([-1.0, 1.0, 1.0])
        return np.asarray(rotations @ self.rotation)


def place_on(map_: np.ndarray, target: np.ndarray, *, shells: int = _FINE_SHELLS) -> Placed:
    """Return how a map (n, n, n) comes onto a target (n, n, n) of the same pixel size, in either hand.

    shells  up to which they are compared, in Fourier pixels
    """
    limit = min(shells, map_.shape[-1] // 2 - 2)
    hands = [_placed(one.astype(np.float32), target, limit) for one in (map_, inverted_hand(map_))]
    hand = int(np.argmax([score for *_, score in hands]))
    rotation, shift, score = hands[hand]
    return Placed(rotation, rotation @ shift, bool(hand), score, hands[1 - hand][2])


def _placed(map_: np.ndarray, target: np.ndarray, shells: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Return rotation, shift and score in the hand that the map has."""
    coarse = _between(map_, target, min(_COARSE_SHELLS, shells))
    grid = sampling(_ORDER, group="C1")
    rotations = matrix_from_euler(grid.rot[:, None], grid.tilt[:, None], np.arange(0.0, 360.0, grid.psi_step))
    rotations = rotations.reshape(-1, 3, 3)
    scores, shifts = coarse.best_shifts(rotations, farthest=map_.shape[-1] / 8)
    found = [_refined(coarse, rotations[k], shifts[k]) for k in _apart(rotations, scores)]
    rotation, shift, _ = max(found, key=lambda one: one[2])
    return _refined(_between(map_, target, shells), rotation, shift)


def _between(map_: np.ndarray, target: np.ndarray, shells: int) -> SelfCorrelation:
    """Return the map made ready to be compared with the target instead of with itself."""
    return replace(SelfCorrelation.of_map(map_, shells), values=SelfCorrelation.of_map(target, shells).values)


def _apart(rotations: np.ndarray, scores: np.ndarray) -> list[int]:
    chosen: list[int] = []
    for index in np.argsort(-scores):
        if not chosen or angle_between(rotations[chosen], rotations[index]).min() > _APART:
            chosen.append(int(index))
        if len(chosen) == _CANDIDATES:
            break
    return chosen


def _refined(between: SelfCorrelation, rotation: np.ndarray, shift: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    def at(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        size = float(np.linalg.norm(parameters[:3]))
        turned = turn(parameters[:3], size) @ rotation if size > 1e-9 else rotation
        return turned, shift + parameters[3:]

    def cost(parameters: np.ndarray) -> float:
        turned, by = at(parameters)
        values = between.turned(turned[None])[0] * np.exp(2j * np.pi / between.n * (between.points @ by))
        return -float((between.values.conj() * values).real.sum()) / between.shells

    start = np.zeros((7, 6))
    start[np.arange(1, 7), np.arange(6)] = [5.0] * 3 + [0.7] * 3
    options = {"initial_simplex": start, "xatol": 0.01, "fatol": 1e-6, "maxfev": 900}
    found = minimize(cost, np.zeros(6), method="Nelder-Mead", options=options)
    turned, by = at(found.x)
    return turned, by, -float(found.fun)  # of the turned map: map(R (x + by)) is like target(x)
