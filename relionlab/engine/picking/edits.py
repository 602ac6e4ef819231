"""Picks edited by hand: a layer over the automatic ones, which a later threshold does not wipe."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from relionlab.engine.picking.picks import Picks


def _none() -> np.ndarray:
    return np.zeros((0, 2))


@dataclass(frozen=True)
class Edits:
    """Additions and deletions in one micrograph, stored beside the automatic picks.

    added    (n, 2) x and y in px of particles that somebody added
    removed  (m, 2) x and y in px of places at which no automatic pick is wanted

    Frozen: :meth:`add` and :meth:`remove` return a new layer. :meth:`over` lays it over any automatic picks.
    """

    added: np.ndarray = field(default_factory=_none)
    removed: np.ndarray = field(default_factory=_none)

    def __len__(self) -> int:
        return len(self.added) + len(self.removed)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Edits)
            and np.array_equal(self.added, other.added)
            and np.array_equal(self.removed, other.removed)
        )

    __hash__ = None  # type: ignore[assignment]

    def add(self, x: float, y: float, *, radius: float = 0.0) -> Edits:
        """Return the layer with a particle added at (x, y) in px; a deletion within ``radius`` px is taken back."""
        return Edits(np.vstack([self.added, [[x, y]]]), self.removed[~_near(self.removed, x, y, radius)])

    def remove(self, x: float, y: float, *, radius: float) -> Edits:
        """Return the layer with nothing within ``radius`` px of (x, y): additions there go, automatic picks too."""
        return Edits(self.added[~_near(self.added, x, y, radius)], np.vstack([self.removed, [[x, y]]]))

    def over(self, automatic: Picks, *, radius: float) -> Picks:
        """Return the automatic picks without the deleted ones and with the added ones.

        radius  px: an automatic pick this near to a deleted place is deleted; this near to an added one it gives way
        """
        keep = np.ones(len(automatic), dtype=bool)
        for x, y in np.vstack([self.removed, self.added]):
            keep &= np.hypot(automatic.x - x, automatic.y - y) > radius
        return Picks.together(automatic.rows(keep), Picks.at(self.added))


def _near(points: np.ndarray, x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(points[:, 0] - x, points[:, 1] - y) <= radius
