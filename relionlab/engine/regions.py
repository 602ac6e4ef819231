"""Regions of an image and lines across it: masks that are drawn by hand, soft edges, profiles.

Points are (n, 2), x and y in px, x to the right and y down, whole numbers at the middles of pixels.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def circle_region(shape: tuple[int, int], centre: tuple[float, float], radius_px: float) -> np.ndarray:
    """Return the pixels (y, x) within a circle, bool; ``centre`` (x, y) in px."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius_px**2


def rectangle_region(shape: tuple[int, int], corner: tuple[float, float], other: tuple[float, float]) -> np.ndarray:
    """Return the pixels (y, x) within a rectangle between two opposite corners (x, y) in px, bool."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    (x0, x1), (y0, y1) = sorted((corner[0], other[0])), sorted((corner[1], other[1]))
    return (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)


def polygon_region(shape: tuple[int, int], points: np.ndarray) -> np.ndarray:
    """Return the pixels (y, x) whose middle lies within a polygon (n, 2), closed by itself, bool; by the even-odd rule."""
    points = np.asarray(points, dtype=np.float64)
    inside = np.zeros(shape, dtype=bool)
    if len(points) < 3:
        return inside
    columns = np.arange(shape[1])
    first, second = points, np.roll(points, -1, axis=0)
    for row in range(max(0, int(np.floor(points[:, 1].min()))), min(shape[0], int(np.ceil(points[:, 1].max())) + 1)):
        crosses = (first[:, 1] <= row) != (second[:, 1] <= row)  # edges that cross this row
        begin, end = first[crosses], second[crosses]
        x = begin[:, 0] + (row - begin[:, 1]) / (end[:, 1] - begin[:, 1]) * (end[:, 0] - begin[:, 0])
        inside[row] = np.searchsorted(np.sort(x), columns, side="right") % 2 == 1
    return inside


def threshold_region(
    image: np.ndarray, low: float, *, smooth_px: float = 0.0, largest_only: bool = False
) -> np.ndarray:
    """Return the pixels (y, x) of at least a grey value, bool.

    smooth_px     Gaussian deviation by which the image is smoothed first
    largest_only  keep the largest connected part, with its holes filled
    """
    smooth = ndimage.gaussian_filter(image.astype(np.float32), smooth_px) if smooth_px > 0 else image
    region = smooth >= low
    if not largest_only or not region.any():
        return region
    parts, _ = ndimage.label(region)
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return ndimage.binary_fill_holes(parts == int(sizes.argmax()))


def soft_edged(region: np.ndarray, edge_px: float) -> np.ndarray:
    """Return a region (y, x) as a mask, float32: 1 inside, falling as a raised cosine to 0 over ``edge_px`` outside."""
    if edge_px <= 0 or not region.any():
        return region.astype(np.float32)
    distance = ndimage.distance_transform_edt(~region)
    return np.where(distance < edge_px, 0.5 + 0.5 * np.cos(np.pi * distance / edge_px), 0.0).astype(np.float32)


def line_profile(
    image: np.ndarray, start: tuple[float, float], end: tuple[float, float], *, width_px: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances in px, (n,), from the start of a line, and grey values on it, interpolated between pixels.

    start, end  (x, y) in px
    width_px    mean over so many parallel lines, 1 px apart
    Values beyond the image are nan.
    """
    (x0, y0), (x1, y1) = start, end
    length = float(np.hypot(x1 - x0, y1 - y0))
    distance = np.linspace(0.0, length, max(2, int(np.ceil(length)) + 1))
    along = np.array([x1 - x0, y1 - y0]) / max(length, 1e-12)
    across = np.array([-along[1], along[0]])
    offsets = np.arange(width_px) - (width_px - 1) / 2
    x = x0 + along[0] * distance[None] + across[0] * offsets[:, None]
    y = y0 + along[1] * distance[None] + across[1] * offsets[:, None]
    values = ndimage.map_coordinates(image, [y, x], order=1, cval=np.nan, output=np.float64)
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=0)
    return distance, np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
