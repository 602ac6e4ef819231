"""Particles without a reference: blobs of a given range of diameters (the Laplacian-of-Gaussian picker).

At each diameter two filters look at every place: the Laplacian of a Gaussian (Lindeberg 1998, Int. J. Comput. Vis.
30, 79), which sees compact particles through noise; and a disc against the ring just around it, which sees hollow ones,
parts crowded particles and finds centres. Either map is brought to robust standard deviations of its own; they are
added, and the sum brought to standard deviations again. The best diameter is the one whose disc fits best. Where near a peak
the centre is, the particles' own average says (:mod:`relionlab.engine.picking.centres`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.fft

from relionlab.engine.picking.background import background, soft_disc
from relionlab.engine.picking.candidates import Candidates
from relionlab.engine.picking.centres import centre_map
from relionlab.engine.picking.crowding import NOISE_PEAKS, valley
from relionlab.engine.picking.frame import Frame, image_of
from relionlab.engine.picking.peaks import Scores, peaks_from
from relionlab.errors import InputError, ParameterError

DEFAULT_THRESHOLD = 2.5
"""Robust standard deviations above the median at which a blob is a pick when nothing is adjusted (crowded micrographs: the
valley between noise and particles, if that is lower)."""
NEIGHBOUR = 0.75
"""Two blobs are kept apart by this part of the mean of the detected diameter and the smallest one: crowded particles touch."""
_RING = 1.5  # outer over inner diameter of the ring that a disc is compared with
_GAUGE = 0.5  # least spread of the picks' scores, for the upper threshold


@dataclass(frozen=True)
class BlobSearch:
    """What blobs to look for.

    smallest, largest  diameters in Å
    steps              how many diameters are tried, both ends included
    """

    smallest: float
    largest: float
    steps: int = 3

    def __post_init__(self) -> None:
        """Check that it is a range."""
        if not 0 < self.smallest <= self.largest:
            raise ParameterError(
                f"The blobs' diameters are {self.smallest:g} to {self.largest:g} Å; expected the smallest first, above 0."
                " Exchange --LoG_diam_min and --LoG_diam_max."
            )

    @property
    def diameters(self) -> np.ndarray:
        """The diameters in Å."""
        return np.unique(np.linspace(self.smallest, self.largest, self.steps))


def blob_scores(
    spectrum: np.ndarray,
    frame: Frame,
    search: BlobSearch,
    *,
    transfer: np.ndarray | None = None,
    skip_side: float = 0.0,
) -> Scores:
    """Return the scores of one micrograph: the figure of merit is in robust standard deviations of the map.

    spectrum   as :func:`relionlab.engine.picking.frame.place` gives it
    transfer   (y, x//2+1) what the micrograph is multiplied with first, as its CTF; ``None``: nothing
    skip_side  px of the micrograph, besides half the mean diameter, that are kept free at the edges
    """
    middle = (search.smallest + search.largest) / 2
    margin = middle / 2 + skip_side * frame.pixel_size  # as of templates: a particle that the edge cuts is of no use
    valid = frame.inside(margin)
    if not valid.any():
        raise InputError(
            f"no place is left in it for a particle of {middle:g} Å: it has only "
            f"{frame.shape[1] * frame.pixel_size:.0f}×{frame.shape[0] * frame.pixel_size:.0f} Å. Correct pixel size or diameter."
        )
    weighted = spectrum if transfer is None else spectrum * transfer.astype(np.float32)
    x, y = frame.frequencies
    square = x**2 + y**2
    gaussian, disc = np.full(frame.work, -np.inf, np.float32), np.full(frame.work, -np.inf, np.float32)
    diameter = np.empty(frame.work, np.float32)
    for size in search.diameters:
        gaussian = np.maximum(gaussian, image_of(weighted * _laplacian(square, size), frame))
        fit = image_of(weighted * _disc_and_ring(frame, size), frame)
        diameter[fit > disc] = size
        disc = np.maximum(disc, fit)
    total = _robust(gaussian, valid) + _robust(disc, valid)
    local = background(spectrum, frame, middle)
    scores = Scores(
        fom=_robust(total, valid),
        reference=np.full(frame.work, -1, dtype=np.int32),
        psi=np.zeros(frame.work, dtype=np.float32),
        average=local.average,
        stddev=local.stddev,
        frame=frame,
        margin=margin,
        diameter=diameter,
    )
    lowest, _ = blob_thresholds(scores.candidates)
    start = image_of(weighted * _laplacian(square, middle), frame)
    centre = centre_map(weighted, scores, peaks_from(scores, lowest, 0.0, neighbour=NEIGHBOUR), start=start)
    return replace(scores, centre=centre)


def blob_thresholds(
    candidates: Candidates, *, adjust: float = 0.0, upper: float | None = None
) -> tuple[float, float | None]:
    """Return the lowest and the highest figure of merit of a pick.

    adjust  robust standard deviations by which the default threshold is moved; positive picks fewer
    upper   so many standard deviations of the picks' own scores above their median, a blob is contamination
    """
    parted = valley(candidates, candidates.mean, noise_peaks=NOISE_PEAKS)
    lowest = min(DEFAULT_THRESHOLD, parted[0] if parted else np.inf) + adjust
    if upper is None:
        return lowest, None
    found = candidates.picks.fom[candidates.apart(0.0, threshold=lowest)]
    if not len(found):
        return lowest, None
    spread = max(1.4826 * float(np.median(np.abs(found - np.median(found)))), _GAUGE)
    return lowest, float(np.median(found)) + upper * spread


def _laplacian(square: np.ndarray, diameter: float) -> np.ndarray:
    """Return the filter whose answer is largest at the centre of a disc of this diameter: sigma = d / (2 √2)."""
    variance = np.float32(diameter**2 / 8)
    return np.float32(4 * np.pi**2) * square * variance * np.exp(np.float32(-2 * np.pi**2) * square * variance)


def _disc_and_ring(frame: Frame, diameter: float) -> np.ndarray:
    disc = soft_disc(frame, diameter / 2)
    ring = soft_disc(frame, _RING * diameter / 2) - disc
    return scipy.fft.rfft2(disc / disc.sum() - ring / ring.sum()).real


def _robust(values: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Return the map less its median, in robust standard deviations."""
    inside = values[valid]
    median = np.float32(np.median(inside))
    spread = np.float32(1.4826) * np.median(np.abs(inside - median))
    return (values - median) / (spread if spread > 0 else np.float32(1))
