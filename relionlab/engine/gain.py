"""Which way round a gain reference lies, and which pixels of a detector are not to be trusted.

A pixel of sensitivity s counts s × what falls on it. In the sum of many frames the specimen is smooth from pixel to
pixel and shot noise is small, so the fixed pattern stands out: the sum divided by its surroundings. A gain that fits
takes this pattern away, any other orientation adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.ndimage

from relionlab.engine.kernels.pixels import suspicious
from relionlab.errors import ComputeError, ImageError

_SURROUNDINGS = 7
"""px over which a pixel is compared with its neighbours."""
_MOST_DEVIATION = 0.5  # of one pixel from its surroundings; beyond, it is a defect and says nothing of the gain
_HOT = 6.0
_AROUND = 5
_BLOCK = 128


@dataclass(frozen=True, order=True)
class GainFit:
    """How well a gain fits in one orientation.

    residual   standard deviation of the fixed pattern that is left, relative to the mean; lower is better
    rotation   times 90° clockwise, before the flip (``--gain_rot``)
    flip       0 not, 1 upside down, 2 left to right (``--gain_flip``)
    divides    frames are to be divided by the file's values, not multiplied
    """

    residual: float
    rotation: int
    flip: int
    divides: bool


@dataclass(frozen=True)
class GainOrientation:
    """The orientation found.

    rotation, flip, divides  of the best fit; see GainFit
    without                  residual without any gain
    margin                   how many standard errors the best fit lies below the second best
    decided                  the gain fits better than none, and clearly better than any other way round
    scores                   all fits, the best one first
    """

    rotation: int
    flip: int
    divides: bool
    without: float
    margin: float
    decided: bool
    scores: tuple[GainFit, ...]

    def __iter__(self) -> Any:
        """Unpack as rotation, flip, scores."""
        return iter((self.rotation, self.flip, self.scores))


def find_orientation(frame_sum: np.ndarray, gain: np.ndarray, *, bad: np.ndarray | None = None) -> GainOrientation:
    """Find how a gain is to be turned to fit: four rotations, each with and without flip, multiplied or divided.

    frame_sum  (y, x) sum of raw frames, better of several movies; the more electrons per pixel, the surer
    gain       (y, x) or (x, y) as it lies in its file; 0 marks dead pixels
    bad        (y, x) pixels to leave out, bool

    Rotations that do not fit the frames' shape are left out. Raises ImageError if none does, ComputeError if the sum
    is constant.
    """
    pattern = _pattern(frame_sum)
    trusted = np.isfinite(pattern) & (np.abs(pattern) < _MOST_DEVIATION)
    if bad is not None:
        trusted &= ~bad
    if not trusted.any() or float(pattern[trusted].std()) == 0:
        raise ComputeError("The sum of frames is constant: no pattern of the detector is seen. Sum more, real frames.")
    fits, values = [], []
    for rotation, flip in ((r, f) for f in (0, 1) for r in range(4)):
        turned = np.rot90(gain, -rotation)
        turned = turned[::-1] if flip else turned
        if turned.shape != frame_sum.shape:
            continue
        alive = trusted & (turned > 0)
        sensitivity = _pattern(np.where(turned > 0, turned, np.nan))
        for divides in (False, True):
            factor = sensitivity if not divides else 1 / (1 + sensitivity) - 1
            left = ((1 + pattern) * (1 + factor) - 1)[alive & np.isfinite(factor)]
            fits.append(GainFit(_deviation(left), rotation, flip, divides))
            values.append(len(left))
    if not fits:
        raise ImageError(
            f"The gain has {gain.shape[1]}×{gain.shape[0]} px, the frames {frame_sum.shape[1]}×{frame_sum.shape[0]}: it "
            "fits in no orientation. Give the gain of this detector and mode (counting or super-resolution)."
        )
    scores = tuple(sorted(fits))
    best, without = scores[0], _deviation(pattern[trusted])
    error = best.residual / np.sqrt(2 * min(values))
    margin = float((scores[1].residual - best.residual) / error)
    decided = best.residual < without - 5 * error and margin > 5
    return GainOrientation(best.rotation, best.flip, best.divides, without, margin, decided, scores)


def takes_pattern_away(frame_sum: np.ndarray, gain: np.ndarray, *, most: int = 1024) -> bool:
    """Say whether the fixed pattern of a sum of raw frames is less after it is multiplied with a gain, both (y, x).

    most  px along either side of the middle part that is looked at; a million pixels tell 1 in 1000
    """
    middle = tuple(slice((side - min(side, most)) // 2, (side + min(side, most)) // 2) for side in frame_sum.shape)
    before, after = _pattern(frame_sum[middle]), _pattern(frame_sum[middle] * gain[middle])
    usual = max(
        _MOST_DEVIATION, 4 / np.sqrt(max(float(frame_sum[middle].mean()), 1e-3))
    )  # few counts deviate by chance
    trusted = np.isfinite(before) & np.isfinite(after) & (np.abs(before) < usual)
    return bool(trusted.any()) and _deviation(after[trusted]) < _deviation(before[trusted])


def find_hot_pixels(frame_sum: np.ndarray, *, deviations: float = _HOT) -> np.ndarray:
    """Return pixels of a gain-corrected sum that are far too bright or dark for their surroundings, or dead: bool (y, x).

    deviations  how many standard deviations count as far; 6 keeps a specimen's own structure, because it is smooth

    A pixel is compared with the median of the 5 × 5 around it, in units of the deviation of its part of the image, so
    that contamination neither hides nor makes hot pixels. Dead lines and patches are found where pixels count less
    than a tenth of their part of the image, if this has 16 electrons per pixel or more.
    """
    finite = np.isfinite(frame_sum)
    image = np.where(finite, frame_sum, 0).astype(np.float32)
    away = image - scipy.ndimage.uniform_filter(image, _AROUND, mode="nearest")
    places = tuple(_between(edges) for edges in _edges(image.shape))
    spreads, levels = _spreads(_blocks(away)), _blocks(image).mean(axis=-1)
    floor = float(1e-6 * max(float(np.abs(image).max()), 1e-30))
    # the mean is quick, but a hot pixel draws its neighbours' along: half of the threshold is suspicious
    y, x, threshold, dead = suspicious(image, away, spreads, levels, places[0], places[1], deviations, floor)
    bad = ~finite
    bad |= dead
    step = 1 << 16
    for start in range(0, len(y), step):
        rows, columns = y[start : start + step], x[start : start + step]
        bad[rows, columns] |= (
            np.abs(image[rows, columns] - _medians(image, rows, columns)) > threshold[start : start + step]
        )
    return bad


def _pattern(image: np.ndarray) -> np.ndarray:
    """Return by how much each pixel exceeds its surroundings, relative to them; NaN where they are dead."""
    alive = np.isfinite(image) & (image > 0)
    values = np.where(alive, image, 0).astype(np.float64)
    share = scipy.ndimage.uniform_filter(alive.astype(np.float64), _SURROUNDINGS, mode="nearest")
    around = scipy.ndimage.uniform_filter(values, _SURROUNDINGS, mode="nearest")
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(alive & (around > 0), values * share / around - 1, np.nan)


def _deviation(values: np.ndarray) -> float:
    """Return the standard deviation without the outermost values: hot pixels must not decide."""
    low, high = np.quantile(values, (0.001, 0.999))
    return float(np.clip(values, low, high).std())


def _medians(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the medians of the surroundings of some pixels."""
    half = _AROUND // 2
    y, x = (offset.ravel() for offset in np.mgrid[-half : half + 1, -half : half + 1])
    around_y = np.clip(rows[:, None] + y, 0, image.shape[0] - 1)
    around_x = np.clip(columns[:, None] + x, 0, image.shape[1] - 1)
    return np.median(image[around_y, around_x], axis=1)


def _spreads(values: np.ndarray) -> np.ndarray:
    """Return standard deviations along the last axis that a few extreme values do not change, float32.

    They are not 0 for sparse counts.
    """
    ordered = np.sort(values, axis=-1)
    count = ordered.shape[-1]
    low, middle, high = (ordered[..., round(share * (count - 1)), None] for share in (0.005, 0.5, 0.995))
    robust = 1.4826 * np.sort(np.abs(ordered - middle), axis=-1)[..., round(0.5 * (count - 1))]
    return np.maximum(robust, np.clip(ordered, low, high).std(axis=-1)).astype(np.float32)


def _edges(shape: tuple[int, ...]) -> list[np.ndarray]:
    """Return where the blocks begin, and the last one ends, along each axis."""
    return [np.linspace(0, side, max(side // _BLOCK, 1) + 1).astype(int) for side in shape]


def _blocks(image: np.ndarray) -> np.ndarray:
    """Return every second pixel along y and x of each block, (down, across, pixels)."""
    picked = [edges[:-1, None] + np.arange(0, np.diff(edges).min(), 2) for edges in _edges(image.shape)]
    chosen = image[picked[0][:, None, :, None], picked[1][None, :, None, :]]
    return chosen.reshape(*chosen.shape[:2], -1)


def _between(edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for every pixel along an axis, the block whose middle is before it, and how far it is to the next one's."""
    last = len(edges) - 2
    at = np.interp(np.arange(edges[-1]) + 0.5, (edges[:-1] + edges[1:]) / 2, np.arange(last + 1))
    below = np.minimum(at.astype(np.int64), max(last - 1, 0))
    return below, (at - below).astype(np.float32)
