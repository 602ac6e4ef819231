"""The low frequencies of frames, and how much each of them is worth for finding shifts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft

from relionlab.engine.kernels.correlating import add_shifted, ring_sums
from relionlab.engine.kernels.filtering import fade, interpolated
from relionlab.engine.motion.planes import cropped_transform

EDGE = 0.03
"""Share of a frame's width over which it fades out to either side: content does not repeat across its edges."""
SLOWEST = 3
"""Periods over the field below which a frequency is left out: illumination, which does not move with the specimen."""


@dataclass(frozen=True)
class Spectra:
    """Half planes of frames, or of one patch of them, cut to the frequencies that are searched.

    values  (frames, rows, columns) complex64, divided by the number of pixels
    ky, kx  (rows,), (columns,) cycles per px of the movie
    extent  (y, x) of the area in px
    edge    share of it over which the frames fade out to either side
    """

    values: np.ndarray
    ky: np.ndarray
    kx: np.ndarray
    extent: tuple[int, int]
    edge: float = EDGE

    @property
    def area(self) -> float:
        """Effective px: white noise of variance 1 has the power 1/area per component."""
        shares = [float((fading(n, self.edge) ** 2).mean()) for n in self.extent]
        return self.extent[0] * self.extent[1] / (shares[0] * shares[1])

    @property
    def sampled(self) -> tuple[int, int]:
        """(y, x) of the image that just holds these frequencies."""
        return len(self.ky), 2 * (len(self.kx) - 1)

    def image(self, index: int) -> np.ndarray:
        """Return frame ``index``, sampled as coarsely as its frequencies allow: float32 (y, x)."""
        return scipy.fft.irfft2(self.values[index], s=self.sampled, norm="forward")

    @cached_property
    def radius(self) -> np.ndarray:
        """(rows, columns) cycles per px."""
        return np.hypot(self.ky[:, None], self.kx)

    def total(self, shifts: np.ndarray) -> np.ndarray:
        """Return the sum of the frames, each moved by its shift (frames, 2) in px: (rows, columns)."""
        total = np.zeros(self.values.shape[1:], np.complex64)
        add_shifted(self.values, np.ascontiguousarray(shifts, np.float64), self.ky, self.kx, total)
        return total

    def cut(self, limit: float) -> Spectra:
        """Return the frequencies below ``limit`` (cycles per px) only."""
        rows, columns = cut_shape(self.extent, limit)
        if rows >= len(self.ky):
            return self
        half, width = rows // 2, columns // 2 + 1
        values = np.empty((len(self.values), rows, width), np.complex64)
        values[:, :half], values[:, half:] = self.values[:, :half, :width], self.values[:, -half:, :width]
        ky = np.concatenate([self.ky[:half], self.ky[-half:]])
        return Spectra(values, ky, self.kx[:width], self.extent, self.edge)


def cut_shape(extent: tuple[int, int], limit: float) -> tuple[int, int]:
    """Return the even (y, x) of an image that just holds the frequencies below ``limit`` of an area."""
    rows, columns = (scipy.fft.next_fast_len(int(np.ceil(2 * limit * n)) + 2, real=True) for n in extent)
    return min(rows + rows % 2, extent[0] // 2 * 2), min(columns + columns % 2, extent[1] // 2 * 2)


def empty_spectra(
    frames: int, extent: tuple[int, int], limit: float, *, edge: float = EDGE, most: tuple[int, int] | None = None
) -> Spectra:
    """Return spectra to be filled by :func:`low_frequencies`.

    extent  (y, x) of the area in px
    limit   cycles per px that are kept at least
    most    (y, x) of the images, where they have fewer samples than px
    """
    rows, columns = cut_shape(extent, limit)
    if most is not None:
        rows, columns = min(rows, most[0] // 2 * 2), min(columns, most[1] // 2 * 2)
    ky = scipy.fft.fftfreq(rows, 1 / rows) / extent[0]
    kx = np.arange(columns // 2 + 1) / extent[1]
    return Spectra(np.empty((frames, rows, columns // 2 + 1), np.complex64), ky, kx, extent, edge)


def low_frequencies(image: np.ndarray, window: tuple[np.ndarray, np.ndarray], out: np.ndarray) -> None:
    """Write the low frequencies of an image into ``out``.

    image   (y, x) float32; the mean is taken away
    window  weights along y and x, see :func:`fading`
    out     (rows, columns) complex64
    """
    mean = np.float32(image.mean())
    cropped_transform(image, out, prepare=lambda rows: fade(image[rows], mean, window[0][rows], window[1]))


def fading(n: int, edge: float) -> np.ndarray:
    """Return weights (n,) float32 that rise from 0 to 1 and fall again as a cosine over ``edge`` · n px at either end."""
    width = max(round(edge * n), 1)
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(width) + 0.5) / width)
    weights = np.ones(n, np.float32)
    weights[:width], weights[-width:] = rise, rise[::-1]
    return weights


def fast_extent(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the largest (y, x) within a frame whose transforms are fast: products of 2, 3, 5 and 7."""
    found = []
    for n in shape:
        size = n
        while scipy.fft.next_fast_len(size, real=True) != size or size % 2:
            size -= 1
        found.append(size)
    return found[0], found[1]


@dataclass(frozen=True)
class Worth:
    """Power of the specimen and of the noise by frequency: what decides how much a frequency tells of a shift.

    signal, noise  (rings,) power per frame and Fourier component
    width          of a ring, in cycles per px
    area           px of the frames, those that fade out counted in part: the powers of a smaller area are larger
    """

    signal: np.ndarray
    noise: np.ndarray
    width: float
    area: float

    def weights(self, spectra: Spectra, *, b_factor: float = 0.0) -> np.ndarray:
        """Return what a half plane's products with the sum of the other frames are to be multiplied with.

        The log-likelihood of a frame, given the best (Wiener) estimate of the specimen from the other n - 1 frames, is
        Σ 2 Re(conj(estimate) · frame) / noise; so is the weight. Its curvature is the shift's inverse variance.

        spectra   of whole frames or of patches of them
        b_factor  further damping by exp(-B k²/2), in px², for shifts that are still far off
        """
        radius, frames = spectra.radius, len(spectra.values)
        signal, noise = self.signal, self.noise
        curve = 2 * signal / (noise * ((frames - 1) * signal + noise)) * (spectra.area / self.area)
        weight = interpolated(curve, radius, self.width)
        if b_factor:
            weight *= np.exp(-0.5 * b_factor * radius**2)
        return bounded(weight, spectra)


def bounded(weight: np.ndarray, spectra: Spectra) -> np.ndarray:
    """Return weights without the slowest and the outermost frequencies, each component of the plane counted once."""
    radius = spectra.radius
    slowest = SLOWEST / min(spectra.extent)
    weight = np.where((radius >= slowest) & (radius < np.abs(spectra.ky).max()), weight, 0)
    weight[:, 0] *= 0.5  # its components stand there twice
    return weight.astype(np.float32)


def ring_powers(spectra: Spectra, shifts: np.ndarray) -> Worth:
    """Estimate the power of specimen and noise from frames that are about aligned.

    What the frames have in common is the specimen: |Σ F|² - Σ |F|² is n(n - 1) times its power on average.
    """
    values, frames = spectra.values, len(spectra.values)
    width = 2 / min(spectra.extent)
    count = int(np.ceil(np.abs(spectra.ky).max() / width))
    members, joint, single = ring_sums(values, spectra.total(shifts), spectra.radius, width, count)
    smooth = max(len(members) // 40, 1)
    members, joint, single = (_smoothed(curve, smooth) for curve in (members, joint, single))
    common = (joint - single) / (members * frames * max(frames - 1, 1))
    spread = 2 * single / (members * frames**1.5 * np.sqrt(np.maximum(members, 1)))  # of the estimate, about
    total = single / (members * frames)
    signal = np.clip(common - 0.5 * spread, 1e-6 * total, None)
    return Worth(signal, np.maximum(total - signal, 1e-3 * total), width, spectra.area)


def _smoothed(curve: np.ndarray, half: int) -> np.ndarray:
    """Return sums over 2·half + 1 rings, fewer at the ends."""
    edges = np.concatenate([[0.0], np.cumsum(curve)])
    at = np.arange(len(curve))
    return edges[np.minimum(at + half + 1, len(curve))] - edges[np.maximum(at - half, 0)]
