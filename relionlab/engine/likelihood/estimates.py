"""What an E-step's sums say of the noise, the groups' scales and the offsets, for 2D and 3D models alike."""

from __future__ import annotations

from typing import Protocol

import numpy as np

TRUSTED_RATIO = 3.0
"""Signal-to-noise ratio above which a shell counts for the intensity scale of a group."""


class GroupSums(Protocol):
    """The part of the sums that concerns groups of particles."""

    residual: np.ndarray
    members: np.ndarray
    cross: np.ndarray
    auto: np.ndarray
    share: np.ndarray
    offset2: float


def noise_variance(sigma2: np.ndarray, sums: GroupSums) -> np.ndarray:
    """Return the noise spectra (Scheres 2012, equation 6); a group without particles keeps its own.

    sigma2  (group, shell) as it was
    """
    members = np.maximum(sums.members, 1)[:, None]
    estimate = sums.residual / (2 * members)
    # a shell's variance cannot vanish; 1e-4 of the group's mean keeps a faulty group from taking all the weight
    floor = 1e-4 * estimate[:, 1:].mean(axis=1, keepdims=True)
    return np.where((sums.members > 0)[:, None], np.maximum(estimate, floor), sigma2)


def resolution_shell(ssnr: np.ndarray) -> int:
    """Return the last shell before the signal-to-noise ratio of the best class first falls below one."""
    below = ssnr[:, 1:] < 1
    first = np.where(below.any(axis=1), below.argmax(axis=1), ssnr.shape[1] - 1)
    return max(int(first.max()), 1)


def offset_spread(pixel_size: float, sums: GroupSums) -> float:
    """Return the width of the offsets' prior in Å, per axis."""
    variance = sums.offset2 / (2 * max(sums.share.sum(), 1e-9))
    return float(max(np.sqrt(max(variance, 0.0)), 0.5)) * pixel_size


def group_scale(scale: np.ndarray, sums: GroupSums, ssnr: np.ndarray) -> np.ndarray:
    """Return each group's intensity scale from the shells that can be trusted; their weighted mean is one."""
    best = ssnr.max(axis=0)
    trusted = best > TRUSTED_RATIO
    trusted[0] = False
    weight = np.arange(len(best)) * trusted
    cross, auto = sums.cross @ weight, sums.auto @ weight
    good = (auto > 0) & (cross > 0)
    if not good.any():
        return scale
    factor = np.where(good, cross / np.where(good, auto, 1), 1.0)
    scale = scale * factor
    median = np.median(scale[good])
    scale = np.clip(scale, median / 5, median * 5)
    return scale / np.average(scale, weights=np.maximum(sums.members, 1))


def worth(before: float, count: int, step: float) -> float:
    """Return how many particles averages are worth after a batch of ``count`` at a step; ``before``: 0 at the beginning."""
    return float(count) if before == 0 else 1 / ((1 - step) ** 2 / before + step**2 / count)
