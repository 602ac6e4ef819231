"""From the particle's diameter and the pixel size to boxes, masks and numbers of classes: rules that hold for any data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

FIRST_PIXEL, SECOND_PIXEL = 5.0, 3.5
"""Pixel sizes in Å of the two classifications, if the micrographs are not coarser.

The first one makes templates, which are low-passed to 20 Å, and parts particles from what is none; the second one shows
domains and, at the best, helices.
"""
TYPICAL = 150.0
"""Å: diameter to begin with where nobody has said how large the particle is; the form shows it and asks."""
BOX, MASK, APART, NARROW = 1.5, 1.1, 0.7, 0.65
"""Box, mask, least distance of two picks and smallest blob, over the particle's diameter.

Particles are seldom round: the longest side is the largest blob, and views along it are smaller.
"""
FIRST_SHARE, SECOND_SHARE = 150, 80
"""Particles per class: a dozen templates do, while the second round shall show every view."""
FEWEST_CLASSES, MOST_CLASSES = 4, 50
PATCH = 1000.0
"""Side in Å of a patch of motion correction: what it shows of the specimen counts, not its pixels."""
_MOST_PATCHES = 7


@dataclass(frozen=True)
class Sizes:
    """Sizes that suit a particle.

    diameter    its longest side, Å
    pixel_size  of the micrographs, Å
    """

    diameter: float
    pixel_size: float

    @property
    def mask(self) -> float:
        """Diameter of the mask of class averages and templates, in Å."""
        return float(np.ceil(MASK * self.diameter))

    @property
    def box(self) -> int:
        """Side of the boxes in px of the micrographs: even, and quick to transform."""
        return even_box(BOX * self.diameter / self.pixel_size)

    @property
    def background(self) -> int:
        """Diameter in px of the circle beyond which a box is background."""
        return min(round(self.mask / self.pixel_size), self.box - 4)

    @property
    def apart(self) -> float:
        """Least distance of two picks, in Å."""
        return round(APART * self.diameter, 1)

    @property
    def blobs(self) -> tuple[float, float]:
        """Smallest and largest diameter of the blobs that are looked for, in Å."""
        return round(NARROW * self.diameter, 1), round(self.diameter, 1)

    def shrunk(self, pixel_size: float) -> int:
        """Return the side of the boxes after shrinking to about this pixel size; never larger than the box."""
        return min(even_box(self.box * self.pixel_size / pixel_size), self.box)

    def finest(self, wanted: float = 5.0) -> float:
        """Return the finest resolution in Å that CTF estimation can use: as wanted, or where the pixels end."""
        return max(wanted, round(2.2 * self.pixel_size, 2))


def even_box(least: float) -> int:
    """Return the smallest even number of px, not below ``least``, whose transform is quick."""
    return 2 * scipy.fft.next_fast_len(max(int(np.ceil(least / 2 - 1e-6)), 8), real=True)


def classes_for(particles: int, share: int) -> int:
    """Return a number of classes, 4 to 50: one for each ``share`` of the particles."""
    return int(np.clip(round(particles / share), FEWEST_CLASSES, MOST_CLASSES))


def patches_for(shape: tuple[int, int], pixel_size: float) -> tuple[int, int]:
    """Return the number of patches along x and y for movies of this shape (y, x) in px of this size in Å."""
    y, x = (int(np.clip(round(side * pixel_size / PATCH), 1, _MOST_PATCHES)) for side in shape)
    return x, y
