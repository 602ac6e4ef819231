"""Half planes of large images: transforms of which only the low frequencies are kept, made a few rows at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft

ROWS = 64
"""Rows that are transformed at once: they stay in the processor's cache."""


def cropped_transform(
    image: np.ndarray, out: np.ndarray, *, prepare: Callable[[slice], np.ndarray] | None = None
) -> None:
    """Write the low frequencies of an image into ``out``, divided by the number of pixels.

    image    (y, x) float32
    out      (rows, columns) complex64: rows of ky 0, 1 … and … -2, -1, columns of kx 0, 1 …; as many as there are of
             each, at most those of the image
    prepare  gives the rows of a slice as they are to be transformed; by default as they are
    """
    rows, half = len(image), out.shape[0] // 2
    along_x = np.empty((rows, out.shape[1]), np.complex64)
    for start in range(0, rows, ROWS):
        some = slice(start, min(start + ROWS, rows))
        given = image[some] if prepare is None else prepare(some)
        along_x[some] = scipy.fft.rfft(given, axis=1, norm="forward")[:, : out.shape[1]]
    ft = scipy.fft.fft(along_x, axis=0, norm="forward", overwrite_x=True)
    out[: len(out) - half], out[len(out) - half :] = ft[: len(out) - half], ft[rows - half :]
