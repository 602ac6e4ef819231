"""When an auto-refinement samples finer, and when it ends (Scheres 2012, J Struct Biol 180:519, section 2.5).

As long as resolution or poses still improve, the sampling stays. When neither has for an iteration, angles are sampled
twice as finely; from some order on only around the last poses. When the steps are finer than what the particles can tell
(their estimated accuracy), the half-sets have converged, and one last iteration joins them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN

_PATIENCE = 1  # iterations without improvement
_SMALLER = 1.03  # changes count as smaller if they are so by this factor
_FLOOR = 0.9  # of the fine step: with randomly perturbed grids, poses move so much on average when nothing changes
_FINE_ENOUGH = 0.75  # of the accuracy
_LARGEST_STEP = 1.5  # px
_RANGE_OF_CHANGE = 5.0  # offsets are searched this many times as far as they moved
HIGHEST_ORDER = 7


@dataclass(frozen=True)
class Stage:
    """How finely an iteration samples.

    order                      HEALPix order of the coarse pass
    offset_range, offset_step  px of the coarse pass
    """

    order: int
    offset_range: float
    offset_step: float


@dataclass(frozen=True)
class Standing:
    """What an auto-refinement remembers.

    without_gain, without_change  iterations without better resolution; without smaller changes of poses
    best_shell                    the best resolution so far, as a shell
    smallest_angles, smallest_offsets  degrees and Å: smallest mean changes so far
    converged                     the next iteration is the last
    """

    without_gain: int = 0
    without_change: int = 0
    best_shell: int = 0
    smallest_angles: float = UNKNOWN
    smallest_offsets: float = UNKNOWN
    converged: bool = False


def judged(standing: Standing, *, shell: int, changed: tuple[float, float, float], step: float) -> Standing:
    """Return the standing after an iteration that reached a shell and changed poses so much (degrees, Å, classes).

    step  degrees between directions of the fine pass: changes below it say nothing
    """
    gain = shell > standing.best_shell
    angles, offsets, _ = changed
    calmer = _SMALLER * angles < standing.smallest_angles or _SMALLER * offsets < standing.smallest_offsets
    calmer = calmer and angles > _FLOOR * step
    return replace(
        standing,
        without_gain=0 if gain else standing.without_gain + 1,
        without_change=0 if calmer else standing.without_change + 1,
        best_shell=max(shell, standing.best_shell),
        smallest_angles=min(angles, standing.smallest_angles),
        smallest_offsets=min(offsets, standing.smallest_offsets),
    )


def next_stage(
    standing: Standing,
    stage: Stage,
    *,
    step: float,
    accuracy: tuple[float, float],
    moved: float,
    oversampling: int,
    despite_changes: bool = False,
    needed: float = np.inf,
) -> tuple[Standing, Stage]:
    """Return the standing and the sampling of the next iteration.

    step      degrees between directions of the finer pass
    accuracy  expected accuracy of angles (degrees) and of offsets (px)
    moved     px: how far origins moved in this iteration
    despite_changes  let poses still improve: the resolution alone decides
    needed    degrees: coarser steps become finer at once, see :func:`step_needed`
    """
    settled = standing.without_gain >= _PATIENCE and (despite_changes or standing.without_change >= _PATIENCE)
    enough = step < _FINE_ENOUGH * accuracy[0] or stage.order >= HIGHEST_ORDER
    if not settled and (enough or step <= needed):
        return standing, stage
    if enough:
        return replace(standing, converged=True), stage
    fine = min(_LARGEST_STEP, _FINE_ENOUGH * accuracy[1])
    offset_step = min(fine * 2**oversampling, stage.offset_step)
    reach = np.clip(_RANGE_OF_CHANGE * moved, 1.5 * offset_step, max(stage.offset_range, 1.5 * offset_step))
    afresh = replace(standing, without_gain=0, without_change=0, smallest_angles=UNKNOWN, smallest_offsets=UNKNOWN)
    return afresh, Stage(stage.order + 1, float(reach), float(offset_step))


def step_needed(resolution: float, *, diameter: float) -> float:
    """Return the step (degrees) by which the rim of a particle moves as far as its map resolves; both in Å."""
    return float(np.degrees(2 * resolution / diameter))
