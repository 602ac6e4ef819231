"""Micrographs made ready for the eye: binned by whole pixels, band-passed without seams, and cut to black and white."""

from __future__ import annotations

import numpy as np
import scipy.fft

_EDGE = 0.1
"""Half the width of a filter's edge, as a share of its frequency."""
_LOOKED_AT = 250_000  # pixels from which median and deviation are taken
_ROWS_AT_ONCE = 1024


def binned(image: np.ndarray, factor: int) -> np.ndarray:
    """Return the means of squares of ``factor`` pixels: (y // factor, x // factor) float32.

    image  (y, x) numbers of any type, also mapped from a file; what is left at the lower and right edge is left away
    """
    rows, columns = (length // factor for length in image.shape)
    out = np.empty((rows, columns), dtype=np.float32)
    step = max(_ROWS_AT_ONCE // factor, 1)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        part = image[start * factor : stop * factor, : columns * factor]
        tall = part.reshape(stop - start, factor, -1).sum(axis=1, dtype=np.float32)
        out[start:stop] = tall.reshape(stop - start, columns, factor).sum(axis=2)
    out /= np.float32(factor * factor)
    return out


def band_passed(
    image: np.ndarray, pixel_size: float, *, low_pass: float | None = None, high_pass: float | None = None
) -> np.ndarray:
    """Return an image (y, x) without detail finer than ``low_pass`` and coarser than ``high_pass``, in Å.

    pixel_size  Å

    Cosine transforms mirror the image at its edges, so that a bright edge throws no shadow onto the opposite one.
    """
    if not low_pass and not high_pass:
        return np.asarray(image, dtype=np.float32)
    y, x = ((np.arange(n, dtype=np.float32) / (2 * n * pixel_size)) ** 2 for n in image.shape)
    frequency = np.sqrt(y[:, None] + x[None])
    weight = np.ones(image.shape, dtype=np.float32)
    if low_pass:
        weight *= _below(frequency, 1 / low_pass)
    if high_pass:
        weight *= 1 - _below(frequency, 1 / high_pass)
        weight[0, 0] = 1  # the mean stays: black and white may be given as grey values
    spectrum = scipy.fft.dctn(np.asarray(image, dtype=np.float32), workers=-1, overwrite_x=False)
    spectrum *= weight
    return scipy.fft.idctn(spectrum, workers=-1, overwrite_x=True)


def typical(image: np.ndarray) -> tuple[float, float]:
    """Return median and standard deviation of the grey values, the latter from the middle half, so that contamination
    does not count; (0, 1) where nothing is finite.
    """
    step = max(int(np.sqrt(image.size / _LOOKED_AT)), 1)
    values = image[::step, ::step]
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(middle), float(high - low) / 1.349 or 1.0  # of a normal distribution


def greys(image: np.ndarray, black: float, white: float) -> np.ndarray:
    """Return an image (y, x) as uint8: 0 at ``black`` and below, 255 at ``white`` and above; NaN is black.

    Where the two are the same all is an even grey.
    """
    if white == black:
        return np.full(image.shape, 128, dtype=np.uint8)
    scaled = (np.asarray(image, dtype=np.float32) - np.float32(black)) * np.float32(255 / (white - black))
    np.nan_to_num(scaled, copy=False, nan=0.0)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def _below(frequency: np.ndarray, limit: float) -> np.ndarray:
    """Return 1 below a frequency, 0 above it, and a raised cosine between."""
    low, high = limit * (1 - _EDGE), limit * (1 + _EDGE)
    turn = np.clip((frequency - low) / (high - low), 0, 1)
    turn *= np.float32(np.pi)
    return 0.5 + 0.5 * np.cos(turn)
