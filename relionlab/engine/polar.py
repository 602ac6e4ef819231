"""Images on a polar Fourier grid, where turning an image is a phase of its angular spectrum.

The transform of a real image is sampled on rings k = 1 … radius (in Fourier pixels of the reference box) at
angles 2 pi j / n_angles; only the half circle is stored, since F(k, phi + pi) is the conjugate of F(k, phi). An
image that lives inside a circle of radius m px has, on ring k, angular harmonics up to about q = 2 pi k m / box.
Sums over the Fourier plane become sums over rings with weight 2 pi k / n_angles.

Sampling is a non-uniform FFT with a Kaiser–Bessel kernel (Fessler & Sutton 2003, IEEE Trans Signal Process 51:560;
kernel width from Beatty et al. 2005, IEEE Trans Med Imaging 24:799): zero-padding by two, six taps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft

from relionlab.engine.kernels.gridding import gather, spread

TAPS = 6
"""Width of the interpolation kernel; with two-fold padding the relative error is below 1e-4."""
PADDING = 2
HARMONICS_MARGIN = 6
"""Angular harmonics kept beyond 2 pi k m / box, where the spectrum of a soft-edged disc has died away."""
_AREA_AT_ORIGIN = np.pi / 6
"""Fourier pixels that the sample at the origin stands for: the Euler–Maclaurin end correction of the ring sum."""
_BETA = np.pi * np.sqrt((TAPS / PADDING) ** 2 * (PADDING - 0.5) ** 2 - 0.8)


@dataclass(frozen=True)
class PolarGrid:
    """A polar Fourier grid.

    box     box size of the references in px
    radius  outermost ring, in Fourier pixels of that box
    extent  radius in px of the circle in which the images live
    """

    box: int
    radius: int
    extent: float

    @property
    def harmonics(self) -> int:
        """Highest angular harmonic q that is kept."""
        return self.harmonics_at(self.radius)

    def harmonics_at(self, ring: float) -> int:
        """Return the highest angular harmonic that an image has on a ring."""
        return int(np.ceil(2 * np.pi * ring * self.extent / self.box)) + HARMONICS_MARGIN

    def first_ring(self, harmonic: int) -> int:
        """Return the index of the first ring on which a harmonic is not negligible (0: ring 1)."""
        ring = (harmonic - HARMONICS_MARGIN) * self.box / (2 * np.pi * self.extent)
        return int(np.clip(np.floor(ring) - 1, 0, self.radius - 1))

    @cached_property
    def n_angles(self) -> int:
        """Samples on a full circle: enough for products of two images, even, and quick to transform."""
        half = scipy.fft.next_fast_len(self.harmonics + 4)
        return 2 * half

    @property
    def rings(self) -> np.ndarray:
        """(radius,) ring radii in Fourier pixels."""
        return np.arange(1, self.radius + 1)

    @cached_property
    def angles(self) -> np.ndarray:
        """(n_angles / 2,) angles of the stored half circle, in radians from +x towards +y."""
        return 2 * np.pi * np.arange(self.n_angles // 2) / self.n_angles

    @cached_property
    def area(self) -> np.ndarray:
        """(radius,) Fourier pixels that one sample of a full ring stands for."""
        return 2 * np.pi * self.rings / self.n_angles

    def frequencies(self) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of the samples in Fourier pixels, each (radius, n_angles / 2)."""
        rings = self.rings[:, None]
        return rings * np.cos(self.angles), rings * np.sin(self.angles)


class PointSampler:
    """Takes the transforms of images at any frequencies.

    box   box size of the images in px
    x, y  (p,) frequencies in Fourier pixels of the images
    """

    def __init__(self, box: int, x: np.ndarray, y: np.ndarray) -> None:
        self.box = box
        self.padded = scipy.fft.next_fast_len(PADDING * box, real=True)
        self.padded += self.padded % 2
        first_x, self._weight_x = _taps(self.padded / box * x)
        first_y, self._weight_y = _taps(self.padded / box * y)
        self._columns = ((first_x[:, None] + np.arange(TAPS)) % self.padded).astype(np.int32)
        self._lowest = int(first_y.min())
        self._first_row = (first_y - self._lowest).astype(np.int32)
        self._rows = int(self._first_row.max()) + TAPS
        line = _kernel_transform((np.arange(box) - box // 2) / self.padded)
        self.deapodisation = (1.0 / (line[:, None] * line)).astype(np.float32)

    def at_points(self, images: np.ndarray) -> np.ndarray:
        """Return the transforms of real images (n, box, box) float32, already masked: (n, p) complex64, divided by box²."""
        half = self.box // 2
        planes = np.zeros((len(images), self.padded, self.padded), np.float32)
        weighted = images * self.deapodisation
        low, high = slice(None, self.box - half), slice(self.padded - half, None)
        for to_y, from_y in ((low, slice(half, None)), (high, slice(None, half))):
            for to_x, from_x in ((low, slice(half, None)), (high, slice(None, half))):
                planes[:, to_y, to_x] = weighted[:, from_y, from_x]
        transform = scipy.fft.rfft2(planes, axes=(2, 1))
        row = (np.arange(self._rows) + self._lowest) % self.padded
        mirrored = row > self.padded // 2  # F(-k) is the conjugate of F(k)
        extended = transform[:, np.where(mirrored, self.padded - row, row)]
        extended[:, mirrored] = np.conj(np.roll(extended[:, mirrored, ::-1], 1, axis=-1))
        extended *= np.float32(1.0 / self.box**2)
        return gather(extended, self._first_row, self._columns, self._weight_y, self._weight_x)


class PolarSampler(PointSampler):
    """Takes images of one box size to a polar grid and back.

    box      box size of the images in px
    scale    Fourier pixels of the images per Fourier pixel of the grid (1 unless box or pixel size differ)
    samples  x and y of the samples in Fourier pixels of the grid, each (radius, n_angles / 2), where images are distorted;
             ``None``: the grid's own
    """

    def __init__(
        self,
        grid: PolarGrid,
        box: int,
        *,
        scale: float = 1.0,
        samples: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.grid, self.scale = grid, scale
        x, y = (scale * values.ravel() for values in samples or grid.frequencies())
        super().__init__(box, x, y)

    def sample(self, images: np.ndarray) -> np.ndarray:
        """Return the transforms of real images on the half circle, normalised by 1 / box².

        images  (n, box, box) float32, already masked
        result  (n, radius, n_angles / 2) complex64
        """
        return self.at_points(images).reshape(len(images), self.grid.radius, -1)

    def image(self, polar: np.ndarray, constant: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the real images whose transforms are given on the half circle: the inverse of :meth:`sample`.

        Exact up to the sum over rings in place of the integral, for images inside the grid's extent.

        polar     (n, radius, n_angles / 2) complex
        constant  (n,) transform at the origin (the mean of the image)
        result    (n, box, box) float64
        """
        weighted = (polar * self.grid.area[:, None]).reshape(len(polar), -1).astype(np.complex128)
        planes = spread(
            weighted, self._first_row, self._columns, self._weight_y, self._weight_x, self._rows, self.padded
        )
        full = np.zeros((len(polar), self.padded, self.padded), np.complex128)
        rows = (np.arange(self._rows) + self._lowest) % self.padded
        full[:, rows] = planes
        field = 2.0 * scipy.fft.ifft2(full, norm="forward").real
        where = (np.arange(self.box) - self.box // 2) % self.padded
        images = field[:, where[:, None], where] * self.deapodisation
        return images + np.reshape(constant, (-1, 1, 1)) * _AREA_AT_ORIGIN


def angular_spectrum(polar: np.ndarray, harmonics: int) -> np.ndarray:
    """Return the angular harmonics q = 0 … harmonics of samples on the half circle.

    polar   (..., n_angles / 2) complex, with F(phi + pi) = conj F(phi)
    result  (..., harmonics + 1); F(phi) = sum over q of both signs of result_q exp(i q phi), where
            result_-q = (-1)^q conj result_q
    """
    half = polar.shape[-1]
    phase = np.exp(-1j * np.pi * np.arange(half) / half).astype(polar.dtype)
    result = np.zeros((*polar.shape[:-1], harmonics + 1), polar.dtype)
    even = scipy.fft.rfft(polar.real, axis=-1)
    odd = scipy.fft.fft(polar.imag * phase, axis=-1)
    count_even, count_odd = harmonics // 2 + 1, (harmonics + 1) // 2
    result[..., 0::2] = even[..., :count_even] / half
    result[..., 1::2] = 1j * odd[..., :count_odd] / half
    return result


def angular_samples(spectrum: np.ndarray, n_angles: int) -> np.ndarray:
    """Return samples on the half circle from angular harmonics: the inverse of :func:`angular_spectrum`."""
    half = n_angles // 2
    harmonics = spectrum.shape[-1] - 1
    phase = np.exp(1j * np.pi * np.arange(half) / half).astype(spectrum.dtype)
    even = np.zeros((*spectrum.shape[:-1], half // 2 + 1), spectrum.dtype)
    even[..., : harmonics // 2 + 1] = spectrum[..., 0::2]
    odd = np.zeros((*spectrum.shape[:-1], half), spectrum.dtype)
    count = (harmonics + 1) // 2
    odd[..., :count] = spectrum[..., 1::2]
    # the harmonics of negative odd q = -(2m + 1) fall on slot -(m + 1); they are -conj of the positive ones
    slots = half - 1 - np.arange(count)
    odd[..., slots] = -np.conj(spectrum[..., 1::2])
    real = scipy.fft.irfft(even, half, axis=-1, norm="forward")
    imaginary = (scipy.fft.ifft(odd, axis=-1, norm="forward") * phase).imag
    return real + 1j * imaginary.astype(real.dtype)


def offset_phases(grid: PolarGrid, offsets: np.ndarray) -> np.ndarray:
    """Return the phases that move an image by each offset in px (slots, 2), (slots, k, angles / 2)."""
    x, y = grid.frequencies()
    return np.exp(-2j * np.pi / grid.box * (offsets[:, 0, None, None] * x + offsets[:, 1, None, None] * y))


def _taps(position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first of the grid points around each position, and the kernel at all of them."""
    first = np.floor(position).astype(np.int64) - TAPS // 2 + 1
    distance = position[:, None] - (first[:, None] + np.arange(TAPS))
    inside = np.clip(1 - (2 * distance / TAPS) ** 2, 0, None)
    return first, np.i0(_BETA * np.sqrt(inside)).astype(np.float32)


def _kernel_transform(frequency: np.ndarray) -> np.ndarray:
    """Return the Fourier transform of the Kaiser–Bessel kernel at frequencies in cycles per grid point."""
    root = np.sqrt((_BETA**2 - (np.pi * TAPS * frequency) ** 2).astype(complex))
    return (TAPS * np.sinh(root) / root).real
