"""Fourier transforms of centred images and maps, cropping, shells, shifts.

Spectra are half planes (…, n, n//2+1), forward normalised, with the phase origin at pixel n//2 (see
``relionlab.engine``). Square images, cubic maps.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft

from relionlab.engine.array import binned_sum, complex_dtype, fft_namespace, like, namespace, real_dtype


def rfft2_centred(images: np.ndarray) -> np.ndarray:
    """Transform images (…, n, n) to half planes (…, n, n//2+1), origin n//2, divided by n²."""
    return _forward(images, 2)


def irfft2_centred(ft: np.ndarray, n: int) -> np.ndarray:
    """Transform half planes (…, n, n//2+1) back to images (…, n, n); the inverse of :func:`rfft2_centred`."""
    return _inverse(ft, n, 2)


def rfft3_centred(maps: np.ndarray) -> np.ndarray:
    """Transform maps (…, n, n, n) to half spaces (…, n, n, n//2+1), origin n//2, divided by n³."""
    return _forward(maps, 3)


def irfft3_centred(ft: np.ndarray, n: int) -> np.ndarray:
    """Transform half spaces (…, n, n, n//2+1) back to maps (…, n, n, n); the inverse of :func:`rfft3_centred`."""
    return _inverse(ft, n, 3)


def crop_rfft2(ft: np.ndarray, n: int) -> np.ndarray:
    """Cut half planes (…, m, m//2+1) down, or pad them with zeros, to (…, n, n//2+1).

    The values at a common frequency stay, so grey values of the images stay too. As in RELION, the Nyquist row of the
    smaller size is the positive one, and padding leaves out the corners beyond the Nyquist radius.
    """
    return _crop(ft, n, 2)


def crop_rfft3(ft: np.ndarray, n: int) -> np.ndarray:
    """Cut half spaces (…, m, m, m//2+1) down, or pad them with zeros, to (…, n, n, n//2+1)."""
    return _crop(ft, n, 3)


def resize(images: np.ndarray, n: int) -> np.ndarray:
    """Rescale images (…, m, m) to (…, n, n) by cropping or padding their transform; the origin stays at n//2.

    The grey values stay as they are; the pixel size becomes m/n times what it was.
    """
    if images.shape[-1] == n:
        return images
    return irfft2_centred(crop_rfft2(rfft2_centred(images), n), n)


def resize_map(maps: np.ndarray, n: int) -> np.ndarray:
    """Rescale maps (…, m, m, m) to (…, n, n, n) by cropping or padding their transform; the origin stays at n//2."""
    if maps.shape[-1] == n:
        return maps
    return irfft3_centred(crop_rfft3(rfft3_centred(maps), n), n)


@lru_cache(maxsize=32)
def radius_squared(n: int, dimensions: int = 2) -> np.ndarray:
    """Return the squared radius in Fourier pixels of a half plane (n, n//2+1), or half space, float64."""
    line = scipy.fft.fftfreq(n, 1 / n)
    axes = [line] * (dimensions - 1) + [np.arange(n // 2 + 1)]
    total = np.zeros((1,) * dimensions)
    for axis, values in enumerate(axes):
        total = total + values.reshape([-1 if a == axis else 1 for a in range(dimensions)]) ** 2
    return total


@lru_cache(maxsize=32)
def radial_index(n: int, dimensions: int = 2) -> np.ndarray:
    """Return the shell of each pixel of a half plane (n, n//2+1), or half space: the rounded radius, int64."""
    index = np.floor(np.sqrt(radius_squared(n, dimensions)) + 0.5).astype(np.int64)
    index.setflags(write=False)
    return index


@lru_cache(maxsize=32)
def hermitian_weights(n: int) -> np.ndarray:
    """Return how often each column of a half plane occurs in the full plane: 1 or 2, shape (n//2+1,), float64."""
    weights = np.full(n // 2 + 1, 2.0)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    weights.setflags(write=False)
    return weights


def radial_average(power: np.ndarray, n: int) -> np.ndarray:
    """Average over shells, each pixel of the half plane counted once, as RELION does.

    power  (…, n, n//2+1) real values, as the squared modulus
    Returns (…, n//2+1) float64: shells 0 … n//2.
    """
    xp = namespace(power)
    shells = like(radial_index(n), power)
    counts = binned_sum(xp.ones(shells.shape), shells, n // 2 + 1)
    return binned_sum(power, shells, n // 2 + 1) / counts


def frequencies(n: int, pixel_size: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return x (1, n//2+1) and y (n, 1) frequencies of a half plane in 1/Å (cycles per px if ``pixel_size`` is 1).

    With even n the Nyquist row is +1/2, as in RELION.
    """
    x = np.arange(n // 2 + 1)[None] / (n * pixel_size)
    y = scipy.fft.fftfreq(n, 1 / n)
    if n % 2 == 0:
        y[n // 2] = n // 2
    return x, y[:, None] / (n * pixel_size)


def shift_phases(n: int, shifts_px: np.ndarray) -> np.ndarray:
    """Return what to multiply half planes with to move the images.

    shifts_px  (…, 2) x and y in px; positive moves right and down (to larger indices)
    Returns (…, n, n//2+1), complex64 for float32 shifts, complex128 for float64.
    """
    xp = namespace(shifts_px)
    x, y = (like(axis, shifts_px).astype(real_dtype(shifts_px)) for axis in frequencies(n))
    turn = complex_dtype(shifts_px).type(-2j * np.pi)
    along_x = xp.exp(turn * (x * shifts_px[..., 0, None, None]))
    along_y = xp.exp(turn * (y * shifts_px[..., 1, None, None]))
    return along_y * along_x


def shift(images: np.ndarray, shifts_px: np.ndarray) -> np.ndarray:
    """Move images (…, n, n) by x and y (…, 2) in px, with wrap-around; positive moves right and down."""
    n = images.shape[-1]
    phases = shift_phases(n, shifts_px.astype(real_dtype(images)))
    return irfft2_centred(rfft2_centred(images) * phases, n)


# --- the transforms themselves ----------------------------------------------------------------------------------


def _forward(x: np.ndarray, dimensions: int) -> np.ndarray:
    n, axes = x.shape[-1], tuple(range(-dimensions, 0))
    fft = fft_namespace(x)
    if n % 2:
        return fft.rfftn(fft.ifftshift(x, axes=axes), axes=axes, norm="forward")
    ft = fft.rfftn(x, axes=axes, norm="forward")
    ft *= _checkerboard(ft, n, dimensions)
    return ft


def _inverse(ft: np.ndarray, n: int, dimensions: int) -> np.ndarray:
    axes = tuple(range(-dimensions, 0))
    fft = fft_namespace(ft)
    if n % 2:
        return fft.fftshift(fft.irfftn(ft, s=(n,) * dimensions, axes=axes, norm="forward"), axes=axes)
    centred = ft * _checkerboard(ft, n, dimensions)
    return fft.irfftn(centred, s=(n,) * dimensions, axes=axes, norm="forward", overwrite_x=True)


def _checkerboard(ft: Any, n: int, dimensions: int) -> Any:
    """Return ±1: moving the origin by n/2 is a change of sign, cheaper than moving the pixels."""
    xp = namespace(ft)
    line = (1 - 2 * (xp.arange(n) % 2)).astype(real_dtype(ft))
    signs = line[: n // 2 + 1]
    for axis in range(1, dimensions):
        signs = line.reshape((n,) + (1,) * axis) * signs
    return signs


def _crop(ft: np.ndarray, n: int, dimensions: int) -> np.ndarray:
    m = ft.shape[-2]
    if m == n:
        return ft
    xp, small = namespace(ft), min(m, n)
    out = xp.zeros((*ft.shape[:-dimensions], *(n,) * (dimensions - 1), n // 2 + 1), ft.dtype)
    if m < n:  # corners would be without their Friedel mates in the larger transform
        ft = ft * like(radius_squared(m, dimensions) <= (m // 2) ** 2, ft)
    positive, negative = small // 2 + 1, small - small // 2 - 1
    halves = [slice(0, positive), slice(-negative, None)] if negative else [slice(0, positive)]
    for corner in np.ndindex(*(len(halves),) * (dimensions - 1)):
        window = (..., *(halves[c] for c in corner), slice(0, positive))
        out[window] = ft[window]
    return out
