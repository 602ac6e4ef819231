"""Cutting particle boxes out of a micrograph, as relion_preprocess --extract does.

RELION cuts at whole pixels: the fraction of a coordinate is cut off (towards zero), and the pixel of that number becomes
pixel n//2 of the box. Where a box reaches beyond the micrograph the nearest pixel of the rim is repeated. Measured on
relion_preprocess 3.1.3 with micrographs whose grey values tell their place.
"""

from __future__ import annotations

import numpy as np

from relionlab.engine.array import like, namespace
from relionlab.engine.fourier import irfft2_centred, rfft2_centred


def whole_pixels(centres: np.ndarray) -> np.ndarray:
    """Return the pixels (N, 2), int64, at which boxes about centres (N, 2) in px are cut: without their fractions."""
    return np.trunc(np.asarray(centres, dtype=np.float64)).astype(np.int64)


def coverage(centres: np.ndarray, box: int, shape: tuple[int, int]) -> np.ndarray:
    """Return which fraction of each box lies inside the micrograph, (N,) from 0 (outside) to 1.

    centres  (N, 2) x and y in px
    box      side in px
    shape    (y, x) of the micrograph in px
    """
    low = whole_pixels(centres) - box // 2
    size = np.array(shape[::-1])
    inside = np.clip(np.minimum(low + box, size) - np.maximum(low, 0), 0, None)
    return inside.prod(axis=1) / box**2


def cut_boxes(micrograph: np.ndarray, centres: np.ndarray, box: int) -> np.ndarray:
    """Cut boxes (N, box, box) out of a micrograph (y, x).

    centres  (N, 2) x and y in px; their fractions are cut off
    Beyond the rim its nearest pixel is repeated. Boxes without any pixel inside are cut all the same (one grey value
    or stripes): leave them out by :func:`coverage`.
    """
    xp = namespace(micrograph)
    height, width = micrograph.shape
    low = whole_pixels(centres) - box // 2
    line = np.arange(box)
    out = xp.empty((len(low), box, box), micrograph.dtype)
    for place, (x, y) in enumerate(low.tolist()):
        if 0 <= x <= width - box and 0 <= y <= height - box:
            out[place] = micrograph[y : y + box, x : x + box]
            continue
        rows, columns = np.clip(y + line, 0, height - 1), np.clip(x + line, 0, width - 1)
        out[place] = micrograph[like(rows, micrograph)[:, None], like(columns, micrograph)[None, :]]
    return out


def multiplied(boxes: np.ndarray, ctf: np.ndarray) -> np.ndarray:
    """Return boxes (N, n, n) with their transforms multiplied by the CTF (N, n, n//2+1), or by its sign.

    RELION 3.1.3 does this box by box, not to the whole micrograph, so what a CTF delocalises beyond the box is lost or
    comes in on the other side: cut larger boxes first and window them afterwards. For boxes that reach beyond the
    micrograph RELION repeats the rim only after the multiplication, with zeros before, and rings from that step;
    here the rim is repeated first, so such boxes (and no others) differ from RELION's.
    """
    return irfft2_centred(rfft2_centred(boxes) * ctf, boxes.shape[-1])


def recentred(
    centres: np.ndarray,
    origins_px: np.ndarray,
    *,
    rotations: np.ndarray | None = None,
    point_px: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return where boxes must be cut to bring the refined origins into their middle, and the offsets that remain.

    centres     (N, 2) old coordinates, x and y in px of the micrograph
    origins_px  (N, 2) refined origin offsets (rlnOriginX/YAngst) in px of the micrograph
    rotations   (N, 3, 3) the particles' matrices, and
    point_px    (3,) x, y, z of the point of the reference that shall become the centre, in px of the micrograph

    The particle lies at ``centre - origin``. Whole pixels go into the new centres (rounded half away from zero, as
    RELION does), and the remainder, at most half a pixel, into the new origins (N, 2) in px.
    """
    wanted = np.array(origins_px, dtype=np.float64)
    if rotations is not None and point_px is not None:
        wanted = wanted - (np.asarray(rotations) @ np.asarray(point_px, dtype=np.float64))[:, :2]
    whole = np.sign(wanted) * np.floor(np.abs(wanted) + 0.5)
    return np.asarray(centres) - whole, wanted - whole
