"""The corrected micrograph: every frame moved by its shift and added up, weighted by dose or not, and binned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from relionlab.engine.kernels.filtering import add_filtered
from relionlab.engine.kernels.warping import add_warped
from relionlab.engine.motion.dose import few_sums, weights
from relionlab.engine.motion.model import field_at

TOGETHER = 4
"""Frames that are added up at once."""
RINGS = 512
"""Frequencies at which the dose weights are tabled; linear between them."""


@dataclass(frozen=True)
class DoseWeighting:
    """What dose weighting has to know.

    doses       (frames,) e/Å² when each frame ends
    voltage     kV
    pixel_size  Å
    """

    doses: np.ndarray
    voltage: float
    pixel_size: float


@dataclass(frozen=True)
class Sums:
    """What came of a movie; images (y, x) float32 in the frames' own pixels.

    plain     sum of the corrected frames
    weighted  dose-weighted sum, None if it was not asked for
    """

    plain: np.ndarray | None
    weighted: np.ndarray | None


def sum_frames(
    read: Callable[[int], np.ndarray],
    shifts: np.ndarray,
    model: np.ndarray | None,
    *,
    dose: DoseWeighting | None = None,
    plain: bool = True,
    output: tuple[int, int] | None = None,
    groups: Sequence[Sequence[int]] = (),
    on_group: Callable[[np.ndarray], None] = lambda _: None,
) -> Sums:
    """Return the sums of the frames, each moved by its global and local shift.

    read      gives frame n, float32 (y, x), with gain, without defects
    shifts    (frames, 2) global, px
    model     (2, 6, 3) local, or None
    dose      for the weighted sum
    plain     whether to make the plain sum
    output    (y, x) to which the images are binned, by cropping their transforms
    groups    frames, from 0, each in one of them, whose plain sums are given to ``on_group``, in the frames' own
              pixels, in order
    """
    frames = len(shifts)
    first = read(0)
    shape = first.shape
    factors, curves = _weighting(dose, frames)
    number = len(curves) + int(plain)
    shares = np.hstack([factors, np.ones((frames, number + bool(groups) - len(curves)))]).astype(np.float32)
    fields = _fields(shifts, model)
    sums = np.zeros((number + bool(groups), *shape), np.float32)
    images = np.empty((min(TOGETHER, frames), *shape), np.float32)
    for group in groups or [range(frames)]:
        for start in range(0, len(group), len(images)):
            some = list(group[start : start + len(images)])
            for place, n in enumerate(some):
                images[place] = first if n == 0 else read(n)
            add_warped(images[: len(some)], fields[some, 0], fields[some, 1], shares[some], sums)
        if groups:
            on_group(sums[-1])
            sums[-1] = 0
    weighted = _finished(sums[: len(curves)], shape, curves, output) if dose is not None else None
    flat = _finished(sums[len(curves) : number], shape, np.ones((1, 2)), output) if plain else None
    return Sums(flat, weighted)


def move_frame(
    frame: np.ndarray, shift: np.ndarray, local: np.ndarray | None, *, output: tuple[int, int] | None = None
) -> np.ndarray:
    """Return one frame moved by its shift (2,) and local field (2, 6), for a stack of aligned frames."""
    field = np.zeros((2, 6)) if local is None else local.copy()
    field[:, 0] += shift
    moved = np.zeros((1, *frame.shape), np.float32)
    add_warped(frame[None], field[:1], field[1:], np.ones((1, 1), np.float32), moved)
    return _finished(moved, frame.shape, np.ones((1, 2)), output)


def _fields(shifts: np.ndarray, model: np.ndarray | None) -> np.ndarray:
    """Return every frame's shift as coefficients of the six functions, (frames, 2, 6) in px."""
    fields = np.zeros((len(shifts), 2, 6))
    if model is not None:
        fields += [field_at(model, n) for n in range(len(shifts))]
    fields[:, :, 0] += shifts
    return fields


def _weighting(dose: DoseWeighting | None, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return factors (frames, n) and curves (n, RINGS) over radius 0 to that of the transform's corner."""
    if dose is None:
        return np.zeros((frames, 0)), np.zeros((0, RINGS))
    table = weights(_rings() / dose.pixel_size, dose.doses, dose.voltage)
    return few_sums(table)


def _rings() -> np.ndarray:
    """Return the radii of the table in cycles per px; denser where the weights bend."""
    return np.sqrt(0.5) * np.linspace(0, 1, RINGS) ** 2


def _finished(
    sums: np.ndarray, shape: tuple[int, ...], curves: np.ndarray, output: tuple[int, int] | None
) -> np.ndarray:
    """Filter each sum by its curve, take the interpolation's response out, add up, bin and transform back."""
    total = np.zeros((shape[0], shape[1] // 2 + 1), np.complex64)
    ky, kx = scipy.fft.fftfreq(shape[0]), scipy.fft.rfftfreq(shape[1])
    for image, curve in zip(sums, curves, strict=True):
        add_filtered(scipy.fft.rfft2(image), curve.astype(np.float32), 2 * ky**2, 2 * kx**2, total)
    total /= spline_response(ky).astype(np.float32)[:, None]
    total /= spline_response(kx).astype(np.float32)
    return crop_back(total, (shape[0], shape[1]), output or (shape[0], shape[1]))


def spline_response(k: np.ndarray) -> np.ndarray:
    """Return the transform of the quintic B-spline's samples (1, 26, 66, 26, 1)/120, k in cycles per px."""
    turn = 2 * np.pi * np.asarray(k)
    return (33 + 26 * np.cos(turn) + np.cos(2 * turn)) / 60


def crop_back(ft: np.ndarray, shape: tuple[int, int], output: tuple[int, int]) -> np.ndarray:
    """Transform a half plane of an image (y, x) back to one of fewer px, keeping the grey values: float32 ``output``."""
    if output == shape:
        return scipy.fft.irfft2(ft, s=shape)
    half, columns = output[0] // 2, output[1] // 2 + 1
    kept = np.concatenate([ft[: output[0] - half, :columns], ft[-half:, :columns]]) if half else ft[:1, :columns]
    return scipy.fft.irfft2(kept, s=output) * np.float32(output[0] * output[1] / (shape[0] * shape[1]))


def crop_frame(frame: np.ndarray, output: tuple[int, int]) -> np.ndarray:
    """Return an image (y, x) binned to fewer px by cropping its transform; grey values are kept."""
    return crop_back(scipy.fft.rfft2(frame), (frame.shape[0], frame.shape[1]), output)
