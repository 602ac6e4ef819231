"""The grid on which a micrograph is searched: downscaled by Fourier cropping, normalised, without hot pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft

from relionlab.engine.micrograph_checks import check_contrast, check_finite
from relionlab.errors import ImageError, ParameterError

SMALLEST = 32
"""Side in px below which a downscaled micrograph cannot be searched."""
_STRIPS, _SLOW = 32, 4  # parts of a side that an edge strip is one of; cycles per side that are slow
FEWEST_FINITE = 0.999  # of the pixels: a few dead ones are mended, more mean a broken file


@dataclass(frozen=True)
class Frame:
    """How a micrograph is laid on the grid of the search.

    shape       (y, x) of the micrograph in px
    padded      (y, x) to which it is padded, so that its transform is quick to compute
    work        (y, x) of the maps, all of the padded area
    pixel_size  of the micrograph, Å
    """

    shape: tuple[int, int]
    padded: tuple[int, int]
    work: tuple[int, int]
    pixel_size: float

    @property
    def steps(self) -> tuple[float, float]:
        """(y, x) micrograph px per map px; the two differ a little, as each side gets a size with small factors."""
        return self.padded[0] / self.work[0], self.padded[1] / self.work[1]

    @property
    def pixels(self) -> tuple[float, float]:
        """(y, x) size of a map pixel in Å."""
        return self.steps[0] * self.pixel_size, self.steps[1] * self.pixel_size

    @cached_property
    def frequencies(self) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies of the maps' half plane in 1/Å: x (1, nx//2+1) and y (ny, 1), float32."""
        (ny, nx), (py, px) = self.work, self.pixels
        x, y = scipy.fft.rfftfreq(nx, px), scipy.fft.fftfreq(ny, py)
        return x[None].astype(np.float32), y[:, None].astype(np.float32)

    @cached_property
    def radii(self) -> np.ndarray:
        """Distance in Å of each map pixel from pixel (0, 0), with wrap-around: (y, x) float32."""
        (ny, nx), (py, px) = self.work, self.pixels
        y, x = scipy.fft.fftfreq(ny, 1 / (ny * py)), scipy.fft.fftfreq(nx, 1 / (nx * px))
        return np.hypot(y[:, None], x[None]).astype(np.float32)

    def inside(self, margin: float) -> np.ndarray:
        """Return (y, x) bool: map pixels at least ``margin`` Å from the edges of the micrograph."""
        lines = []
        for length, step, count in zip(self.shape, self.steps, self.work, strict=True):
            place = np.arange(count) * step
            edge = margin / self.pixel_size
            lines.append((place >= edge) & (place <= length - 1 - edge))
        return lines[0][:, None] & lines[1][None]


def frame_for(
    shape: tuple[int, int],
    pixel_size: float,
    *,
    lowpass: float | None = None,
    shrink: float = 0.0,
    exact: bool = False,
) -> Frame:
    """Return the grid for micrographs of this shape, by RELION's rules for ``--shrink``.

    shape       (y, x) in px
    pixel_size  Å
    lowpass     Å; with ``shrink`` 0 the maps' pixel is half of it
    shrink      0: to the low-pass filter's Nyquist frequency; up to 1: this fraction of the size; above 1: the
                longer side becomes so many px
    exact       take the very size asked for (``--skip_optimise_scale``), not the next one with small prime factors
    """
    if shrink < 0:
        raise ParameterError(f"The shrink factor is {shrink:g}; expected 0 (as the low-pass filter asks), or more.")
    if shrink == 0:
        factor = min(2 * pixel_size / lowpass, 1.0) if lowpass else 1.0
    else:
        factor = min(shrink if shrink <= 1 else shrink / max(shape), 1.0)
    padded = tuple(n if exact else _fast(n) for n in shape)
    work = tuple(_even(n * factor) if exact else _fast(n * factor - 1e-6) for n in padded)
    work = tuple(min(m, n) for m, n in zip(work, padded, strict=True))
    if min(work) < SMALLEST:
        raise ParameterError(
            f"A micrograph of {shape[1]}×{shape[0]} px at {pixel_size:g} Å would be searched on {work[1]}×{work[0]} px, too few:"
            " give a finer --lowpass or a larger --shrink, or correct the pixel size."
        )
    return Frame((shape[0], shape[1]), (padded[0], padded[1]), (work[0], work[1]), pixel_size)


def place(
    micrograph: np.ndarray,
    frame: Frame,
    *,
    bright: bool = False,
    lowpass: float | None = None,
    highpass: float | None = None,
    outliers: float = 8.0,
) -> np.ndarray:
    """Return the spectrum of a micrograph on the grid, forward normalised: (y, x//2+1) complex64.

    micrograph  (y, x) grey values
    bright      whether particles are brighter than the ice; if not, the sign is changed, so that they are here
    lowpass, highpass  Å
    outliers    pixels more than this many standard deviations off the mean are replaced by the mean

    The image it belongs to has mean 0 and standard deviation 1, and goes on over its edges without a jump: otherwise uneven
    illumination or ice would make a step there, which looks like particles. Raises ImageError for NaN or constant micrographs.
    """
    image = _normalised(micrograph, outliers)
    if not bright:
        image = -image
    if frame.padded != frame.shape:
        added = [(0, p - n) for n, p in zip(frame.shape, frame.padded, strict=True)]
        image = np.pad(image, added, mode="symmetric")
    spectrum = _cropped(scipy.fft.rfft2(image, norm="forward"), frame) - _of_the_jump(image, frame)
    spectrum *= band(frame, lowpass=lowpass, highpass=highpass)
    power = float(2 * (np.abs(spectrum[:, 1:]) ** 2).sum() + (np.abs(spectrum[:, 0]) ** 2).sum())
    if not power > 1e-12:
        raise ImageError("nothing is left between the high-pass and the low-pass filter. Widen them.")
    spectrum /= np.float32(np.sqrt(power))
    return spectrum


def band(frame: Frame, *, lowpass: float | None, highpass: float | None) -> np.ndarray:
    """Return the weight of each frequency of the half plane, 0 or 1: (y, x//2+1) float32. The mean has weight 0."""
    x, y = frame.frequencies
    square = x**2 + y**2
    weight = square > (1 / highpass**2 if highpass else 0)
    if lowpass:
        weight &= square <= 1 / lowpass**2
    weight[frame.work[0] // 2] = False  # the Nyquist row and column, whose phase is not known
    weight[:, frame.work[1] // 2] = False
    return weight.astype(np.float32)


def image_of(spectrum: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the image (y, x) float32 of a forward normalised half plane."""
    return scipy.fft.irfft2(spectrum, s=frame.work, norm="forward")


def _normalised(micrograph: np.ndarray, outliers: float) -> np.ndarray:
    image = np.asarray(micrograph, dtype=np.float32)
    if check_finite(image, least=FEWEST_FINITE) < 1:
        finite = np.isfinite(image)
        image = np.where(finite, image, image[finite].mean())
    check_contrast(float(image.min()), float(image.max()))
    image = image - np.float32(image.mean(dtype=np.float64))
    squares = np.einsum("ij,ij->i", image, image)  # row by row: quicker than std in float64, and as exact
    image /= np.float32(np.sqrt(squares.mean(dtype=np.float64)))
    if outliers > 0:
        image[np.abs(image) > outliers] = 0
    return image


def _cropped(spectrum: np.ndarray, frame: Frame) -> np.ndarray:
    ny, nx = frame.work
    out = np.zeros((ny, nx // 2 + 1), dtype=np.complex64)
    upper, lower = ny // 2, ny - ny // 2
    out[:lower] = spectrum[:lower, : nx // 2 + 1]
    if upper:
        out[-upper:] = spectrum[-upper:, : nx // 2 + 1]
    return out


def _of_the_jump(image: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the cropped spectrum of the smooth image that makes the jump between opposite edges: (y, x//2+1) complex64.

    Source: Moisan (2011) J. Math. Imaging Vis. 39, 161. Within the micrograph that image is harmonic: its mean over a disc
    is its mean over any ring about it, so that taking it away leaves what particles show as it is. Only slow changes along
    the edges count, of strips that are averaged: single lines would bring in their noise.
    """
    (rows, columns), (ny, nx) = image.shape, frame.work
    kept = np.r_[0 : ny - ny // 2, rows - ny // 2 : rows]
    y, x = 2 * np.pi * kept[:, None] / rows, 2 * np.pi * np.arange(nx // 2 + 1)[None] / columns
    down, across = (_slow_jump(turned) for turned in (image, image.T))
    laplacian = 2 * np.cos(y) + 2 * np.cos(x) - 4
    laplacian[0, 0] = 1  # the mean is no part of it
    change = down[None, : nx // 2 + 1] * (1 - np.exp(1j * y)) + across[kept, None] * (1 - np.exp(1j * x))
    smooth = change / (laplacian * image.size)
    smooth[0, 0] = 0
    return np.asarray(smooth, dtype=np.complex64)


def _slow_jump(image: np.ndarray) -> np.ndarray:
    """Return the spectrum along the edge (x) of how much higher the last strip of rows is than the first."""
    depth = max(len(image) // _STRIPS, 1)
    jump = image[-depth:].mean(axis=0, dtype=np.float64) - image[:depth].mean(axis=0, dtype=np.float64)
    cycles = scipy.fft.fftfreq(len(jump), 1 / len(jump))
    return np.asarray(scipy.fft.fft(jump) * np.exp(-((cycles / _SLOW) ** 2) / 2))


def _fast(length: float) -> int:
    """Return the next even size with small prime factors."""
    return 2 * int(scipy.fft.next_fast_len(int(np.ceil(max(length, 2) / 2)), real=True))


def _even(length: float) -> int:
    return 2 * round(length / 2)
