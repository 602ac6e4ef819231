"""Mean and deviation of many images, by which odd ones are told."""

from __future__ import annotations

import numpy as np

from relionlab.errors import ImageError, ParameterError
from relionlab.io.image_reader import ImageReader
from relionlab.jobs.context import Context


def image_statistics(context: Context, names: list[str]) -> np.ndarray:
    """Return (images, 2): mean and standard deviation of each image, read in pieces."""
    if not names:
        raise ParameterError("the list is empty: there is nothing to discard.")
    reader = ImageReader(names, context.directory)
    found = np.empty((len(names), 2))
    for start in range(0, len(names), 500):
        context.stop_if_asked()
        chosen = np.arange(start, min(start + 500, len(names)))
        images = reader.read(chosen).astype(np.float64)
        found[chosen, 0], found[chosen, 1] = images.mean(axis=(1, 2)), images.std(axis=(1, 2))
        context.progress(len(names) if chosen[-1] + 1 == len(names) else int(chosen[-1] + 1), len(names), "images")
    return found


def finite_statistics(context: Context, statistics: np.ndarray) -> np.ndarray:
    """Return statistics (images, 2) as they are; warn of images that hold no numbers, ImageError if none does."""
    bad = int((~np.isfinite(statistics).all(axis=1)).sum())
    if bad == len(statistics):
        raise ImageError(
            f"All {bad} images that were looked at hold NaN or infinite pixels; expected numbers: make them again."
        )
    if bad:
        context.warn(f"warning: {bad} of {len(statistics)} images hold NaN or infinite pixels and are discarded.")
    return statistics
