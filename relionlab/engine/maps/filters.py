"""Radial filters of images (y, x) and maps (z, y, x), of equal or unequal sides.

A filter is a function of the spatial frequency in cycles per pixel, 0 to 0.5 along an axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from relionlab.engine.array import fft_namespace, namespace


def frequency_grid(shape: tuple[int, ...]) -> np.ndarray:
    """Return the frequency in cycles per pixel of each value of the half transform of an array of this shape."""
    squares = np.zeros((1,) * len(shape))
    for line in axis_frequencies(shape):
        squares = squares + line**2
    return np.sqrt(squares).astype(np.float32)


def axis_frequencies(shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return the frequencies along each axis, each shaped to be added to the others; the last axis is the half one."""
    import scipy.fft

    lines = [scipy.fft.fftfreq(side) for side in shape[:-1]] + [scipy.fft.rfftfreq(shape[-1])]
    return [
        line.reshape([-1 if place == axis else 1 for place in range(len(shape))]) for axis, line in enumerate(lines)
    ]


def filtered(array: Any, weights: Any) -> Any:
    """Return the array (…, shape) with its transform multiplied by ``weights`` (half transform of the shape)."""
    xp, fft = namespace(array), fft_namespace(array)
    dimensions = weights.ndim
    axes = tuple(range(-dimensions, 0))
    shape = array.shape[-dimensions:]
    transform = fft.rfftn(array, axes=axes)
    transform *= xp.asarray(weights)
    return fft.irfftn(transform, s=shape, axes=axes, overwrite_x=True)


def radial(shape: tuple[int, ...], response: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the weights (half transform of the shape, float32) of a response to the frequency in cycles per pixel."""
    return np.asarray(response(frequency_grid(shape)), np.float32)


def low_pass(
    resolution: float, *, side: int, pixel_size: float, edge_shells: int = 2
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the response of a low-pass filter with a raised cosine edge about the shell nearest to the resolution.

    resolution   Å
    side         px; the edge is counted in shells of 1/side
    edge_shells  width of the edge; RELION takes half of it, rounded down, to either side
    """
    low, high = _edge(resolution, side=side, pixel_size=pixel_size, edge_shells=edge_shells)

    def response(frequency: np.ndarray) -> np.ndarray:
        return falling_cosine(frequency * side, low, high)

    return response


def high_pass(
    resolution: float, *, side: int, pixel_size: float, edge_shells: int = 2
) -> Callable[[np.ndarray], np.ndarray]:
    """Return the response of a high-pass filter: one less the low-pass filter's."""
    keep = low_pass(resolution, side=side, pixel_size=pixel_size, edge_shells=edge_shells)
    return lambda frequency: 1 - keep(frequency)


def temperature(b_factor: float, *, pixel_size: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the response exp(-B/4 · s²), s in 1/Å; negative B (Å²) sharpens."""
    return lambda frequency: np.exp(-b_factor / 4 * (frequency / pixel_size) ** 2)


def falling_cosine(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 1 up to ``low``, 0 from ``high`` on, and a raised cosine between."""
    if high <= low:
        return (values <= low).astype(np.float32)
    return 0.5 + 0.5 * np.cos(np.pi * np.clip((values - low) / (high - low), 0, 1))


def _edge(resolution: float, *, side: int, pixel_size: float, edge_shells: int) -> tuple[float, float]:
    shell = round_half_up(side * pixel_size / resolution)
    half = edge_shells // 2
    return max(shell - half, 0), shell + half


def round_half_up(value: float) -> int:
    """Return the nearest whole number, .5 away from zero as C does (not to the even one as Python does)."""
    return int(np.floor(abs(value) + 0.5) * (1 if value >= 0 else -1))
