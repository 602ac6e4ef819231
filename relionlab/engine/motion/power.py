"""The power spectrum for CTF estimation: amplitudes of sums of a few frames each, added up and resampled.

Sums over about 4 e/Å² show the Thon rings best: longer ones lose what the dose and the motion within them take away,
shorter ones drown it in noise (McMullan, Vinothkumar & Henderson, Ultramicroscopy 158 (2015) 26).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
import scipy.sparse

from relionlab.engine.kernels.filtering import add_amplitudes
from relionlab.engine.motion.planes import cropped_transform
from relionlab.engine.motion.summing import spline_response

PIXEL_SIZE = 1.4
"""Å: finer images are binned to it first; Thon rings beyond 2.8 Å are not looked for."""


class PowerSpectrum:
    """Adds up amplitudes of sums of frames, as :func:`relionlab.engine.motion.summing.sum_frames` gives them.

    shape       (y, x) of the images
    pixel_size  of the images in Å
    size        of the square spectrum in px
    """

    def __init__(self, shape: tuple[int, int], pixel_size: float, size: int) -> None:
        self.pixel_size = max(pixel_size, PIXEL_SIZE)
        self.steps = [n * pixel_size / (size * self.pixel_size) for n in shape]  # bins of the transform per px
        rows, columns = (
            min(2 * math.ceil(step * size / 2), n - n % 2) for step, n in zip(self.steps, shape, strict=True)
        )
        self.shape, self.kept, self.size = shape, (rows, columns), size
        self._total = np.zeros((rows, columns // 2 + 1), np.float32)

    def add(self, image: np.ndarray) -> None:
        """Add the amplitudes of an image (y, x), its transform divided by the number of pixels."""
        plane = np.empty(self._total.shape, np.complex64)
        cropped_transform(image, plane)
        add_amplitudes(plane, self._total)

    def image(self) -> np.ndarray:
        """Return the spectrum (size, size) float32, zero frequency at size//2; its Nyquist is that of ``pixel_size``."""
        rows, columns = self.kept
        damped_y = spline_response(scipy.fft.fftfreq(rows, self.shape[0] / rows))  # by the sums' interpolation
        damped_x = spline_response(np.arange(columns // 2 + 1) / self.shape[1])
        plane = self._total / damped_y.astype(np.float32)[:, None] / damped_x.astype(np.float32)
        down, across = (_averaging(n, self.size, step=step) for n, step in zip(self.kept, self.steps, strict=True))
        right = down @ scipy.fft.fftshift(plane, axes=0)
        left = down @ scipy.fft.fftshift(np.roll(plane[::-1], 1, axis=0), axes=0)  # row ky holds that of -ky
        whole = np.hstack([left[:, columns // 2 : 0 : -1], right[:, : columns // 2]])
        return np.ascontiguousarray((across @ whole.T).T)


def grouped(frames: int, size: int) -> list[list[int]]:
    """Return groups of neighbouring frames, from 0; what is left over joins the last one, as in RELION."""
    size = max(min(size, frames), 1)
    starts = range(0, frames - size + 1, size)
    return [list(range(start, start + size if start + 2 * size <= frames else frames)) for start in starts]


@lru_cache(maxsize=4)
def _averaging(n: int, size: int, *, step: float) -> Any:
    """Return a sparse matrix (size, n) float32 that averages a centred spectrum of n bins over ``size`` of ``step`` bins each.

    Steps along y and x differ where the image is not square: one of them rounded would look like astigmatism.
    """
    bins = np.arange(n)
    centres = np.clip((np.arange(size) - size // 2) * step + n // 2, 0, n - 1)
    low = np.maximum((centres - step / 2)[:, None], bins - 0.5)
    high = np.minimum((centres + step / 2)[:, None], bins + 0.5)
    shared = np.clip(high - low, 0, None)
    return scipy.sparse.csr_array((shared / shared.sum(axis=1, keepdims=True)).astype(np.float32))
