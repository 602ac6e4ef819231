"""Fit one map onto another, as a rigid body, whatever their boxes and pixel sizes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.axes.placing import Placed, place_on
from relionlab.engine.fourier import resize_map
from relionlab.engine.maps.alterations import new_box
from relionlab.errors import ImageError

_COARSE = 64  # px along a side, at which the place is searched


@dataclass(frozen=True, eq=False)
class FittedMap:
    """A map brought onto another one's grid and place.

    array        (n, n, n)
    correlation  real-space correlation of the two there, -1 to 1
    mirrored     its other hand fitted better, and was taken
    score        mean Fourier shell correlation at low resolution, -1 to 1, and
    other        that of the other hand
    """

    array: np.ndarray
    correlation: float
    mirrored: bool
    score: float
    other: float

    def words(self) -> str:
        """Return how well it fits, in words."""
        hand = " in the other hand" if self.mirrored else ""
        return f"fitted{hand}: correlation {self.correlation:.3f} (low resolution {self.score:.2f}, other hand {self.other:.2f})"


def on_grid(array: np.ndarray, *, pixel_size: float, side: int, target_pixel_size: float) -> np.ndarray:
    """Return a map (n, n, n) resampled to a pixel size (Å) and cut or padded to a box of ``side`` px; the origin stays."""
    scaled = round(len(array) * pixel_size / target_pixel_size)
    scaled += scaled % 2
    return new_box(resize_map(array, scaled), side)


def fit_onto(
    array: np.ndarray, target: np.ndarray, *, pixel_size: float = 1.0, target_pixel_size: float = 1.0
) -> FittedMap:
    """Return a map (n, n, n) turned, shifted and, if that fits better, mirrored onto a target.

    pixel_size, target_pixel_size  Å
    """
    for one in (array, target):
        if one.ndim != 3 or len(set(one.shape)) != 1:
            raise ImageError(
                f"A map of {one.shape} voxels cannot be fitted: expected a cube. Pad it with image_handler --new_box."
            )
    same = on_grid(array, pixel_size=pixel_size, side=len(target), target_pixel_size=target_pixel_size)
    small = min(_COARSE, len(target))
    found = place_on(resize_map(same, small), resize_map(target, small))
    placed = Placed(found.rotation, found.shift * (len(target) / small), found.mirrored, found.score, found.other)
    moved = placed.applied(same)
    correlation = float(np.corrcoef(moved.ravel(), target.ravel())[0, 1])
    return FittedMap(moved, correlation, found.mirrored, found.score, found.other)
