"""Parts of micrographs for the screen: cut out, binned, filtered, and turned into greys."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from relionlab.engine.maps.filters import falling_cosine, frequency_grid

_EDGE = 0.1  # of a limit: half the width of a filter's edge


def cut_out(image: np.ndarray, centre: tuple[float, float], side: float, *, most: int) -> tuple[np.ndarray, float]:
    """Return a square part of an image (y, x), binned by a whole number to about ``most`` px, and that number.

    centre, side  x and y of its middle, and its side, in px; what lies beyond the image is left out
    """
    half = side / 2
    (x0, x1), (y0, y1) = (
        (max(round(middle - half), 0), min(round(middle + half), length))
        for middle, length in zip(centre, image.shape[::-1], strict=True)
    )
    part = image[y0:y1, x0:x1]
    factor = max(int(max(part.shape) / most), 1)
    if factor == 1:
        return np.ascontiguousarray(part, np.float32), 1.0
    rows, columns = (length // factor * factor for length in part.shape)
    binned = part[:rows, :columns].reshape(rows // factor, factor, columns // factor, factor)
    return binned.mean(axis=(1, 3), dtype=np.float32), float(factor)


def band_passed(image: np.ndarray, *, low_pass: float, high_pass: float, pixel_size: float) -> np.ndarray:
    """Return an image (y, x) without what is finer than ``low_pass`` or coarser than ``high_pass``, in Å; 0: no filter."""
    if low_pass <= 2 * pixel_size and high_pass <= 0:
        return image
    spectrum = scipy.fft.rfft2(image)
    frequency = _frequencies(image.shape)
    if low_pass > 2 * pixel_size:
        limit = pixel_size / low_pass
        spectrum *= falling_cosine(frequency, (1 - _EDGE) * limit, (1 + _EDGE) * limit)
    if high_pass > 0:
        limit = pixel_size / high_pass
        keep = 1 - falling_cosine(frequency, (1 - _EDGE) * limit, (1 + _EDGE) * limit)
        keep[0, 0] = 1
        spectrum *= keep
    return scipy.fft.irfft2(spectrum, image.shape).astype(np.float32)


def contrasted(image: np.ndarray, *, sigma: float) -> np.ndarray:
    """Return an image as uint8: black and white lie ``sigma`` deviations from the mean; 0: at the extremes."""
    if sigma > 0:
        mean, deviation = float(image.mean()), float(image.std())
        low, high = mean - sigma * deviation, mean + sigma * deviation
    else:
        low, high = float(image.min()), float(image.max())
    if not high > low:
        return np.full(image.shape, 128, np.uint8)
    return (np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)


@lru_cache(maxsize=8)
def _frequencies(shape: tuple[int, int]) -> np.ndarray:
    return frequency_grid(shape).astype(np.float32)
