"""Where noise ends and particles begin, in micrographs so full of particles that they set the standard deviation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relionlab.engine.picking.candidates import Candidates
from relionlab.engine.picking.peaks import Scores

_APART = 0.7  # of the particle's diameter: how far apart two peaks are that are both counted
_HALVES = 2.72
_HALVES_FEW = 8.5
"""Two groups of peaks: the distance of their means over the spread within. The halves of a single hump of n normal values stay
below 2.72 + 8.5/√n in all but one case of a thousand (simulated, n from 25 to 1000)."""
NOISE_PEAKS, NOISE_PEAKS_TURNED = 2.0, 2.7
"""Robust standard deviations: the highest mean of noise's peaks, of one filter and of the best of many turned references
(simulated: white and coloured noise, particles of 80 to 250 Å, one reference to the projections of a map, with CTF)."""
_FEWEST = 20  # peaks
_LOWEST = 1.0
"""Robust standard deviations: a lower valley is one between peaks and gaps of the background (contrast of the wrong sign,
contamination), as noise's own peaks are higher."""
CUT = 0.25
"""The figure of merit at which noise ends and particles begin: the usual threshold."""


def valley_between(
    heights: np.ndarray, *, noise_peaks: float = NOISE_PEAKS_TURNED, lowest: float = _LOWEST
) -> tuple[float, float] | None:
    """Return the height that parts two groups of peaks, and the mean of the upper group; ``None`` if there is one group.

    heights      (n,) robust standard deviations
    noise_peaks  highest mean that peaks of noise alone have
    lowest       least height that may part them

    Source of the parting: Otsu (1979) IEEE Trans. Syst. Man Cybern. 9, 62. Two groups are believed where they are further
    apart than the halves of a single hump would be, or where all peaks together stand higher than those of noise.
    """
    count = len(heights)
    if count < _FEWEST:
        return None
    values = np.sort(np.clip(heights, *np.percentile(heights, [1, 97]))).astype(np.float64)
    below = np.arange(1, count)
    above = count - below
    total = np.cumsum(values)
    low, high = total[:-1] / below, (total[-1] - total[:-1]) / above
    between = below * above * (high - low) ** 2
    best = int(between.argmax())
    first, second = values[: best + 1], values[best + 1 :]
    within = np.sqrt((first.var() * len(first) + second.var() * len(second)) / count)
    if not within > 0:
        return None
    apart = (high[best] - low[best]) / within > _HALVES + _HALVES_FEW / np.sqrt(count)
    raised = values.mean() - 2 * values.std() / np.sqrt(count) > noise_peaks
    parted = float((first[-1] + second[0]) / 2)
    return (parted, float(second.mean())) if (apart or raised) and parted >= lowest else None


def valley(
    candidates: Candidates, diameter: float, *, noise_peaks: float = NOISE_PEAKS_TURNED
) -> tuple[float, float] | None:
    """Return the score that parts noise from particles, and the mean of the particles; ``None`` where it cannot be told.

    candidates   of a map in robust standard deviations
    diameter     of the particle, Å
    noise_peaks  as :func:`valley_between` takes it
    """
    candidates = replace(candidates, diameter=None)
    heights = candidates.picks.fom[candidates.apart(_APART * diameter)]
    return valley_between(heights, noise_peaks=noise_peaks)


def crowded_scale(
    scores: Scores, diameter: float, *, noise: float, typical: float, noise_peaks: float = NOISE_PEAKS_TURNED
) -> tuple[float, float]:
    """Return the scores that become the figures of merit 0 and 1.

    scores          maps in robust standard deviations
    diameter        of the particle, Å
    noise, typical  these scores where the peaks do not tell better
    noise_peaks     as :func:`valley_between` takes it

    Robust standard deviations fail where particles cover half of the micrograph: they are then those of the particles, and
    all peaks come out low. There the peaks form two groups. If the valley between them is lower than the score of the
    usual threshold, ``CUT``, it gets this figure of merit, so that one threshold serves both kinds of micrographs.
    """
    found = valley(scores.candidates, diameter, noise_peaks=noise_peaks)
    if found is None or found[0] >= noise + CUT * (typical - noise):
        return noise, typical
    lowest, mean = found
    return lowest - (mean - lowest) * CUT / (1 - CUT), mean
