"""Gain references and detector defects, as they are applied to frames read by :mod:`relionlab.io.movies`.

A gain is what a raw frame is multiplied with; 0 marks a pixel that gives nothing. Rows are RELION's (a TIFF file is
turned upside down). What RELION 3.1.3 does with rotation, flip and the kinds of gain file was found by running it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from relionlab.errors import ImageError, InputError, ParameterError
from relionlab.io.compression import read_bytes
from relionlab.io.movies import TIFF_ENDINGS

PathLike = str | os.PathLike[str]

GAIN_ENDING = ".gain"


def read_gain(
    path: PathLike,
    *,
    rotation: int = 0,
    flip: int = 0,
    for_eer: bool = False,
    upsampling: int = 1,
) -> np.ndarray:
    """Return the gain to multiply frames with, float32 (y, x).

    path        MRC, TIFF, or EPU's .gain (a TIFF file whose rows lie as those of the EER movie)
    rotation    0 to 3 times 90° clockwise, seen with row 0 at the top (``--gain_rot``); it comes before the flip
    flip        0: not, 1: upside down (y), 2: left to right (x) (``--gain_flip``)
    for_eer     the movie is EER: a gain in MRC or TIFF then holds the pixels' sensitivity, by which frames are divided
                (its inverse is returned, 0 stays 0, mean 1 over good pixels); .gain multiplies as it is, as in RELION
    upsampling  EER upsampling: a gain for the detector's pixels is repeated 2 or 4 times (1 is not)

    Raises ImageError if it cannot be read, is no single image, or is 0 everywhere; ParameterError for another
    rotation or flip.
    """
    gain = _read_plane(Path(path), "gain reference")
    if not np.isfinite(gain).all() or (gain < 0).any() or not (gain > 0).any():
        raise ImageError(
            f"{path}: a gain reference must be finite, 0 or above, and not 0 everywhere; found values from "
            f"{np.nanmin(gain):.4g} to {np.nanmax(gain):.4g}. Check that it is the gain and not the dark reference."
        )
    if for_eer and Path(path).suffix.lower() != GAIN_ENDING:
        gain = _inverse(gain)
    gain = oriented(gain, rotation=rotation, flip=flip)
    factor = 2 ** (upsampling - 1)
    return np.ascontiguousarray(gain.repeat(factor, axis=0).repeat(factor, axis=1) if factor > 1 else gain)


def oriented(image: np.ndarray, *, rotation: int = 0, flip: int = 0) -> np.ndarray:
    """Return an image (y, x) turned by ``rotation`` times 90° clockwise and then flipped; see :func:`read_gain`."""
    if rotation not in (0, 1, 2, 3):
        raise ParameterError(f"--gain_rot {rotation}: expected 0, 1, 2 or 3 (times 90° clockwise).")
    if flip not in (0, 1, 2):
        raise ParameterError(f"--gain_flip {flip}: expected 0 (not), 1 (upside down) or 2 (left to right).")
    turned = np.rot90(image, -rotation)
    return {0: turned, 1: turned[::-1], 2: turned[:, ::-1]}[flip]


def equal_turns(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Say whether two pairs of rotation and flip do the same; see :func:`read_gain`."""
    marked = np.arange(6).reshape(2, 3)
    one, other = (oriented(marked, rotation=rotation, flip=flip) for rotation, flip in (first, second))
    return np.array_equal(one, other)


def check_gain(gain: np.ndarray, shape: tuple[int, int], *, path: PathLike, movie: PathLike) -> None:
    """Raise ImageError if a gain (y, x) does not fit frames of this shape (y, x)."""
    if gain.shape == shape:
        return
    swapped = gain.shape == shape[::-1]
    advice = (
        "Rotate it by 90° (--gain_rot 1 or 3)."
        if swapped
        else "Give the gain of this detector and mode (counting or super-resolution; of EER, mind the upsampling)."
    )
    raise ImageError(
        f"{path}: the gain reference has {gain.shape[1]}×{gain.shape[0]} px after rotation, but {movie} has frames of "
        f"{shape[1]}×{shape[0]} px. {advice}"
    )


def read_defects(path: PathLike, shape: tuple[int, int]) -> np.ndarray:
    """Return which pixels are defective, bool (y, x), in frames of ``shape`` (y, x).

    path  a text file with "x y width height" of one rectangle per line, in px from 0 (MotionCor2's and RELION's), or an
          image, MRC or TIFF, in which all but 0 is defective

    Raises InputError if a line is not four numbers or a rectangle lies outside, ImageError if a map does not fit.
    """
    place = Path(path)
    if place.suffix.lower() in (".mrc", ".mrcs", ".map", *TIFF_ENDINGS):
        bad = _read_plane(place, "defect map") != 0
        if bad.shape != shape:
            raise ImageError(
                f"{path}: the defect map has {bad.shape[1]}×{bad.shape[0]} px, the frames {shape[1]}×{shape[0]}. "
                "Give the map of this detector and mode."
            )
        return bad
    return _from_rectangles(place, shape)


def _from_rectangles(path: Path, shape: tuple[int, int]) -> np.ndarray:
    bad = np.zeros(shape, dtype=bool)
    text = read_bytes(path, InputError).decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        words = re.split(r"[\s,;]+", line.partition("#")[0].strip())
        if words == [""]:
            continue
        try:
            x, y, width, height = (int(word) for word in words)
        except ValueError:
            raise InputError(
                f"{path}, line {number}: found '{line.strip()[:60]}'; expected four whole numbers, x y width height, "
                "of a rectangle in px. (A defect map must end in .mrc or .tif.)"
            ) from None
        if x < 0 or y < 0 or width < 0 or height < 0 or x + width > shape[1] or y + height > shape[0]:
            raise InputError(
                f"{path}, line {number}: the rectangle x={x} y={y} {width}×{height} px reaches beyond the frames of "
                f"{shape[1]}×{shape[0]} px. Give the defects of this detector and mode, in the movies' orientation."
            )
        bad[y : y + height, x : x + width] = True
    return bad


def _inverse(gain: np.ndarray) -> np.ndarray:
    """Return 1/gain, scaled to a mean of 1 over the pixels that are not 0."""
    good = gain > 0
    return np.where(good, gain[good].mean(dtype=np.float64) / np.where(good, gain, 1), 0).astype(np.float32)


def _read_plane(path: Path, what: str) -> np.ndarray:
    """Return the only image of a file, float32."""
    ending = path.suffix.lower()
    if ending in (*TIFF_ENDINGS, GAIN_ENDING):
        from relionlab.io.tiff import decoded, open_tiff

        with open_tiff(path) as file:
            pages, plane = len(file.pages), decoded(path, file, 0)
        plane = plane if ending == GAIN_ENDING else plane[::-1]
    elif ending in (".dm4", ".dm3"):
        raise ImageError(
            f"{path} is a DigitalMicrograph file; expected a {what} in MRC or TIFF. Convert it with IMOD's dm2mrc."
        )
    else:
        from relionlab.io.images import open_image, read_stack

        pages, plane = open_image(path).frames, read_stack(path, [0])[0]
    if pages != 1 or plane.ndim != 2:
        raise ImageError(f"{path} holds {pages} images of shape {plane.shape}; expected one {what} (y, x).")
    return np.ascontiguousarray(plane, dtype=np.float32)
