"""Dose weighting: how much a frame still tells at each resolution.

Grant & Grigorieff, eLife 4 (2015) e06980: the amplitude that is left after a dose N is exp(-N / (2 Nc)), with the
critical dose Nc(k) = 0.24499 k^-1.6649 + 2.8141 e/Å² at 300 kV (k in 1/Å), 0.8 times that at 200 kV. The weighted sum is
divided by the square root of the sum of the squared weights, so that the noise has the power of one frame's at every
frequency.
"""

from __future__ import annotations

import numpy as np

A, B, C = 0.24499, -1.6649, 2.8141


def critical_dose(k: np.ndarray, voltage: float) -> np.ndarray:
    """Return the dose in e/Å² after which exp(-1/2) of the amplitude is left.

    k        spatial frequency in 1/Å; at 0 nothing is ever lost (infinite)
    voltage  kV; 0.8 times as much is tolerated for every 100 kV below 300, which is the paper's figure for 200 kV and
             agrees with the ratio 1.57 of 300 to 100 kV of Peet et al., Ultramicroscopy 203 (2019) 125
    """
    k = np.asarray(k, np.float64)
    with np.errstate(divide="ignore"):
        tolerated = A * k**B + C
    return 0.8 ** ((300 - voltage) / 100) * tolerated


def frame_doses(frames: int, *, dose_per_frame: float, pre_exposure: float = 0.0) -> np.ndarray:
    """Return the dose (frames,) in e/Å² that the specimen has had when each frame ends."""
    return pre_exposure + dose_per_frame * np.arange(1, frames + 1)


def weights(k: np.ndarray, doses: np.ndarray, voltage: float) -> np.ndarray:
    """Return what each frame's transform is multiplied with, (frames, …) for frequencies k (…) in 1/Å."""
    left = np.exp(-np.multiply.outer(doses, 1 / (2 * critical_dose(k, voltage))))
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
