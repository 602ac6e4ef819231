"""The Guinier plot: logarithm of the mean amplitude over the squared frequency, and the B-factor from its slope.

Rosenthal & Henderson 2003, J. Mol. Biol. 333:721-745, eq. 20 and appendix: amplitudes fall as exp(−B/4 · s²).
"""

from __future__ import annotations

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
