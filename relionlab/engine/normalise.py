"""Normalisation of particle images: background ramp, mean and deviation, dust; as relion_preprocess --norm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.array import like, namespace, real_dtype, to_host

FLAT = 1e-10
"""Background deviation below which an image counts as constant (RELION's limit) and is only shifted."""


@dataclass(frozen=True)
class Dust:
    """Which pixels are dust, to be replaced by random ones of the background's mean and deviation.

    white, black  how many deviations above, below the background mean a pixel must be; ``None``: none is replaced
    rng           where the random pixels come from
    """

    rng: np.random.Generator
    white: float | None = None
    black: float | None = None


def normalise(
    images: np.ndarray, *, background_radius: float, ramp: bool = True, dust: Dust | None = None
) -> np.ndarray:
    """Bring each image's background to mean 0 and standard deviation 1.

    images             (…, n, n), or not square
    background_radius  in px: what lies beyond is background
    ramp               subtract a plane fitted to the background, not only its mean
    dust               replace extreme pixels first, as RELION does, so that they tilt neither ramp nor deviation
    Returns images of the same precision; an image of constant background is only shifted (its deviation stays 0).
    """
    xp = namespace(images)
    flat, mask = _rows(images), _background(images, background_radius)
    if dust is not None:
        flat = _without_dust(flat, mask, dust)
    if ramp:
        flat = flat - _ramp(flat, mask, images.shape[-2:])
    mean, deviation = _statistics(flat, mask)
    scale = xp.where(deviation < FLAT, 1.0, deviation)
    return ((flat - mean) / scale).astype(real_dtype(images)).reshape(images.shape)


def background_statistics(images: np.ndarray, *, background_radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each image's background, both (…) float64; the radius is in px."""
    mean, deviation = _statistics(_rows(images), _background(images, background_radius))
    batch = images.shape[:-2]
    return mean.reshape(batch), deviation.reshape(batch)


def _without_dust(flat: Any, mask: Any, dust: Dust) -> Any:
    xp = namespace(flat)
    mean, deviation = _statistics(flat, mask)
    score = (flat - mean) / xp.where(deviation < FLAT, 1.0, deviation)
    found = xp.zeros(flat.shape, dtype=bool)
    if dust.white is not None:
        found |= score > dust.white
    if dust.black is not None:
        found |= score < -dust.black
    noise = like(dust.rng.standard_normal(int(found.sum())), flat)
    flat = flat.copy()
    flat[found] = xp.broadcast_to(mean, flat.shape)[found] + noise * xp.broadcast_to(deviation, flat.shape)[found]
    return flat


def _rows(images: np.ndarray) -> Any:
    """Return the images as rows of float64: sums over a background of thousands of pixels need it."""
    return images.reshape(-1, images.shape[-1] * images.shape[-2]).astype(np.float64)


def _background(images: np.ndarray, radius: float) -> Any:
    rows, columns = images.shape[-2:]
    square = (np.arange(rows)[:, None] - rows // 2) ** 2 + (np.arange(columns) - columns // 2) ** 2
    return like((square > radius**2).ravel(), images)


def _statistics(flat: Any, mask: Any) -> tuple[Any, Any]:
    background = flat[:, mask]
    return background.mean(axis=1, keepdims=True), background.std(axis=1, keepdims=True)


def _ramp(flat: Any, mask: Any, shape: tuple[int, int]) -> Any:
    """Return the plane through each image's background, by least squares."""
    rows, columns = shape
    y, x = np.divmod(np.arange(rows * columns), columns)
    plane = np.stack([x - columns // 2, y - rows // 2, np.ones(rows * columns)], axis=1)
    solve = np.linalg.pinv(plane[to_host(mask)])
    return (flat[:, mask] @ like(solve.T, flat)) @ like(plane.T, flat)
