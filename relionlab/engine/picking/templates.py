"""Matching of references, turned in the plane, with a micrograph.

The score at a place is the correlation of the CTF-multiplied micrograph with the masked reference, over the
reference's own power after CTF: the matched filter (Sigworth 2004, J. Struct. Biol. 145, 111), in which neither the
grey scale nor the offset of the reference plays a part. It is taken down where the micrograph is far more uneven than
usual (:meth:`Background.penalty`; Roseman 2003, 2004), and then measured in robust standard deviations of the map of
best scores, so that micrographs of different defocus and thickness share one scale.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.fft
from scipy import ndimage

from relionlab.engine.kernels.peaks import keep_best, times, times_conjugate
from relionlab.engine.picking.background import background
from relionlab.engine.picking.crowding import NOISE_PEAKS, NOISE_PEAKS_TURNED, crowded_scale
from relionlab.engine.picking.frame import Frame
from relionlab.engine.picking.peaks import Scores
from relionlab.errors import InputError

NOISE, TYPICAL = 3.0, 6.0
"""Robust standard deviations of the best-score map that become the figures of merit 0 and 1.

In crowded micrographs the valley between noise and particles becomes 0.25, and the mean of the particles 1."""
BLOB_NOISE, BLOB_TYPICAL = 2.0, 4.5
"""The same for a single blob that is not turned: its map is one filter's answer, not the best of many, so that noise ends lower."""
BLOB_SURROUND = 1.25
"""Of a blob's mask: as far around a particle as is mostly free of its neighbours, and enough to tell it from a slope."""
_BANK_BYTES = 1 << 30  # transforms of references that are kept from one micrograph to the next
_FAINT = 0.1  # of the strongest ring's power: where a reference is taken to end

OneReference = Callable[[int, np.ndarray, np.ndarray], None]
"""Takes number, best scores (y, x) and their angles (y, x) of one reference, to store them."""


@dataclass(frozen=True, eq=False)
class Templates:
    """References and how they are turned.

    images      (n, y, x) square, particles bright or dark alike; grey scale and offset do not matter
    pixel_size  of the references, Å
    diameter    of the mask in Å
    psi_step    in-plane angular step in degrees; 360 for no rotation
    lowpass     Å; ``None``: as fine as the maps are
    shrink_px   px of the micrograph by which the mask's radius is smaller; of the maps' coarse px, shells would be lost
    surround    of the mask's diameter over ``diameter``
    scale       robust standard deviations that become the figures of merit 0 and 1
    """

    images: np.ndarray
    pixel_size: float
    diameter: float
    psi_step: float = 10.0
    lowpass: float | None = None
    shrink_px: float = 2.0
    surround: float = 1.0
    scale: tuple[float, float] = (NOISE, TYPICAL)
    _banks: dict[Frame, list[np.ndarray]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __reduce__(self) -> tuple[type[Templates], tuple[object, ...]]:
        """Travel to another process without what was computed."""
        values = (
            self.images,
            self.pixel_size,
            self.diameter,
            self.psi_step,
            self.lowpass,
            self.shrink_px,
            self.surround,
            self.scale,
        )
        return Templates, values

    @property
    def angles(self) -> np.ndarray:
        """In-plane angles in degrees: from 0, as many as the step allows, evenly spaced."""
        count = max(round(360 / self.psi_step), 1)
        return np.arange(count) * (360 / count)

    def transforms(self, frame: Frame) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield, reference by reference, the half planes of the turned references, and whether they are halved.

        Halved: only the angles below 180° are given; the rest are their conjugates. They are kept for the next
        micrograph of the same frame if they do not take too much memory.
        """
        count = len(self.angles)
        halved = count % 2 == 0
        each = (count // 2 if halved else count) * frame.work[0] * (frame.work[1] // 2 + 1) * 8
        if each * len(self.images) > _BANK_BYTES:
            for image in self.images:
                yield self._turned(image, frame, halved=halved), halved
            return
        same = replace(frame, shape=frame.padded)
        with self._lock:
            if same not in self._banks:
                self._banks.clear()
                self._banks[same] = [self._turned(image, frame, halved=halved) for image in self.images]
            bank = self._banks[same]
        for planes in bank:
            yield planes, halved

    def _turned(self, image: np.ndarray, frame: Frame, *, halved: bool) -> np.ndarray:
        smooth = _filtered(image, self.pixel_size, max(self.lowpass or 0, 2 * max(frame.pixels)))
        coefficients = ndimage.spline_filter(smooth.astype(np.float64), order=3)
        angles = self.angles[: len(self.angles) // 2] if halved else self.angles
        (ny, nx), (py, px) = frame.work, frame.pixels
        radius = max(self.surround * self.diameter / 2 - self.shrink_px * frame.pixel_size, 1.5 * max(py, px))
        reach_y, reach_x = int(radius / py) + 2, int(radius / px) + 2
        y, x = np.arange(-reach_y, reach_y + 1)[:, None] * py, np.arange(-reach_x, reach_x + 1)[None] * px
        mask = np.clip((radius - np.hypot(y, x)) / ((py + px) / 2) + 0.5, 0, 1)
        rows, columns = np.arange(-reach_y, reach_y + 1)[:, None] % ny, np.arange(-reach_x, reach_x + 1)[None] % nx
        out = np.empty((len(angles), ny, nx // 2 + 1), dtype=np.complex64)
        origin = image.shape[-1] // 2
        for index, angle in enumerate(np.radians(angles)):
            cosine, sine = np.cos(angle), np.sin(angle)
            places = np.array([sine * x + cosine * y, cosine * x - sine * y]) / self.pixel_size + origin
            turned = ndimage.map_coordinates(coefficients, places, order=3, prefilter=False, mode="constant") * mask
            turned -= mask * (turned.sum() / mask.sum())
            full = np.zeros((ny, nx), dtype=np.float32)
            full[rows, columns] = turned
            out[index] = scipy.fft.rfft2(full)
        return out


def matching(
    spectrum: np.ndarray,
    frame: Frame,
    templates: Templates,
    *,
    transfer: np.ndarray | None = None,
    skip_side: float = 0.0,
    one_reference: OneReference | None = None,
) -> Scores:
    """Return the scores of one micrograph; the figure of merit is 0 where noise ends, 1 for a typical particle, 0.25 between.

    spectrum       as :func:`relionlab.engine.picking.frame.place` gives it
    transfer       CTF on the half plane (y, x//2+1), in RELION's sign; ``None``: references are not multiplied
    skip_side      px of the micrograph, besides half the diameter, that are kept free at the edges
    one_reference  called with each reference's own map of best figures of merit, to write them
    """
    if not len(templates.images):
        raise InputError("there are no references to match: give at least one.")
    margin = templates.diameter / 2 + skip_side * frame.pixel_size
    valid = frame.inside(margin)
    if not valid.any():
        raise InputError(
            f"no place is left in it for a particle of {templates.diameter:g} Å: it has only "
            f"{frame.shape[1] * frame.pixel_size:.0f}×{frame.shape[0] * frame.pixel_size:.0f} Å. Correct pixel size or diameter."
        )
    local = background(spectrum, frame, templates.diameter)
    penalty = local.penalty(valid)
    weighted = spectrum if transfer is None else (spectrum * transfer.astype(np.float32))
    weighted = np.ascontiguousarray(weighted, dtype=np.complex64)
    passed = (spectrum != 0).astype(np.float32) * (1.0 if transfer is None else transfer.astype(np.float32) ** 2)
    passed[:, 1:] *= 2  # the half plane stands for both halves
    best = np.full(frame.work, -np.inf, dtype=np.float32)
    which = np.zeros(frame.work, dtype=np.int32)
    angles = templates.angles
    kept = []
    for number, (planes, halved) in enumerate(templates.transforms(frame)):
        if one_reference is not None:
            own, turn = np.full_like(best, -np.inf), np.zeros_like(which)
            _best_turn(weighted, passed, planes, halved=halved, start=0, best=own, which=turn)
            keep_best(own.ravel(), np.float32(1), np.int32(-1), best.ravel(), which.ravel())
            which[which == -1] = turn[which == -1] + number * len(angles)
            kept.append((own, turn))
        else:
            _best_turn(weighted, passed, planes, halved=halved, start=number * len(angles), best=best, which=which)
    if not np.isfinite(best).any():
        raise InputError(
            "the references are empty (constant within the mask). Give others, or correct the mask diameter."
        )
    robust = _robust(best / penalty, valid)
    scores = Scores(
        fom=robust(best / penalty),
        reference=(which // len(angles)).astype(np.int32),
        psi=angles[which % len(angles)].astype(np.float32),
        average=local.average,
        stddev=local.stddev,
        frame=frame,
        margin=margin,
    )
    noise, typical = templates.scale
    highest = NOISE_PEAKS if len(angles) * len(templates.images) == 1 else NOISE_PEAKS_TURNED
    noise, typical = crowded_scale(scores, templates.diameter, noise=noise, typical=typical, noise_peaks=highest)
    if one_reference is not None:
        for number, (own, turn) in enumerate(kept):
            merit = (robust(own / penalty) - np.float32(noise)) / np.float32(typical - noise)
            one_reference(number, merit, angles[turn].astype(np.float32))
    return replace(scores, fom=(scores.fom - np.float32(noise)) / np.float32(typical - noise))


def _best_turn(
    weighted: np.ndarray,
    passed: np.ndarray,
    planes: np.ndarray,
    *,
    halved: bool,
    start: int,
    best: np.ndarray,
    which: np.ndarray,
) -> None:
    """Lay the correlations with one reference's turns into ``best`` and ``which`` (number of the turn from ``start``)."""
    product = np.empty_like(weighted)
    for index, plane in enumerate(planes):
        power = float(np.einsum("ij,ij,ij->", plane.real, plane.real, passed, dtype=np.float64))
        power += float(np.einsum("ij,ij,ij->", plane.imag, plane.imag, passed, dtype=np.float64))
        if not power > 0:
            continue
        scale = np.float32(1 / np.sqrt(power))
        turns = ((times_conjugate, index), (times, index + len(planes))) if halved else ((times_conjugate, index),)
        for multiply, turn in turns:
            multiply(weighted.ravel(), plane.ravel(), product.ravel())
            score = scipy.fft.irfft2(product, s=best.shape, norm="forward", overwrite_x=True)
            keep_best(score.ravel(), scale, np.int32(start + turn), best.ravel(), which.ravel())


def _robust(score: np.ndarray, valid: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from scores to robust standard deviations above the median of this map."""
    values = score[valid]
    median = float(np.median(values))
    spread = 1.4826 * float(np.median(np.abs(values - median)))
    spread = spread if spread > 0 else 1.0
    return lambda other: (other - np.float32(median)) / np.float32(spread)


def gaussian_blob(diameter: float, pixel_size: float) -> np.ndarray:
    """Return a reference (n, n) for picking without one: a Gaussian with the sigma d / (2 √2).

    It is the scale at which a disc of this diameter answers most (Lindeberg 1998, Int. J. Comput. Vis. 30, 79), and wide
    enough that hollow particles are found at their centre, not at their wall. The box holds what is just around the
    particle, too: ``BLOB_SURROUND`` says how much of it is matched.
    """
    n = 2 * int(np.ceil(diameter / pixel_size)) + 2
    line = (np.arange(n) - n // 2) * pixel_size
    return np.exp(-(line[:, None] ** 2 + line[None] ** 2) / (diameter / 2) ** 2).astype(np.float32)


def estimate_diameter(images: np.ndarray, pixel_size: float) -> float:
    """Return the diameter in Å of what is in the references (n, y, x): where their power per ring has become faint.

    The ring-wise power, above that of the outermost ring inside the box, is compared with its maximum.
    """
    n = images.shape[-1]
    line = np.arange(n) - n // 2
    ring = np.rint(np.hypot(line[:, None], line[None])).astype(int)
    inside = ring < n // 2
    centred = images - images[:, ring >= n // 2 - 1].mean(axis=1)[:, None, None]
    power = np.bincount(ring[inside], (centred**2).mean(axis=0)[inside]) / np.bincount(ring[inside])
    power = np.maximum(power - power[-1], 0)
    strong = np.flatnonzero(power > _FAINT * power.max()) if power.max() > 0 else np.array([n // 2 - 1])
    return float(2 * (strong[-1] + 1.5) * pixel_size)


def _filtered(image: np.ndarray, pixel_size: float, resolution: float) -> np.ndarray:
    """Return a reference low-passed to ``resolution`` Å, with a soft edge two Fourier pixels wide."""
    n = image.shape[-1]
    radius = np.hypot(scipy.fft.fftfreq(n, pixel_size)[:, None], scipy.fft.rfftfreq(n, pixel_size)[None])
    weight = np.clip((1 / resolution - radius) * n * pixel_size / 2 + 0.5, 0, 1)
    return scipy.fft.irfft2(scipy.fft.rfft2(image.astype(np.float64)) * weight, s=image.shape)
