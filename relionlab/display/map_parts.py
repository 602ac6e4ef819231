"""Central slices of a map beside each other, and what lies over them: a mask's core, edge and outline."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from relionlab.engine import fourier
from relionlab.engine.maps.filters import filtered, low_pass, radial

OUTSIDE, EDGE, CORE, RIM, SEED = range(5)
"""Values of :func:`mask_overlay`: nothing, the soft edge, the mask's core, the core's rim, the rim of what was cut at the threshold."""
OVERLAY = ("#00000000", "#56b4e938", "#e69f0040", "#e69f00ff", "#ffffffd0")
"""Colours of these values."""
_COARSE = 48  # px: boxes beyond are binned for what has to follow a slider


def central_slices(volume: np.ndarray, pixels: int) -> np.ndarray:
    """Return the three central slices (z, y, x) of a map beside each other, each enlarged to ``pixels``: (pixels, 3 pixels)."""
    return _beside(_planes(volume), pixels)


def grey_levels(values: np.ndarray) -> tuple[float, float]:
    """Return which values become black and white."""
    low, high = np.percentile(values, (1, 99.8))
    return float(low), float(max(high, low + 1e-12))


def greys(values: np.ndarray, levels: tuple[float, float]) -> np.ndarray:
    """Return values as uint8 between two levels."""
    low, high = levels
    return (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def low_passed_map(volume: np.ndarray, resolution: float, pixel_size: float) -> np.ndarray:
    """Return a map as the mask's program filters it; 0: as it is."""
    if resolution <= 2 * pixel_size:
        return volume
    response = low_pass(resolution, side=volume.shape[-1], pixel_size=pixel_size)
    return np.asarray(filtered(volume, radial(volume.shape, response)), np.float32)


def coarse(volume: np.ndarray) -> tuple[np.ndarray, float]:
    """Return a cubic map of at most 48 px, by cropping its transform, and the ratio of the boxes."""
    n = volume.shape[-1]
    if n <= _COARSE:
        return volume, 1.0
    return fourier.resize_map(volume[None], _COARSE)[0], _COARSE / n


def rough_distances(inside: np.ndarray, scale: float, *, pixels: int, deep: bool = False) -> np.ndarray:
    """Return how far the central slices' points lie from a binned binary map, in px of the whole map.

    inside  (n, n, n) binned by ``scale``
    deep    inside, how deep they lie, below 0
    """
    return _beside([plane / scale for plane in _planes(_distances(inside, deep=deep))], pixels)


def exact_distances(inside: np.ndarray, reach: float, *, pixels: int, deep: bool = False) -> np.ndarray:
    """Return the same of a map that is not binned, exact up to ``reach`` px: only what lies so near to a slice is looked at."""
    middle, near = inside.shape[0] // 2, int(np.ceil(reach)) + 1
    first = max(middle - near, 0)
    planes = []
    for axis in range(3):
        slab = np.moveaxis(inside, axis, 0)[first : middle + near + 1]
        planes.append(_distances(slab, deep=deep)[middle - first])
    return _beside(planes, pixels)


def mask_overlay(seed: np.ndarray, distances: np.ndarray, *, extend: float, edge: float) -> np.ndarray:
    """Return what a mask covers of the central slices, as values of :data:`OVERLAY`, uint8.

    seed, distances  slices beside each other: where the map reaches the threshold, and px from there
    extend, edge     px of the map that is masked
    """
    core = distances < max(extend, 0.5) if extend >= 0 else distances < extend
    found = np.full(seed.shape, OUTSIDE, np.uint8)
    found[distances < extend + edge] = EDGE
    found[core] = CORE
    found[core & ~ndimage.binary_erosion(core, iterations=2, border_value=1)] = RIM
    found[seed & ~ndimage.binary_erosion(seed, border_value=1)] = SEED
    return found


def _distances(inside: np.ndarray, *, deep: bool = True) -> np.ndarray:
    """Return how far each voxel lies from a binary map; inside, 0, or if ``deep``, below 0 by how deep it lies."""
    if not inside.any():
        return np.full(inside.shape, 1e6, np.float32)
    outer = ndimage.distance_transform_edt(~inside).astype(np.float32)
    if not deep or inside.all():
        return outer
    return np.where(inside, -ndimage.distance_transform_edt(inside), outer).astype(np.float32)


def _planes(volume: np.ndarray) -> list[np.ndarray]:
    n = volume.shape[0] // 2
    return [volume[n], volume[:, n], volume[:, :, n]]


def _beside(planes: list[np.ndarray], pixels: int) -> np.ndarray:
    return np.concatenate([_enlarged(plane, pixels) for plane in planes], axis=1)


def _enlarged(image: np.ndarray, pixels: int) -> np.ndarray:
    from PIL import Image

    return np.asarray(
        Image.fromarray(np.ascontiguousarray(image, np.float32)).resize((pixels, pixels), Image.Resampling.BICUBIC)
    )
