"""Where noise ends and particles begin, in micrographs so full of particles that they set the standard deviation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relionlab.engine.picking.peaks import Scores, peaks_from

_APART = 0.7  # of the particle's diameter: how far apart two peaks are that are both counted
_CLEAR = (
    3.2  # two groups of peaks: distance of their means over the spread within; peaks of noise alone give 2.7 to 2.9
)
_FEWEST = 20  # peaks
CUT = 0.25
"""The figure of merit at which noise ends and particles begin: the usual threshold."""


def valley_between(heights: np.ndarray) -> tuple[float, float] | None:
    """Return the height that parts two groups of peaks, and the mean of the upper group; ``None`` if there is one group.

    Source of the parting: Otsu (1979) IEEE Trans. Syst. Man Cybern. 9, 62. Two groups are believed only where they are
    further apart than the halves of a single hump: a normal distribution, cut in two, gives 2.7.
    """
    if len(heights) < _FEWEST:
        return None
    values = np.sort(np.clip(heights, *np.percentile(heights, [1, 97]))).astype(np.float64)
    below = np.arange(1, len(values))
    above = len(values) - below
    total = np.cumsum(values)
    low, high = total[:-1] / below, (total[-1] - total[:-1]) / above
    between = below * above * (high - low) ** 2
    best = int(between.argmax())
    first, second = values[: best + 1], values[best + 1 :]
    within = np.sqrt((first.var() * len(first) + second.var() * len(second)) / len(values))
    if not within > 0 or (high[best] - low[best]) / within < _CLEAR:
        return None
    return float((first[-1] + second[0]) / 2), float(second.mean())


def valley(scores: Scores, diameter: float) -> tuple[float, float] | None:
    """Return the score that parts noise from particles, and the mean of the particles; ``None`` where it cannot be told.

    scores    maps in robust standard deviations
    diameter  of the particle, Å
    """
    heights = peaks_from(replace(scores, diameter=None), -np.inf, _APART * diameter).fom
    return valley_between(heights)


def crowded_scale(scores: Scores, diameter: float, *, noise: float, typical: float) -> tuple[float, float]:
    """Return the scores that become the figures of merit 0 and 1.

    scores          maps in robust standard deviations
    diameter        of the particle, Å
    noise, typical  these scores where the peaks do not tell better

    Robust standard deviations fail where particles cover half of the micrograph: they are then those of the particles, and
    all peaks come out low. There the peaks form two groups. If the valley between them is lower than the score of the
    usual threshold, ``CUT``, it gets this figure of merit, so that one threshold serves both kinds of micrographs.
    """
    found = valley(scores, diameter)
    if found is None or found[0] >= noise + CUT * (typical - noise):
        return noise, typical
    lowest, mean = found
    return lowest - (mean - lowest) * CUT / (1 - CUT), mean
