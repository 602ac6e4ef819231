"""Normalisation of particle images: background ramp, mean and deviation, dust; as relion_preprocess --norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.engine.array import like, namespace, real_dtype
from relionlab.engine.masks import radius_grid

FLAT = 1e-10
"""Background deviation below which an image counts as constant (RELION's limit) and is only shifted."""


def background_mask(n: int, radius_px: float) -> np.ndarray:
    """Return which pixels (n, n) are background: farther than ``radius_px`` from the origin, bool."""
    return radius_grid(n) > radius_px


def normalise(images: np.ndarray, *, background_radius: float, ramp: bool = True) -> np.ndarray:
    """Bring each image's background to mean 0 and standard deviation 1.

    images             (…, n, n)
    background_radius  in px: what lies beyond is background
    ramp               subtract a plane fitted to the background, not only its mean
    Returns images of the same precision; an image of constant background is only shifted (its deviation stays 0).
    """
    flat = _rows(images)
    mask = like(background_mask(images.shape[-1], background_radius).ravel(), images)
    if ramp:
        flat = flat - _ramp(flat, mask, images.shape[-1])
    mean, deviation = _statistics(flat, mask)
    xp = namespace(images)
    scale = xp.where(deviation < FLAT, 1.0, deviation)
    return ((flat - mean) / scale).astype(real_dtype(images)).reshape(images.shape)


def background_statistics(images: np.ndarray, *, background_radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each image's background, both (…) float64; the radius is in px."""
    mask = like(background_mask(images.shape[-1], background_radius).ravel(), images)
    mean, deviation = _statistics(_rows(images), mask)
    batch = images.shape[:-2]
    return mean.reshape(batch), deviation.reshape(batch)


def remove_dust(
    images: np.ndarray,
    rng: np.random.Generator,
    *,
    background_radius: float,
    white: float | None = None,
    black: float | None = None,
) -> np.ndarray:
    """Replace extreme pixels by random ones of the background's mean and deviation.

    white, black  how many deviations above, below the background mean a pixel must be; ``None``: none is replaced
    """
    xp = namespace(images)
    flat = _rows(images)
    mask = like(background_mask(images.shape[-1], background_radius).ravel(), images)
    mean, deviation = _statistics(flat, mask)
    score = (flat - mean) / xp.where(deviation < FLAT, 1.0, deviation)
    dust = xp.zeros(flat.shape, dtype=bool)
    if white is not None:
        dust |= score > white
    if black is not None:
        dust |= score < -black
    noise = like(rng.standard_normal(int(dust.sum())), flat)
    flat = flat.copy()
    flat[dust] = (xp.broadcast_to(mean, flat.shape)[dust]) + noise * xp.broadcast_to(deviation, flat.shape)[dust]
    return flat.astype(real_dtype(images)).reshape(images.shape)


def _rows(images: np.ndarray) -> Any:
    """Return the images as rows of float64: sums over a background of thousands of pixels need it."""
    return images.reshape(-1, images.shape[-1] * images.shape[-2]).astype(np.float64)


def _statistics(flat: Any, mask: Any) -> tuple[Any, Any]:
    background = flat[:, mask]
    return background.mean(axis=1, keepdims=True), background.std(axis=1, keepdims=True)


def _ramp(flat: Any, mask: Any, n: int) -> Any:
    """Return the plane through each image's background, by least squares."""
    y, x = np.divmod(np.arange(n * n), n)
    plane = np.stack([x - n // 2, y - n // 2, np.ones(n * n)], axis=1)
    solve = np.linalg.pinv(plane[np.asarray(mask.get() if hasattr(mask, "get") else mask)])
    return (flat[:, mask] @ like(solve.T, flat)) @ like(plane.T, flat)
