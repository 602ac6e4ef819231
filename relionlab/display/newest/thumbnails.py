"""Small PNG pictures of large images, made without filters so that they are there at once."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from relionlab.io.images import read_image

LONGEST = 560
"""px of a micrograph's longer side on the screen, at most."""
_CUT = 3.0  # robust standard deviations beyond which grey values are cut


def thumbnail(path: str | Path, *, longest: int = LONGEST) -> tuple[np.ndarray, float]:
    """Return an image as uint8, binned so that its longer side is at most so many px, and px of it per px of the file."""
    image = np.asarray(read_image(path))
    image = image.reshape(image.shape[-2:])
    factor = max(1, -(-max(image.shape) // longest))
    rows, columns = (n // factor * factor for n in image.shape)
    binned = (
        image[:rows, :columns]
        .reshape(rows // factor, factor, columns // factor, factor)
        .mean(axis=(1, 3), dtype=np.float32)
    )
    middle = float(np.median(binned))
    spread = 1.4826 * float(np.median(np.abs(binned - middle))) or 1.0
    grey = np.clip((binned - middle) / (2 * _CUT * spread) + 0.5, 0, 1)
    return (255 * np.nan_to_num(grey)).astype(np.uint8), 1 / factor


def png(image: np.ndarray) -> bytes:
    """Return an image (y, x) or (y, x, 3), uint8, as a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def circled(image: np.ndarray, points: np.ndarray, colours: np.ndarray, *, radius: float) -> bytes:
    """Return a picture with a circle around each point, as a PNG.

    image    (y, x) uint8
    points   (n, 2) px
    colours  (n, 3) uint8
    radius   px
    """
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(image).convert("RGB")
    pen = ImageDraw.Draw(canvas)
    for (x, y), colour in zip(points.tolist(), colours.tolist(), strict=True):
        for width, ink in ((3, (32, 32, 32)), (2, tuple(colour))):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ink, width=width)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
