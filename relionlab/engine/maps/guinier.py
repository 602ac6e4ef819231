"""The Guinier plot: logarithm of the mean amplitude over the squared frequency, and the B-factor from its slope.

Rosenthal & Henderson 2003, J. Mol. Biol. 333:721-745, eq. 20 and appendix: amplitudes fall as exp(−B/4 · s²).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NOTHING = -99.0
"""RELION's logarithm of an amplitude that is 0."""


@dataclass(frozen=True)
class Line:
    """A straight line through a Guinier plot.

    slope        ln(amplitude) per 1/Å²; the B-factor to be applied is four times it
    intercept    ln(amplitude) at 0
    correlation  how well the line fits: the squared correlation coefficient, 0 to 1
    points       number of shells that it was fitted to
    """

    slope: float
    intercept: float
    correlation: float
    points: int

    @property
    def b_factor(self) -> float:
        """B-factor in Å² that takes the fall away; negative sharpens."""
        return 4 * self.slope

    @property
    def standard_error(self) -> float:
        """Standard error of the B-factor in Å², from the scatter of the shells about the line; infinite for two shells."""
        if self.points <= 2 or self.correlation == 0:
            return math.inf
        return abs(self.b_factor) * math.sqrt((1 / self.correlation - 1) / (self.points - 2))


def finest_needed(lowest: float) -> float:
    """Return how far a map has to reach (Å) for a line that begins at ``lowest`` (Å): lowest/√2, 7.1 Å for 10 Å.

    Sharpening carries the line on to zero frequency. On its axis, squared frequency, it should be at least as long as the
    stretch before it that it stands for: a shorter one is tilted by the ripple that folds and secondary structure put on
    every protein's amplitudes (peaks near 10 and 4.7 Å), by as much as it is shorter.
    """
    return lowest / math.sqrt(2)


def log_amplitudes(amplitudes: np.ndarray) -> np.ndarray:
    """Return the logarithm of the shells' mean amplitudes, :data:`NOTHING` where there is none."""
    there = amplitudes > 0
    return np.where(there, np.log(np.where(there, amplitudes, 1)), NOTHING)


def fit_line(squared_frequency: np.ndarray, logs: np.ndarray, *, lowest: float, highest: float = 0.0) -> Line | None:
    """Fit a line to the shells finer than ``lowest`` and not finer than ``highest`` (Å; 0: all) in which there is signal.

    squared_frequency  1/Å², of every shell; logs  as of :func:`log_amplitudes`
    Returns None if fewer than two shells are left.
    """
    frequency = np.sqrt(squared_frequency)
    chosen = (frequency > 1 / lowest) & (logs > NOTHING)
    if highest > 0:
        chosen &= frequency <= 1 / highest
    x, y = squared_frequency[chosen], logs[chosen]
    if x.size < 2:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    spread = float((dx @ dx) * (dy @ dy))
    correlation = float(dx @ dy) ** 2 / spread if spread > 0 else 1.0
    return Line(slope, float(y.mean() - slope * x.mean()), correlation, int(x.size))
