"""Alterations of single images (y, x) and maps (z, y, x): boxes, shifts, mirrors, symmetry, blobs, spectra."""

from __future__ import annotations

import numpy as np
import scipy.fft
from scipy import ndimage

from relionlab.engine.maps.filters import axis_frequencies, falling_cosine, filtered, frequency_grid


def new_box(image: np.ndarray, side: int) -> np.ndarray:
    """Return the image cut down, or padded with zeros, to a side in px; the origin stays at n//2."""
    out = np.zeros((side,) * image.ndim, image.dtype)
    here, there = [], []
    for length in image.shape:
        first = length // 2 - side // 2
        here.append(slice(max(first, 0), min(first + side, length)))
        there.append(slice(max(-first, 0), max(-first, 0) + here[-1].stop - here[-1].start))
    out[tuple(there)] = image[tuple(here)]
    return out


def shifted(image: np.ndarray, shift_px: tuple[float, ...]) -> np.ndarray:
    """Return the image moved by (z,) y, x in px: interpolated linearly, zeros from outside."""
    if all(float(s).is_integer() for s in shift_px):
        return ndimage.shift(image, shift_px, order=0, mode="constant")
    return ndimage.shift(image, shift_px, order=1, mode="constant", prefilter=False)


def centre_of_mass(image: np.ndarray) -> np.ndarray:
    """Return the centre of mass of the positive values as (z,) y, x in px from the origin; zeros if there are none."""
    weights = np.maximum(image, 0).astype(np.float64)
    total = weights.sum()
    if total <= 0:
        return np.zeros(image.ndim)
    grids = np.ogrid[tuple(slice(-(n // 2), n - n // 2) for n in image.shape)]
    return np.array([float((weights * grid).sum() / total) for grid in grids])


def inverted_hand(image: np.ndarray) -> np.ndarray:
    """Return the mirror image in x about the origin n//2, so that symmetry axes stay; the edge is wrapped around."""
    return np.roll(image[..., ::-1], 1 if image.shape[-1] % 2 == 0 else 0, axis=-1)


def symmetrised(volume: np.ndarray, operations: np.ndarray) -> np.ndarray:
    """Return the mean of a map over the operations (m, 3, 3) of a point group; zeros come from outside of the box.

    Interpolated linearly, as RELION does.
    """
    middle = np.array([n // 2 for n in volume.shape])
    total = volume.astype(np.float64)
    for operation in operations[1:]:
        matrix = operation[::-1, ::-1]  # from x, y, z to z, y, x
        total += ndimage.affine_transform(
            volume, matrix, offset=middle - matrix @ middle, order=1, mode="constant", prefilter=False
        )
    return (total / len(operations)).astype(np.float32)


def directional_low_pass(image: np.ndarray, *, shell: int, half_edge: int, axis: int) -> np.ndarray:
    """Return the image low-pass filtered along one axis only, a raised cosine about the shell."""
    along = np.abs(axis_frequencies(image.shape)[axis]) * image.shape[axis]
    weights = np.broadcast_to(
        falling_cosine(along, shell - half_edge, shell + half_edge), frequency_grid(image.shape).shape
    )
    return filtered(image, weights.astype(np.float32))


def laplacian_of_gaussian(image: np.ndarray, diameter_px: float) -> np.ndarray:
    """Return the image filtered for blobs of a diameter: bright where one is.

    The response is 4a·exp(−2a), a = (diameter · frequency)²: a Gaussian of σ = diameter/π and its Laplacian.
    """
    a = (frequency_grid(image.shape) * diameter_px) ** 2
    return filtered(image, (4 * a * np.exp(-2 * a)).astype(np.float32))


def within_nyquist(image: np.ndarray) -> np.ndarray:
    """Return the image without frequencies beyond the Nyquist radius."""
    return filtered(image, (frequency_grid(image.shape) <= 0.5 + 1e-6).astype(np.float32))


def shell_of(shape: tuple[int, ...]) -> np.ndarray:
    """Return the shell of each value of the half transform, counted in 1/(last side)."""
    return np.floor(frequency_grid(shape) * shape[-1] + 0.5).astype(np.int64)


def radial_means(values: np.ndarray, shells: np.ndarray) -> np.ndarray:
    """Return the mean of values (as the shells) in each shell, as far as there are any."""
    counts = np.bincount(shells.ravel())
    return np.bincount(shells.ravel(), values.ravel().astype(np.float64)) / np.maximum(counts, 1)


def power_spectrum(image: np.ndarray) -> np.ndarray:
    """Return the mean of the squared modulus of the transform (divided by the number of px) in each shell."""
    return radial_means(np.abs(scipy.fft.rfftn(image, norm="forward")) ** 2, shell_of(image.shape))


def with_amplitudes_of(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the image scaled, shell by shell, to the other's mean amplitudes."""
    shells = shell_of(image.shape)
    mine, theirs = (radial_means(np.abs(scipy.fft.rfftn(one)), shells) for one in (image, other))
    gain = np.divide(theirs, mine, out=np.zeros_like(mine), where=mine > 0)
    return filtered(image, gain[shells].astype(np.float32))


def best_scale(image: np.ndarray, other: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Return the factor by which the other image fits the image best, in the mask if there is one (least squares)."""
    weights = np.ones_like(image) if mask is None else mask
    squares = float((weights * other.astype(np.float64) ** 2).sum())
    return float((weights * image.astype(np.float64) * other).sum()) / squares if squares > 0 else 0.0
