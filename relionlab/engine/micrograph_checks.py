"""Whether a micrograph can be worked on at all: its pixels are numbers, and not all the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.engine.array import namespace, to_host
from relionlab.errors import ImageError

_LARGEST = 1e15
"""Grey value whose square, summed over a micrograph, single precision still holds."""


def check_finite(image: Any, *, least: float = 1.0, what: str = "micrograph") -> float:
    """Return the share of pixels (0 to 1) that are numbers; ImageError if it is below ``least``.

    image  (y, x), on the host or on a GPU
    """
    xp = namespace(image)
    with np.errstate(over="ignore", invalid="ignore"):
        if bool(xp.isfinite(image.sum(dtype=np.float64))):  # one bad pixel makes the sum bad
            return 1.0
    bad = ~np.isfinite(to_host(image))
    share = 1.0 - float(bad.mean())
    if share < least:
        y, x = np.argwhere(bad)[0]
        raise ImageError(
            f"the {what} holds {int(bad.sum())} NaN or infinite pixels ({100 * bad.mean():.3g} %), the first at x = {x}, y ="
            f" {y}; expected numbers. Make it again, or leave it out."
        )
    return share


def check_pixels(image: np.ndarray, *, least: float = 1.0) -> None:
    """Raise ImageError if too few pixels (y, x) are numbers (see :func:`check_finite`), or these are all the same."""
    finite = image if check_finite(image, least=max(least, 1e-6)) == 1 else image[np.isfinite(image)]
    check_contrast(float(finite.min()), float(finite.max()))


def check_contrast(lowest: float, highest: float, *, what: str = "micrograph") -> None:
    """Raise ImageError if the grey values between these two are all the same but for rounding, or too large to be squared."""
    largest = max(abs(lowest), abs(highest))
    if largest > _LARGEST:
        raise ImageError(
            f"the {what} holds grey values up to {largest:.3g}, too large to compute with; expected less than {_LARGEST:g}. Scale"
            " it, or leave it out."
        )
    if not highest - lowest > 1e-6 * max(largest, 1e-30):
        raise ImageError(
            f"the {what} is constant: all its pixels are {lowest:g}; expected an image. Look at it, and make it again or"
            " leave it out."
        )
