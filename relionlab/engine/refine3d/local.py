"""The coarse pass of a search around known poses: few directions and in-plane angles, weighed by how far they lie."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.kernels.views import gather_turned, highest
from relionlab.engine.likelihood.folding import Folding
from relionlab.engine.likelihood.turns import Turns, Window
from relionlab.engine.refine3d.candidates import Candidates, significant, tile_of, tiled
from relionlab.engine.refine3d.comparison import Offsets, norms, products
from relionlab.engine.refine3d.fine import OneSeen
from relionlab.engine.refine3d.views import Views
from relionlab.engine.sampling import Neighbourhood, Sampling, Widths, neighbourhoods
from relionlab.engine.sampling.local import CUT_OFF
from relionlab.engine.symmetry import point_group


@dataclass(frozen=True)
class Surroundings:
    """What lies around one particle's last pose, or around one of its equivalents: directions, their priors, and psi.

    direction  (M,) ascending; prior (M,) log; psi (M,) degrees
    """

    direction: np.ndarray
    prior: np.ndarray
    psi: np.ndarray


def surroundings(grid: Sampling, poses: np.ndarray, *, widths: Widths, relaxed: str) -> list[list[Surroundings]]:
    """Return for each pose (N, 3, 3) its surroundings: one, or one for each of its equivalents that is looked at apart."""
    group = point_group(relaxed) if relaxed else point_group("C1")
    found = [near for operation in group.rotations for near in neighbourhoods(grid, poses @ operation, widths=widths)]
    return [[_of_one(near, n) for near in found] for n in range(len(poses))]


class LocalSearch:
    """Compares single particles with the views around their last poses."""

    def __init__(
        self,
        grid: Sampling,
        turns: Turns,
        offsets: Offsets,
        *,
        classes: int,
        widths: Widths,
        fraction: float,
        most: float,
    ) -> None:
        self.grid, self.turns, self.offsets, self.classes = grid, turns, offsets, classes
        self.sigma, self.fraction, self.most = widths.psi, fraction, most
        self.reach = min(int(np.ceil(CUT_OFF * self.sigma / grid.psi_step)), (grid.n_psi - 1) // 2)
        self.folding = Folding(offsets.grid, turns)
        self._turned = turns.phases(offsets.grid.harmonics)
        self.window = Window(turns, 2 * self.reach + 1 if self.sigma else grid.n_psi)

    def views_needed(self, around: list[Surroundings]) -> np.ndarray:
        """Return the coarse views that a particle is compared with, class × directions + direction."""
        directions = np.concatenate([near.direction for near in around])
        return (np.arange(self.classes)[:, None] * len(self.grid) + directions).ravel()

    def search(
        self, one: OneSeen, around: list[Surroundings], *, views: Views, places: np.ndarray, offset_prior: np.ndarray
    ) -> Candidates:
        """Return what the fine pass should look at.

        one     on the coarse pass's rings
        places  where in ``views`` those of :meth:`views_needed` are
        offset_prior  (T,) log prior of the offsets
        """
        turns, grid = self.turns, self.grid
        psi = np.tile(np.concatenate([near.psi for near in around]), self.classes)
        prior = np.tile(np.concatenate([near.prior for near in around]), self.classes)
        first = np.rint(psi / grid.psi_step).astype(np.int64) - self.reach
        turn = self._turned[first % turns.count]
        gathered = gather_turned(views.spectrum, places, turn, turns.harmonic)
        particle = self.folding.moved(one.signal, self.offsets.phases)
        spectrum = products(gathered, particle, turns.bands)
        shaped = spectrum.reshape(turns.rows, 2, len(places), -1)
        h = len(one.weight)
        squared = views.squared[:, places] * turn[:, : 2 * h : 2].T[..., None]
        shaped[: turns.even] += norms(one.weight, squared, turns)[:, :, 0, :, None]
        shaped[turns.row[0], 0] += (offset_prior + prior[:, None]).astype(np.float32)
        table = np.empty((self.window.count, len(places), 1, len(self.offsets)), np.float32)
        self.window.to_angles(spectrum, table.reshape(self.window.count, -1))
        index = first[:, None] + np.arange(self.window.count)
        table += self._angle_prior(index * grid.psi_step, psi[:, None]).T[..., None, None].astype(np.float32)
        tops = np.empty((1, len(places), self.window.count), np.float32)
        by_offset = np.full((1, len(self.offsets)), -np.inf, np.float32)
        highest(table, tops, by_offset)
        chosen, least = significant(tops.ravel(), self.fraction)
        entry, angle = np.divmod(chosen, self.window.count)
        view = self.views_needed(around)[entry]
        slots = np.flatnonzero(by_offset[0] >= least)
        found = tiled(view, index[entry, angle] % grid.n_psi, grid.n_psi, slots=slots, most=self.most, circles=False)
        return replace(found, psi_prior=self._prior_of(found, around))

    def _prior_of(self, found: Candidates, around: list[Surroundings]) -> np.ndarray:
        """Return the log prior (E, tile) of the candidates' directions and angles together."""
        grid = self.grid
        direction = found.view % len(grid)
        angles = (found.first[:, None] + np.arange(tile_of(grid.n_psi))) * grid.psi_step
        total = np.full(angles.shape, -np.inf)
        for near in around:
            place = np.minimum(np.searchsorted(near.direction, direction), len(near.direction) - 1)
            here = near.direction[place] == direction
            prior = near.prior[place, None] + self._angle_prior(angles, near.psi[place, None])
            total = np.logaddexp(total, np.where(here[:, None], prior, -np.inf))
        return np.maximum(total, -1e30)

    def _angle_prior(self, angles: np.ndarray, middle: np.ndarray) -> np.ndarray:
        if not self.sigma:
            return np.zeros(np.broadcast_shapes(angles.shape, middle.shape))
        distance = np.abs((angles - middle + 180) % 360 - 180)
        return np.where(
            distance <= max(CUT_OFF * self.sigma, self.grid.psi_step), -(distance**2) / (2 * self.sigma**2), -1e30
        )


def _of_one(near: Neighbourhood, n: int) -> Surroundings:
    rows = slice(near.start[n], near.start[n + 1])
    return Surroundings(near.direction[rows], np.log(np.maximum(near.prior[rows], 1e-300)), near.psi[rows])
