"""The local maxima of a figure-of-merit map, of which every pick at any threshold is one.

They are a few thousand numbers where the maps are millions: a slider that moves a threshold asks these alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from relionlab.engine.kernels.peaks import keep_apart
from relionlab.engine.picking.picks import Picks


@dataclass(frozen=True, eq=False)
class Candidates:
    """All local maxima of one micrograph within the margin, best first.

    picks       (n,) what they would be as picks, at the tops of the figure of merit
    average     (n,) mean of the background around each, in standard deviations of the micrograph
    stddev      (n,) standard deviation of that background, in the same unit
    pixel_size  of the micrograph, Å
    diameter    (n,) Å, of the best blob at each; ``None`` where references have one size
    smallest, mean  Å, of the diameters in the whole map
    distance    Å, least distance of two picks where none is asked for
    centre_x, centre_y  (n,) px where the particle's centre is, if another map tells it better than the figure of merit
    """

    picks: Picks
    average: np.ndarray
    stddev: np.ndarray
    pixel_size: float
    diameter: np.ndarray | None = None
    smallest: float = 0.0
    mean: float = 0.0
    distance: float = 0.0
    centre_x: np.ndarray | None = None
    centre_y: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.picks)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that they take."""
        own = [getattr(self, item.name) for item in fields(self)]
        arrays = [*own, *(getattr(self.picks, item.name) for item in fields(self.picks))]
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    def accepted(self, *, max_stddev: float | None = None, min_average: float | None = None) -> np.ndarray:
        """Return (n,) bool: whose background is within these limits."""
        within = np.ones(len(self), dtype=bool)
        if max_stddev is not None:
            within &= self.stddev <= max_stddev
        if min_average is not None:
            within &= self.average >= min_average
        return within

    def apart(
        self,
        distance: float,
        *,
        threshold: float = -np.inf,
        max_stddev: float | None = None,
        min_average: float | None = None,
        neighbour: float = 1.0,
    ) -> np.ndarray:
        """Return the numbers of the candidates that are kept, best first, when of two too close ones the better stays.

        The parameters are those of :func:`relionlab.engine.picking.peaks_from`. As only better candidates decide on
        one, those above a higher threshold are the first of those above a lower one.
        """
        enough = int(np.searchsorted(-self.picks.fom, -threshold, side="right"))
        chosen = np.flatnonzero(self.accepted(max_stddev=max_stddev, min_average=min_average)[:enough])
        radius = np.full(len(chosen), float(distance))
        if self.diameter is not None and len(chosen):
            radius = np.maximum(radius, neighbour * (self.diameter[chosen] + self.smallest) / 2)
        return chosen[keep_apart(self.picks.x[chosen], self.picks.y[chosen], radius / self.pixel_size)]

    def rows(self, chosen: np.ndarray) -> Picks:
        """Return the chosen ones as picks, at the particles' centres where these are known."""
        found = self.picks.rows(chosen)
        if self.centre_x is None or self.centre_y is None:
            return found
        return Picks(self.centre_x[chosen], self.centre_y[chosen], found.fom, found.reference, found.psi)
