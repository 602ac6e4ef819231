"""Read a Fourier plane off its grid, and spread samples onto it: the loop inside a NUFFT.

Every sample has ``taps`` neighbours along each axis with separable weights. A plane is stored for y >= 0 only, with
``taps // 2`` rows of negative y put in front, so that no neighbour lies outside.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def gather(
    planes: np.ndarray, first_row: np.ndarray, columns: np.ndarray, weight_y: np.ndarray, weight_x: np.ndarray
) -> np.ndarray:
    """Return every plane at every sample.

    planes     (n, rows, width) complex64
    first_row  (samples,) first of the ``taps`` rows around a sample
    columns    (samples, taps) the columns around it, wrapped
    weight_y, weight_x  (samples, taps) float32
    result     (n, samples) complex64
    """
    count, samples, taps = planes.shape[0], first_row.shape[0], columns.shape[1]
    result = np.empty((count, samples), np.complex64)
    for image in range(count):
        plane = planes[image]
        for sample in range(samples):
            total = np.complex64(0)
            for a in range(taps):
                row = plane[first_row[sample] + a]
                line = np.complex64(0)
                for b in range(taps):
                    line += row[columns[sample, b]] * weight_x[sample, b]
                total += line * weight_y[sample, a]
            result[image, sample] = total
    return result


@numba.njit(nogil=True, cache=True)
def spread(
    values: np.ndarray,
    first_row: np.ndarray,
    columns: np.ndarray,
    weight_y: np.ndarray,
    weight_x: np.ndarray,
    rows: int,
    width: int,
) -> np.ndarray:
    """Return planes onto which the samples were spread: the transpose of :func:`gather`.

    values  (n, samples) complex128
    result  (n, rows, width) complex128
    """
    count, samples, taps = values.shape[0], first_row.shape[0], columns.shape[1]
    planes = np.zeros((count, rows, width), np.complex128)
    for image in range(count):
        plane = planes[image]
        for sample in range(samples):
            for a in range(taps):
                value = values[image, sample] * weight_y[sample, a]
                for b in range(taps):
                    plane[first_row[sample] + a, columns[sample, b]] += value * weight_x[sample, b]
    return planes
