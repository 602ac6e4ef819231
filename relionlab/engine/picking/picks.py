"""Particles found in one micrograph: where, how surely, and how turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Picks:
    """Particles found in one micrograph, best first.

    x, y       (n,) px of the micrograph, of the particle's centre; pixel centres are whole numbers, from 0
    fom        (n,) figure of merit; nan for particles picked by hand
    reference  (n,) which reference fits best, from 0; -1 where there is none
    psi        (n,) in-plane angle in degrees, 0 to 360
    """

    x: np.ndarray
    y: np.ndarray
    fom: np.ndarray
    reference: np.ndarray
    psi: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def rows(self, chosen: np.ndarray | slice) -> Picks:
        """Return the chosen ones (mask, indices or slice)."""
        return Picks(self.x[chosen], self.y[chosen], self.fom[chosen], self.reference[chosen], self.psi[chosen])

    @classmethod
    def at(cls, xy: np.ndarray) -> Picks:
        """Return picks made by hand at points (n, 2), x and y in px."""
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        nothing = np.full(len(points), np.nan)
        return cls(points[:, 0], points[:, 1], nothing, np.full(len(points), -1), np.zeros(len(points)))

    @staticmethod
    def together(first: Picks, second: Picks) -> Picks:
        """Return both, one after the other."""
        names = ("x", "y", "fom", "reference", "psi")
        return Picks(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))
