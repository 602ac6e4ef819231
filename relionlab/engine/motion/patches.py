"""Patches of the frames: where they lie and their low frequencies, cut out where the specimen went.

They are cut out of frames that are sampled only as finely as the frequencies that are searched need.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.motion.model import field_basis
from relionlab.engine.motion.spectra import Spectra, empty_spectra, fading, low_frequencies

OVERLAP = 1.25
"""Width of a patch over the distance of neighbours: they fade out into each other, so that every pixel counts."""
FADE = (OVERLAP - 1) / OVERLAP
"""Share of a patch over which it fades out to either side: where it overlaps with its neighbour."""


@dataclass(frozen=True)
class Grid:
    """Patches of a field, sampled coarsely.

    extent   (y, x) of each patch in samples
    corners  (patches, 2) first column and row of each patch in the corrected micrograph, in samples
    field    (y, x) of the micrograph in px
    sample   (y, x) of one sample in px
    """

    extent: tuple[int, int]
    corners: np.ndarray
    field: tuple[int, int]
    sample: tuple[float, float] = (1.0, 1.0)

    @property
    def extent_px(self) -> tuple[int, int]:
        """(y, x) of each patch in px."""
        return round(self.extent[0] * self.sample[0]), round(self.extent[1] * self.sample[1])

    @property
    def centres(self) -> np.ndarray:
        """(patches, 2) x and y of the patches' centres in px."""
        middle = self.corners + np.array([self.extent[1], self.extent[0]]) // 2
        return middle * np.array([self.sample[1], self.sample[0]])

    @property
    def windows(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights of a patch's pixels along y and x."""
        return fading(self.extent[0], FADE), fading(self.extent[1], FADE)

    @property
    def basis(self) -> np.ndarray:
        """(6, patches) the motion model's functions, averaged over each patch as its window weights the pixels.

        In a large patch the mean of u² is not the square of the centre's u.
        """
        means, variances = [], []
        for axis in (1, 0):  # x is the second axis of an image
            window, first = self.windows[axis], self.corners[:, 1 - axis]
            pixels = (np.arange(len(window)) + first[:, None]) * self.sample[axis] / self.field[axis] - 0.5
            share = window**2 / (window**2).sum()
            means.append(pixels @ share)
            variances.append((pixels**2) @ share - means[-1] ** 2)
        basis = field_basis(means[0], means[1])
        basis[2] += variances[0]
        basis[4] += variances[1]
        return basis


def lay_out(frames: Spectra, across: int, down: int, *, field: tuple[int, int]) -> Grid:
    """Return ``across`` × ``down`` overlapping patches, in rows, that cover frames of a field (y, x) in px."""
    sampled = frames.sampled
    extent, starts = [], []
    for n, count in zip(sampled, (down, across), strict=True):
        size = n if count == 1 else _fast(min(int(OVERLAP * n / count), n))
        extent.append(size)
        starts.append(np.rint(np.linspace(0, n - size, count)).astype(int))
    corners = np.array([(x, y) for y in starts[0] for x in starts[1]])
    sample = (frames.extent[0] / sampled[0], frames.extent[1] / sampled[1])
    return Grid((extent[0], extent[1]), corners, field, sample)


def _fast(n: int) -> int:
    """Return the largest even fast length up to n."""
    size = n - n % 2
    while scipy.fft.next_fast_len(size, real=True) != size:
        size -= 2
    return size


def empty_patches(grid: Grid, frames: int, limit: float) -> list[Spectra]:
    """Return spectra for every patch, to be filled by :func:`cut_patches`."""
    return [empty_spectra(frames, grid.extent_px, limit, edge=FADE, most=grid.extent) for _ in grid.corners]


def cut_patches(image: np.ndarray, grid: Grid, shift: np.ndarray) -> np.ndarray:
    """Cut the patches out of a frame where their specimen lies: (patches, y, x) float32.

    shift  (2,) whole samples, the frame's correction; beyond the frame's edges it is taken as periodic
    """
    rows, columns = image.shape
    out = np.empty((len(grid.corners), *grid.extent), np.float32)
    for number, (x, y) in enumerate(grid.corners - shift):
        if 0 <= x <= columns - grid.extent[1] and 0 <= y <= rows - grid.extent[0]:
            out[number] = image[y : y + grid.extent[0], x : x + grid.extent[1]]
        else:
            down, across = np.arange(y, y + grid.extent[0]) % rows, np.arange(x, x + grid.extent[1]) % columns
            out[number] = image[down[:, None], across]
    return out


def fill(patches: list[Spectra], index: int, cut: np.ndarray, *, windows: tuple[np.ndarray, np.ndarray]) -> None:
    """Put one frame's patches (patches, y, x) into the spectra, as frame ``index``."""
    for patch, image in zip(patches, cut, strict=True):
        low_frequencies(image, windows, patch.values[index])
