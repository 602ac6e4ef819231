"""Solvent masks: 1 in the particle, 0 in the solvent, a raised cosine between.

Distances are Euclidean and exact, from each voxel's centre to the nearest voxel centre of the binary mask.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from relionlab.engine.kernels.distances import squared_distances
from relionlab.engine.maps.filters import falling_cosine


def extended(inside: np.ndarray, distance_px: float) -> np.ndarray:
    """Return a binary mask grown by a distance, or shrunk by a negative one.

    A voxel is added if it lies nearer than the distance to the mask, and taken away if it lies nearer than that to the
    solvent.
    """
    if distance_px == 0 or inside.all() or not inside.any():
        return inside
    if distance_px > 0:
        return inside | _looked_up(inside, distance_px, lambda distance: distance < distance_px, beyond=False)
    return inside & _looked_up(~inside, -distance_px, lambda distance: distance >= -distance_px, beyond=True)


def soft_edged(inside: np.ndarray, width_px: float) -> np.ndarray:
    """Return a mask (float32) that falls from 1 on the binary mask to 0 at ``width_px`` from it."""
    if width_px <= 0 or inside.all() or not inside.any():
        return inside.astype(np.float32)
    return _looked_up(
        inside, width_px, lambda distance: falling_cosine(distance, 0.0, width_px).astype(np.float32), beyond=0.0
    )


def _looked_up(
    inside: np.ndarray, reach_px: float, of_distance: Callable[[np.ndarray], np.ndarray], *, beyond: float
) -> np.ndarray:
    """Return a function of the distance (px) to the binary mask; ``beyond`` where that is more than ``reach_px``."""
    reach = math.ceil(reach_px)
    table = of_distance(np.sqrt(np.arange(reach**2 + 2)))
    table[-1] = beyond
    return table[np.minimum(squared_distances(inside, reach), reach**2 + 1)]


def of_density(volume: np.ndarray, threshold: float, *, extend_px: float = 0.0, width_px: float = 0.0) -> np.ndarray:
    """Return the mask (z, y, x), float32, of where a map reaches a threshold, extended and with a soft edge."""
    return soft_edged(extended(volume >= threshold, extend_px), width_px)


def central_part(length: int, fraction: float, width_px: float) -> np.ndarray:
    """Return the window (length,) that keeps the central fraction of a helix's axis, with soft ends.

    1 within fraction · length / 2 of the middle, falling to 0 over ``width_px``.
    """
    half = fraction * length / 2
    return falling_cosine(np.abs(np.arange(length) - length // 2), half, half + width_px).astype(np.float32)


def spherical_shell(
    box: int, inner_px: float, outer_px: float, *, width_px: float = 0.0, centre: tuple[float, float, float] = (0, 0, 0)
) -> np.ndarray:
    """Return the mask (box, box, box) of a ball or a hollow ball, float32.

    inner_px, outer_px  radii: inside are inner ≤ r < outer
    width_px            soft edge beyond both radii
    centre              x, y, z in px from the box's middle
    """
    axes = np.ogrid[tuple(slice(-(box // 2), box - box // 2) for _ in range(3))]
    squares = sum((axis - place) ** 2 for axis, place in zip(axes, centre[::-1], strict=True))
    radius = np.sqrt(squares)
    if width_px <= 0:
        return ((radius < outer_px) & (radius >= inner_px)).astype(np.float32)
    outside = falling_cosine(radius, outer_px, outer_px + width_px)
    inside = falling_cosine(-radius, -inner_px, width_px - inner_px) if inner_px > 0 else 1.0
    return np.asarray(outside * inside, np.float32)
