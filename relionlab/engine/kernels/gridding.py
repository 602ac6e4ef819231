"""Read a Fourier plane off its grid, and spread samples onto it: the loop inside a NUFFT.

Every sample has ``taps`` neighbours along each axis with separable weights. A plane is stored for y >= 0 only, with
``taps // 2`` rows of negative y put in front, so that no neighbour lies outside.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from relionlab.engine.array import namespace


def gather(planes: Any, first_row: Any, columns: Any, weight_y: Any, weight_x: Any) -> Any:
    """Return every plane at every sample.

    planes     (n, rows, width) complex64
    first_row  (samples,) first of the ``taps`` rows around a sample
    columns    (samples, taps) the columns around it, wrapped
    weight_y, weight_x  (samples, taps) float32
    result     (n, samples) complex64
    """
    body = gather_on_cpu if namespace(planes) is np else gather_arrays
    return body(planes, first_row, columns, weight_y, weight_x)


def spread(values: Any, first_row: Any, columns: Any, weight_y: Any, weight_x: Any, rows: int, width: int) -> Any:
    """Return planes onto which the samples were spread: the transpose of :func:`gather`.

    values  (n, samples) complex128
    result  (n, rows, width) complex128
    """
    body = spread_on_cpu if namespace(values) is np else spread_arrays
    return body(values, first_row, columns, weight_y, weight_x, rows, width)


def gather_arrays(planes: Any, first_row: Any, columns: Any, weight_y: Any, weight_x: Any) -> Any:
    """Do as :func:`gather` in whole-array operations: the body for a GPU, and the readable one."""
    result = namespace(planes).zeros((len(planes), len(first_row)), np.complex64)
    for a, b in np.ndindex(weight_y.shape[1], weight_x.shape[1]):
        result += planes[:, first_row + a, columns[:, b]] * (weight_y[:, a] * weight_x[:, b])
    return result


def spread_arrays(
    values: Any, first_row: Any, columns: Any, weight_y: Any, weight_x: Any, rows: int, width: int
) -> Any:
    """Do as :func:`spread` in whole-array operations: the body for a GPU, and the readable one."""
    xp = namespace(values)
    planes = xp.zeros((len(values), rows * width), np.complex128)
    for a, b in np.ndindex(weight_y.shape[1], weight_x.shape[1]):
        place = (first_row.astype(np.int64) + a) * width + columns[:, b]
        weighted = values * (weight_y[:, a] * weight_x[:, b])
        for plane, parts in zip(planes, weighted, strict=True):
            plane += xp.bincount(place, weights=parts.real, minlength=rows * width)
            plane += 1j * xp.bincount(place, weights=parts.imag, minlength=rows * width)
    return planes.reshape(-1, rows, width)


@numba.njit(nogil=True, cache=True, fastmath=True)
def gather_on_cpu(
    planes: np.ndarray, first_row: np.ndarray, columns: np.ndarray, weight_y: np.ndarray, weight_x: np.ndarray
) -> np.ndarray:
    """Do as :func:`gather`, sample by sample."""
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
def spread_on_cpu(
    values: np.ndarray,
    first_row: np.ndarray,
    columns: np.ndarray,
    weight_y: np.ndarray,
    weight_x: np.ndarray,
    rows: int,
    width: int,
) -> np.ndarray:
    """Do as :func:`spread`, sample by sample."""
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
