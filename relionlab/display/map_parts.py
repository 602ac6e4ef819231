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
    n = volume.shape[0] // 2
    slices = (volume[n], volume[:, n], volume[:, :, n])
    return np.concatenate([_enlarged(one, pixels) for one in slices], axis=1)


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


def mask_overlay(
    seed: np.ndarray, inside: np.ndarray, *, extend: float, edge: float, scale: float, pixels: int
) -> np.ndarray:
    """Return what a mask covers of the central slices, as values of :data:`OVERLAY`, uint8 (pixels, 3 pixels).

    seed    (pixels, 3 pixels) slices at full sampling: where the map reaches the threshold
    inside  (n, n, n) the same of a map that may be binned, by ``scale``
    extend, edge  px of the map that is masked
    """
    distance = np.full(inside.shape, np.inf) if not inside.any() else ndimage.distance_transform_edt(~inside)
    if extend < 0 and inside.any():
        distance = np.maximum(distance, 0) - ndimage.distance_transform_edt(inside)
    slices = central_slices(distance.astype(np.float32), pixels) / scale
    found = np.full(slices.shape, OUTSIDE, np.uint8)
    found[slices < extend + edge] = EDGE
    core = slices <= extend + 0.5 / scale * (extend > 0) if extend else slices <= 0.5 / scale
    found[core] = CORE
    found[core & ~ndimage.binary_erosion(core, iterations=2, border_value=1)] = RIM
    found[seed & ~ndimage.binary_erosion(seed, border_value=1)] = SEED
    return found


def _enlarged(image: np.ndarray, pixels: int) -> np.ndarray:
    from PIL import Image

    return np.asarray(
        Image.fromarray(np.ascontiguousarray(image, np.float32)).resize((pixels, pixels), Image.Resampling.BICUBIC)
    )
