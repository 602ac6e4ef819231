"""Dose weighting: how much a frame still tells at each resolution.

Grant & Grigorieff, eLife 4 (2015) e06980: the amplitude that is left after a dose N is exp(-N / (2 Nc)), with the
critical dose Nc of :mod:`relionlab.engine.damage`. The weighted sum is divided by the square root of the sum of the
squared weights, so that the noise has the power of one frame's at every frequency.
"""

from __future__ import annotations

import numpy as np

from relionlab.engine.damage import critical_dose


def frame_doses(frames: int, *, dose_per_frame: float, pre_exposure: float = 0.0) -> np.ndarray:
    """Return the dose (frames,) in e/Å² that the specimen has had when each frame ends."""
    return pre_exposure + dose_per_frame * np.arange(1, frames + 1)


def weights(k: np.ndarray, doses: np.ndarray, voltage: float) -> np.ndarray:
    """Return what each frame's transform is multiplied with, (frames, …) for frequencies k (…) in 1/Å."""
    left = np.exp(-np.multiply.outer(doses, 1 / (2 * critical_dose(np.asarray(k, np.float64), voltage))))
    return left / np.sqrt((left**2).sum(axis=0))


def few_sums(table: np.ndarray, tolerance: float = 2e-4) -> tuple[np.ndarray, np.ndarray]:
    """Split a table (frames, frequencies) into (frames, n) and (n, frequencies) whose product it is, to ``tolerance``.

    The weights of neighbouring frames are so much alike that 4 to 6 sums of frames, each filtered once at the end,
    stand for a filter of every frame.
    """
    left, values, right = np.linalg.svd(table, full_matrices=False)
    for n in range(1, len(values) + 1):
        first, second = left[:, :n] * values[:n], right[:n]
        if np.abs(first @ second - table).max() <= tolerance * np.abs(table).max():
            break
    return first, second
