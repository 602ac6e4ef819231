"""The local motion model: what all patches say together.

Every patch has, for every frame, a slope and a curvature of its agreement with the sum of its other frames; slope over
curvature is where it would move to, and the curvature, in units of the likelihood, is how sure it is of that. The
model's coefficients and the frames' global shifts follow from all of them by weighted least squares, the sums are made
anew with the shifts that the model says, and so on: Newton's method on the likelihood of the whole movie. A patch of
empty ice has little say; one frame of one patch that contradicts the others by more than its error allows is held down
(Huber's weights), and a patch that keeps contradicting is left out. As every patch has an unknown place of its own
besides its motion, that is fitted and forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relionlab.engine.kernels.correlating import agreement
from relionlab.engine.motion.model import time_basis, with_mean_in_global
from relionlab.engine.motion.patches import Grid
from relionlab.engine.motion.spectra import Spectra, Worth
from relionlab.engine.motion.whole import newton_step

BEND = 2.5
"""Standard deviations from which on a contradiction counts with its first power instead of its square."""
OUTLYING = 4.0
"""A patch whose typical contradiction is this many times the usual one is left out."""
COARSE = (200.0, 60.0)
"""B-factors in px² with which the first steps are damped: patches may be some px off at first."""
STEPS = 10
CONVERGED = 0.02


@dataclass(frozen=True)
class LocalAlignment:
    """The motion model and what it rests on.

    shifts    (frames, 2) global, px: the field's mean motion, the first frame's zero
    model     (2, 6, 3) px, see :mod:`relionlab.engine.motion.model`
    measured  (patches, frames, 2) px: what each patch says beside the global shifts
    error     (patches, frames, 2) px: its standard error, by the patch's signal
    used      (patches,) whether a patch counts
    misfit    px: root mean square of measured - model over the patches used, for x and y
    changes   px by which each step changed the shifts
    """

    shifts: np.ndarray
    model: np.ndarray
    measured: np.ndarray
    error: np.ndarray
    used: np.ndarray
    misfit: tuple[float, float]
    changes: tuple[float, ...]


def align_patches(
    patches: Sequence[Spectra], grid: Grid, worth: Worth, *, shifts: np.ndarray, offsets: np.ndarray, times: np.ndarray
) -> LocalAlignment:
    """Find the local motion, and better global shifts with it.

    worth    powers by frequency of whole frames
    shifts   (frames, 2) px: global shifts so far
    offsets  (frames, 2) px: the whole shifts with which the patches were cut out
    times    (frames,) frames after the first at which the patches' frames lie
    """
    fit = _Fit(grid, times)
    model, basis = np.zeros((2, 6, 3)), grid.basis
    used, changes = np.ones(len(patches), bool), []
    local = np.zeros((len(patches), len(shifts), 2))
    for step in range(STEPS):
        damping = COARSE[step] if step < len(COARSE) else 0.0
        slopes, curvatures = _agreements(patches, worth, shifts + local - offsets, damping)
        further = newton_step(np.dstack([slopes[..., :1], slopes, curvatures]).reshape(-1, 5), 3.0).reshape(
            slopes.shape
        )
        if step > len(COARSE):
            used = _agreeing(fit, further, curvatures, used)
        global_step, model_step = fit.solve(further, curvatures * used[:, None, None])
        shifts, model = shifts + global_step, model + model_step
        before, local = local, _local(model, basis, times)
        changes.append(float(np.sqrt(((local - before + global_step) ** 2).sum(axis=2).mean())))
        if damping == 0 and changes[-1] < CONVERGED and step > len(COARSE) + 1:
            break
    residual = fit.without_places(further, curvatures)
    chosen = residual[used]
    misfit = np.sqrt((chosen**2).mean(axis=(0, 1))) if used.any() else np.zeros(2)
    shifts, model = with_mean_in_global(shifts, model) if len(times) == len(shifts) else (shifts, model)
    return LocalAlignment(
        shifts - shifts[0],
        model,
        _local(model, basis, times) + residual,
        1 / np.sqrt(np.maximum(curvatures, 1e-12)),
        used,
        (float(misfit[0]), float(misfit[1])),
        tuple(changes),
    )


class _Fit:
    """Weighted least squares for global shifts, model and the patches' own places, along x and along y."""

    def __init__(self, grid: Grid, times: np.ndarray) -> None:
        frames, patches = len(times), len(grid.corners)
        basis, powers = grid.basis[1:], time_basis(times)  # the constant function says what the global shifts say
        self.terms = _affordable(grid, frames)
        columns = [np.repeat(np.eye(frames)[None, :, 1:], patches, 0)]
        columns += [np.einsum("bn,fp->nfbp", basis, powers)[..., self.terms]]
        columns += [np.repeat(np.eye(patches)[:, None], frames, 1)]
        self.scale = np.maximum(np.abs(columns[1]).max(axis=(0, 1)), 1e-12)
        columns[1] = columns[1] / self.scale
        self.matrix = np.concatenate(columns, axis=2).reshape(patches * frames, -1)
        self.shape = (patches, frames)

    def solve(self, further: np.ndarray, information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return steps of the global shifts (frames, 2) and of the model (2, 6, 3)."""
        frames = self.shape[1]
        shifts, model = np.zeros((frames, 2)), np.zeros((2, 5, 3))
        for axis in range(2):
            solution = self._robust(further[..., axis].ravel(), information[..., axis].ravel())
            shifts[1:, axis] = solution[: frames - 1]
            model[axis][self.terms] = solution[frames - 1 : frames - 1 + self.terms.sum()] / self.scale
        return shifts, np.concatenate([np.zeros((2, 1, 3)), model], axis=1)

    def _robust(self, further: np.ndarray, information: np.ndarray) -> np.ndarray:
        information = np.maximum(information, 0)
        root = np.sqrt(information)
        held = np.ones_like(root)
        for _ in range(4):
            weight = root * np.sqrt(held)
            normal = (self.matrix * weight[:, None]).T @ (self.matrix * weight[:, None])
            normal[np.diag_indices_from(normal)] += 1e-6 * np.trace(normal) / len(normal) + 1e-12
            solution = np.linalg.solve(normal, self.matrix.T @ (weight**2 * further))
            contradiction = np.abs(further - self.matrix @ solution) * root
            usual = max(1.4826 * float(np.median(contradiction[root > 0])), 1e-6) if (root > 0).any() else 1.0
            held = np.minimum(1.0, BEND * usual / np.maximum(contradiction, 1e-12))
        return solution

    def without_places(self, values: np.ndarray, information: np.ndarray) -> np.ndarray:
        """Return values (patches, frames, 2) without each patch's weighted mean."""
        weight = np.maximum(information, 1e-12)
        return values - (weight * values).sum(axis=1, keepdims=True) / weight.sum(axis=1, keepdims=True)


def _affordable(grid: Grid, frames: int) -> np.ndarray:
    """Return which coefficients (u, u², v, v², uv × powers) so many patches and frames can tell: (5, 3) truth values."""
    across, down = (len(np.unique(grid.corners[:, axis])) for axis in range(2))
    functions = np.array([across > 1, across > 2, down > 1, down > 2, across > 1 and down > 1])
    return functions[:, None] & (np.arange(1, 4) < frames)


def _agreements(
    patches: Sequence[Spectra], worth: Worth, shifts: np.ndarray, damping: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return slopes and curvatures, (patches, frames, 2) each; a patch's curvature is the mean over its frames."""
    weight = worth.weights(patches[0], b_factor=damping)
    slopes, curvatures = [], []
    for patch, own in zip(patches, shifts, strict=True):
        own = np.ascontiguousarray(own)
        found = agreement(patch.values, own, patch.ky, patch.kx, patch.total(own), weight)
        slopes.append(found[:, 1:3])
        usual = np.maximum(found[:, 3:].mean(axis=0), 1e-9)
        curvatures.append(np.repeat(usual[None], len(own), 0))
    return np.array(slopes), np.array(curvatures)


def _agreeing(fit: _Fit, further: np.ndarray, information: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Say which patches agree with the model about as well as patches usually do."""
    contradiction = np.sqrt((fit.without_places(further, information) ** 2 * information).mean(axis=(1, 2)))
    usual = float(np.median(contradiction[used])) if used.any() else 1.0
    agreeing = contradiction <= OUTLYING * max(usual, 1e-6)
    return agreeing if agreeing.sum() >= max(4, len(used) // 2) else used


def _local(model: np.ndarray, basis: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return the model's shifts of the patches: (patches, frames, 2) px."""
    return np.einsum("cbp,fp,bn->nfc", model, time_basis(times), basis)
