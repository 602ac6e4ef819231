"""The coarse pass of a search over all directions: every view, angle and offset, on few rings."""

from __future__ import annotations

import numpy as np

from relionlab.engine.kernels.views import highest
from relionlab.engine.likelihood.folding import Folding
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.candidates import Candidates, candidates
from relionlab.engine.refine3d.comparison import Offsets, norms, products
from relionlab.engine.refine3d.views import Views, operand

BATCH = 8
"""Particles compared at once."""
_TABLE = 1 << 19  # log-likelihoods at once: their table should stay in the cache


class CoarseSearch:
    """All views of all classes, ready to be compared.

    grid     polar grid of few rings
    views    on it
    offsets  of the coarse grid
    """

    def __init__(self, grid: PolarGrid, turns: Turns, views: Views, offsets: Offsets) -> None:
        self.grid, self.turns, self.offsets = grid, turns, offsets
        self.squared = views.squared
        self.operand = operand(views)
        self._folding = Folding(grid, turns)

    def tops(
        self, signal: np.ndarray, weight: np.ndarray, *, offset_prior: np.ndarray, view_prior: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest log-likelihoods of particles over offsets (n, V, psi), and over all else (n, T).

        signal        (n, k, angles / 2) and weight (h, n, k), on this pass's grid
        offset_prior  (n, T) and view_prior (V,): log priors
        """
        turns = self.turns
        count, slots, views = len(signal), len(self.offsets), self.operand.shape[1]
        particles = self._folding.moved(signal, self.offsets.phases)
        tops = np.empty((count, views, turns.count), np.float32)
        by_offset = np.full((count, slots), -np.inf, np.float32)
        block = max(_TABLE // (turns.count * count * slots), 1)
        zero = turns.row[0]
        prior = offset_prior.astype(np.float32)
        for start in range(0, views, block):
            some = slice(start, min(start + block, views))
            spectrum = products(self.operand[:, some], particles, turns.bands)
            table = np.empty((turns.count, some.stop - start, count, slots), np.float32)
            shaped = spectrum.reshape(turns.rows, 2, -1, count, slots)
            shaped[: turns.even] += norms(weight, self.squared[:, some], turns).transpose(0, 1, 3, 2)[..., None]
            shaped[zero, 0] += prior + view_prior[some, None, None].astype(np.float32)
            turns.to_angles(spectrum, table.reshape(turns.count, -1))
            highest(table, tops[:, some], by_offset)
        return tops, by_offset

    def search(
        self,
        signal: np.ndarray,
        weight: np.ndarray,
        *,
        offset_prior: np.ndarray,
        view_prior: np.ndarray,
        fraction: float,
        most: float,
    ) -> list[Candidates]:
        """Return what the fine pass should look at, for each particle; the arguments are those of :meth:`tops`."""
        tops, by_offset = self.tops(signal, weight, offset_prior=offset_prior, view_prior=view_prior)
        return [candidates(top, by, fraction=fraction, most=most) for top, by in zip(tops, by_offset, strict=True)]
