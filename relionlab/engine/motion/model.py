"""RELION's model of local motion: a polynomial in the field times a polynomial in time."""

from __future__ import annotations

import numpy as np

FUNCTIONS, POWERS = 6, 3
"""Number of functions of the field (1, u, u², v, v², uv) and of powers of time (1, 2, 3)."""


def field_basis(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Return the six functions at positions of the field, (6, …)."""
    u, v = np.asarray(u, np.float64), np.asarray(v, np.float64)
    return np.stack([np.ones_like(u), u, u * u, v, v * v, u * v])


def time_basis(time: np.ndarray) -> np.ndarray:
    """Return time, its square and its cube, (…, 3); time in frames after the first."""
    time = np.asarray(time, np.float64)
    return np.stack([time, time**2, time**3], axis=-1)


def field_at(model: np.ndarray, time: float) -> np.ndarray:
    """Return the local shift at one time as coefficients of the six functions, (2, 6), in px.

    model  (2, 6, 3) px: axis (x, y), function, power
    """
    return model @ time_basis(np.asarray(time))


def shifts_at(shifts: np.ndarray, model: np.ndarray | None, positions: np.ndarray) -> np.ndarray:
    """Return the whole shift of every frame at positions of the field, (frames, positions, 2), in px.

    shifts     (frames, 2) global
    model      (2, 6, 3), or None where there is none
    positions  (positions, 2) u and v
    """
    total = np.repeat(shifts[:, None], len(positions), axis=1)
    if model is None:
        return total
    basis = field_basis(positions[:, 0], positions[:, 1])
    return total + np.einsum("cbp,fp,bn->fnc", model, time_basis(np.arange(len(shifts))), basis)


def with_mean_in_global(shifts: np.ndarray, model: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same motion with a local part that is zero on average over the field.

    The means of u² and v² over the field are 1/12, of the others (but the constant) zero.
    """
    means = np.array([1, 0, 1 / 12, 0, 1 / 12, 0])
    mean = np.einsum("b,cbp->cp", means, model)
    moved = model.copy()
    moved[:, 0] -= mean
    return shifts + time_basis(np.arange(len(shifts))) @ mean.T, moved


def path_lengths(shifts: np.ndarray, early_frames: float) -> tuple[float, float, float]:
    """Return how far the specimen went along its path: in all, early, and late; in px.

    shifts        (frames, 2) global
    early_frames  how many frames of dose are early. As in RELION, a step is early if the frame that it leads to is over by
                  then; but where not even the first step is, its share: RELION would say 0 however far it goes
    """
    steps = np.hypot(*np.diff(shifts, axis=0).T)
    whole = int(np.floor(early_frames + 1e-6)) - 1
    early = float(steps[:whole].sum()) if whole > 0 else float(max(early_frames, 0) / 2 * steps[:1].sum())
    return float(steps.sum()), early, float(steps.sum()) - early
