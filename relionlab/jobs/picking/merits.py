"""How the figures of merit of a few micrographs are distributed, and what another threshold would pick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

_STEP = 0.05
"""Of the range of the figures of merit: the small step down after which many more picks are an explosion."""
_MANY = 1.25
"""Times as many picks after such a step: where noise begins, each step brings as many again."""
_BEGUN = 1.1
"""Times as many picks as on the calm side of that step: noise is among them."""
_NOISE = 0.2
"""Share of noise among the picks that is too much."""
_EVEN = 0.95
"""Of all places: if the hump of noise, made even, holds more, nothing stands out of it."""
_BINS = 30  # over the range, among which the commonest figure of merit is looked for
_FEWEST = 20  # picks below which numbers jump by themselves


@dataclass(frozen=True, eq=False)
class Merits:
    """The figures of merit of what could be picked from one micrograph, when of two too close places the better stays.

    values    (n,) falling; on a scale on which one threshold serves all micrographs: with blobs, above each one's default
    picked    (n,) bool: whether it is picked at the present thresholds
    rejected  (m,) figures of merit of places whose background is not allowed
    """

    values: np.ndarray
    picked: np.ndarray
    rejected: np.ndarray

    @classmethod
    def together(cls, several: Sequence[Merits]) -> Merits:
        """Return those of several micrographs as one."""
        if not several:
            nothing = np.zeros(0)
            return cls(nothing, nothing.astype(bool), nothing)
        values = np.concatenate([merits.values for merits in several])
        order = np.argsort(-values, kind="stable")
        picked = np.concatenate([merits.picked for merits in several])
        return cls(values[order], picked[order], np.concatenate([merits.rejected for merits in several]))

    def count(self, threshold: float) -> int:
        """Return how many would be picked at a threshold (but for an upper one)."""
        return int(np.searchsorted(-self.values, -threshold, side="right"))

    @property
    def span(self) -> tuple[float, float]:
        """The range in which a threshold makes a difference: from the bulk of the noise to the best."""
        if not len(self.values):
            return 0.0, 1.0
        low, middle, upper = (float(value) for value in np.percentile(self.values, (2, 50, 90)))
        # Contamination and edges may stand a hundred times higher than particles do.
        high = min(float(self.values[0]), upper + 3 * (upper - middle))
        return low, high if high > low else low + 1.0

    def explodes(self, threshold: float) -> float | None:
        """Return the threshold from which on, going down, picks explode, if the given one lies below it; else ``None``.

        They explode where noise is a good part of what more is picked. Where a gap parts noise from particles, that is at its
        lower end; where they overlap, it is told by the noise's own spread, which its lower half shows.
        """
        if len(self.values) < _FEWEST:
            return None
        begins = self._below_the_gap()
        if begins is None:
            begins = self._within_the_hump()
        return begins if begins is not None and threshold < begins else None

    def _below_the_gap(self) -> float | None:
        """Return where noise begins below a stretch in which hardly any place lies; ``None`` if there is none."""
        low, high = self.span
        step = _STEP * (high - low)
        places = np.arange(low, high, step / 4)
        now, below = (np.searchsorted(-self.values, off - places, side="right") for off in (0.0, step))
        enough = now >= _FEWEST
        steep = enough & (below >= _MANY * now)
        if not steep.any():
            return None
        first = int(np.argmax(steep))
        calm = np.flatnonzero(enough[first:] & ~steep[first:])
        if not len(calm):
            return None
        upper = int(now[first + calm[0]])
        return float(self.values[min(int(_BEGUN * upper), len(self.values) - 1)])

    def _within_the_hump(self) -> float | None:
        """Return where a fifth of the picks is noise, taken as an even hump about the commonest figure of merit."""
        counts, edges = np.histogram(self.values, _BINS, range=self.span)
        top = int(counts.argmax())
        mode = float(edges[top] + edges[top + 1]) / 2
        lower = self.values[self.values < mode]
        noise = 2 * len(lower)
        if not 0 < noise < _EVEN * len(self.values):
            return None  # nothing stands out of the hump, or it is that of the particles
        spread = float(np.sqrt(np.mean((lower - mode) ** 2)))
        places = np.linspace(mode, self.span[1], 200)
        expected = noise / 2 * special.erfc((places - mode) / (spread * np.sqrt(2)))
        picked = np.searchsorted(-self.values, -places, side="right")
        mostly = np.flatnonzero(expected >= _NOISE * np.maximum(picked, 1))
        return float(places[mostly[-1]]) if len(mostly) else None
