"""Search for the axes of a point group in a map.

Every operation of a group turns by an angle about an axis. So first, for each angle that occurs, the map is compared with
itself turned by it about each of 1,536 axes (a self-rotation function, whatever the shift). Then all frames on a grid of
orientations get the sum over the group's axes of what was found there; the best are refined, rotation and origin together,
with the group's own operations, and compared at higher resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from relionlab.engine.axes.correlation import FIRST_SHELL, SelfCorrelation
from relionlab.engine.fourier import irfft3_centred, radius_squared, resize_map, rfft3_centred
from relionlab.engine.masks import soft_sphere
from relionlab.engine.rotations import angle_between, matrix_from_euler
from relionlab.engine.sampling import sampling
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.engine.sampling.healpix import points as sphere
from relionlab.engine.symmetry import PointGroup, turn

_AXES_ORDER = 4  # 3.7° between axes
COARSE_SHELLS = 8
"""That the score is of."""
_FINE_SHELLS = 20
_CANDIDATES = 6
_MOST_OPERATIONS = 20  # that the refinement looks at
_ALIKE = 0.3  # correlation of a shell that still tells something
_PLAUSIBLE = 0.5
_STANDS_OUT = 5.0


@dataclass(frozen=True, eq=False)
class FoundAxes:
    """Where a group's axes lie in a map.

    rotation    (3, 3) R and
    centre      (3,) x, y, z from the origin in px: out(R (x - centre)) = map(x) is in the group's standard frame
    score       mean Fourier shell correlation of the map with itself under the group's operations, -1 to 1, up to shell 8
    background  what frames chosen at random reach in the coarse search (median), and
    spread      by how much they differ (standard deviation, from the quartiles)
    coarse      what the best frame reached there
    shells      (shells,) the correlation by shell, from the second one on
    """

    rotation: np.ndarray
    centre: np.ndarray
    score: float
    background: float
    spread: float
    coarse: float
    shells: np.ndarray

    @property
    def stands_out(self) -> float:
        """By how many spreads the best frame lies above those chosen at random."""
        return (self.coarse - self.background) / max(self.spread, 1e-9)

    @property
    def plausible(self) -> bool:
        """Whether the map has this symmetry, by all appearance."""
        return self.score > _PLAUSIBLE and self.stands_out > _STANDS_OUT


def find_axes(
    map_: np.ndarray,
    group: PointGroup,
    *,
    shells: int = _FINE_SHELLS,
    recentre: bool = True,
    only_about_z: bool = False,
) -> FoundAxes:
    """Return where the axes of a group lie in a map (n, n, n).

    shells        up to which the best frames are compared, in Fourier pixels of the map; the coarse search takes eight,
                  and where no more are asked for, its answer stands: half the time, for who needs the score alone
    recentre      look for the origin too; else it stays
    only_about_z  the z axis stays: only the turn about it is searched
    Only the group's proper rotations are used.
    """
    n = map_.shape[-1]
    small = resize_map(_prepared(map_), min(n, 64)) if n > 64 else _prepared(map_)
    unit = n / small.shape[-1]  # px of the map per px of the small one
    centre = _centre_of_mass(small) if recentre else np.zeros(3)
    small = _about(small, centre)
    limit = small.shape[-1] // 2 - 2
    coarse = SelfCorrelation.of_map(small, min(COARSE_SHELLS, shells, limit))
    farthest = small.shape[-1] / 8 if recentre else 0.0
    frames, scores = _coarse(coarse, group, farthest=farthest, only_about_z=only_about_z)
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for frame in frames[_apart(frames, scores, group)]:
        start = _origin(coarse, group, frame, farthest=farthest) if recentre else np.zeros(3)
        frame, start, score = _refined(coarse, group, frame, start, recentre=recentre, only_about_z=only_about_z)
        if best is None or score > best[0]:
            best = score, frame, start
    assert best is not None  # there is always a candidate
    _, frame, origin = best
    further = min(shells, limit) > int(coarse.shell.max())
    for _ in range(2 if further else 0):  # as far as the map is like itself, and what that finds, a little further
        by_shell = SelfCorrelation.of_map(small, min(shells, limit)).at(_in_map(group.rotations[1:], frame), origin)
        reach = FIRST_SHELL + int(np.argmax(np.append(by_shell.mean(axis=0), -1) < _ALIKE)) - 1
        fine = SelfCorrelation.of_map(small, max(reach, int(coarse.shell.max())))
        frame, origin, _ = _refined(fine, group, frame, origin, recentre=recentre, only_about_z=only_about_z)
    operations = _in_map(group.rotations[1:], frame)
    by_shell = SelfCorrelation.of_map(small, min(shells, limit)).at(operations, origin).mean(axis=0)
    low, middle, high = np.percentile(scores, [25, 50, 75])
    return FoundAxes(
        rotation=frame,
        centre=(centre + origin) * unit,
        score=float(by_shell[: coarse.shells].mean()),
        background=float(middle),
        spread=float((high - low) / 1.349),
        coarse=float(scores.max()),
        shells=by_shell,
    )


# --- the map ----------------------------------------------------------------------------------------------------


def _prepared(map_: np.ndarray) -> np.ndarray:
    """Return the map less its surroundings' level, without its corners."""
    n = map_.shape[-1]
    ball = soft_sphere(n, 0.5 * n - 4, 3)
    rim = (ball < 1) & (ball > 0)
    return ((map_ - map_[rim].mean()) * ball).astype(np.float32)


def _centre_of_mass(map_: np.ndarray) -> np.ndarray:
    """Return the centre (3,) x, y, z of what is dense at low resolution, from the origin in px."""
    n = map_.shape[-1]
    smooth = irfft3_centred(rfft3_centred(map_) * np.exp(-radius_squared(n, 3) / (2 * 4.0**2)).astype(np.float32), n)
    dense = np.clip(smooth - 0.3 * np.percentile(smooth, 99.9), 0, None)
    line = np.arange(n) - n // 2
    total = max(float(dense.sum()), 1e-20)
    return np.array([float((dense.sum(axis=axes) * line).sum()) / total for axes in ((0, 1), (0, 2), (1, 2))])


def _about(map_: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Return the map moved so that a point (3,) x, y, z comes to the origin."""
    n = map_.shape[-1]
    line = np.concatenate([np.arange((n + 1) // 2), np.arange(-(n // 2), 0)])
    phase = line[:, None, None] * centre[2] + line[:, None] * centre[1] + np.arange(n // 2 + 1) * centre[0]
    return irfft3_centred((rfft3_centred(map_) * np.exp(2j * np.pi / n * phase)).astype(np.complex64), n)


# --- coarse: axes, then frames ----------------------------------------------------------------------------------


def _in_map(operations: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Return operations of the standard frame as they act in the map: Rᵀ g R."""
    return np.asarray(frame.T @ operations @ frame)


def _coarse(
    correlation: SelfCorrelation, group: PointGroup, *, farthest: float, only_about_z: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (N, 3, 3) and their scores (N,)."""
    axes, angles = _axes_of(group)
    directions = unit_vectors(*sphere(_AXES_ORDER))
    directions = directions[(directions[:, 2] > 0) | ((directions[:, 2] == 0) & (directions[:, 1] >= 0))]
    tree = cKDTree(np.concatenate([directions, -directions]))
    frames = _frames(group, only_about_z=only_about_z)
    scores = np.zeros(len(frames))
    for angle in np.unique(angles):
        turns = np.stack([turn(direction, angle) for direction in directions])
        alike, _ = correlation.best_shifts(turns, farthest=farthest)
        for axis in axes[angles == angle]:
            _, nearest = tree.query(frames.transpose(0, 2, 1) @ axis)
            scores += alike[nearest % len(directions)]
    return frames, scores / len(axes)


def _axes_of(group: PointGroup) -> tuple[np.ndarray, np.ndarray]:
    """Return axis (m, 3) and angle (m,) in degrees, 0 to 180, of the rotations, each and its inverse once."""
    axes: list[np.ndarray] = []
    angles: list[float] = []
    for operation in group.rotations[1:]:
        angle = float(np.round(angle_between(np.eye(3), operation), 6))
        axis = np.array(
            [operation[2, 1] - operation[1, 2], operation[0, 2] - operation[2, 0], operation[1, 0] - operation[0, 1]]
        )
        if np.linalg.norm(axis) < 1e-6:
            axis = np.linalg.eigh(operation)[1][:, -1]
        axis /= np.linalg.norm(axis)
        known = any(abs(abs(axis @ a) - 1) < 1e-6 and b == angle for a, b in zip(axes, angles, strict=True))
        if not known:
            axes.append(axis)
            angles.append(angle)
    return np.array(axes), np.array(angles)


def _frames(group: PointGroup, *, only_about_z: bool) -> np.ndarray:
    """Return the frames (N, 3, 3) to look at; a turn after R by an operation of the group changes nothing."""
    if only_about_z:
        return matrix_from_euler(np.arange(0.0, 360.0, 2.0), 0.0, 0.0)
    grid = sampling(_AXES_ORDER, group="C1")
    psi: np.ndarray = np.zeros(1)
    if not _is_cyclic(group):
        # R and g R are one frame: for an n-fold axis along z, psi needs to go round 1/n only
        fold = sum(1 for g in group.rotations if g[2, 2] > 1 - 1e-9)
        psi = np.arange(0.0, 360.0 / fold, grid.psi_step)
    upper = (
        grid.tilt <= 90 if (group.order > 1 and _turns_z_over(group)) or _is_cyclic(group) else np.ones(len(grid), bool)
    )
    frames = matrix_from_euler(grid.rot[upper, None], grid.tilt[upper, None], psi)
    return frames.reshape(-1, 3, 3)


def _is_cyclic(group: PointGroup) -> bool:
    return all(g[2, 2] > 1 - 1e-9 for g in group.rotations)


def _turns_z_over(group: PointGroup) -> bool:
    return any(g[2, 2] < -1 + 1e-9 for g in group.rotations)


def _apart(frames: np.ndarray, scores: np.ndarray, group: PointGroup) -> list[int]:
    """Return the indices of the best frames that are 10° and more from each other, whatever the group does to them."""
    chosen: list[int] = []
    for index in np.argsort(-scores)[:2000]:
        others = group.rotations[:, None] @ frames[chosen] if chosen else np.zeros((0, 0, 3, 3))
        if not chosen or angle_between(others.reshape(-1, 3, 3), frames[index]).min() > 10:
            chosen.append(int(index))
        if len(chosen) == _CANDIDATES:
            break
    return chosen


# --- fine -------------------------------------------------------------------------------------------------------


def _some(group: PointGroup) -> np.ndarray:
    """Return enough operations to fix the frame: all of a small group, evenly chosen ones of a large."""
    operations = group.rotations[1:]
    return operations[:: max(1, -(-len(operations) // _MOST_OPERATIONS))]


def _origin(correlation: SelfCorrelation, group: PointGroup, frame: np.ndarray, *, farthest: float) -> np.ndarray:
    """Return the point (3,) x, y, z in px about which the operations turn, from the shift that each needs: s = t - R t."""
    operations = _in_map(_some(group), frame)
    _, shifts = correlation.best_shifts(operations, farthest=farthest)
    matrix = (np.eye(3) - operations).reshape(-1, 3)
    return np.asarray(np.linalg.lstsq(matrix, shifts.ravel(), rcond=1e-6)[0])


def _refined(
    correlation: SelfCorrelation,
    group: PointGroup,
    frame: np.ndarray,
    origin: np.ndarray,
    *,
    recentre: bool,
    only_about_z: bool,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return frame, origin and score after a local search over small turns of the frame and shifts of the origin."""
    operations = _some(group)
    turns = 1 if only_about_z else 3

    def moved(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        vector = np.zeros(3)
        vector[3 - turns :] = parameters[:turns]
        size = float(np.linalg.norm(vector))
        turned = turn(vector, size) @ frame if size > 1e-9 else frame
        return turned, origin + parameters[turns:] if recentre else origin

    def cost(parameters: np.ndarray) -> float:
        turned, point = moved(parameters)
        return -float(correlation.at(_in_map(operations, turned), point).mean())

    count = turns + (3 if recentre else 0)
    start = np.zeros((count + 1, count))
    start[np.arange(1, count + 1), np.arange(count)] = [3.0] * turns + [0.7] * (count - turns)
    options = {"initial_simplex": start, "xatol": 0.02, "fatol": 1e-5, "maxfev": 120 * count}
    found = minimize(cost, np.zeros(count), method="Nelder-Mead", options=options)
    turned, point = moved(found.x)
    return turned, point, -float(found.fun)
