"""The fine pass: one particle against the finer grid points of its candidates; its posterior, and what it gives the maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.kernels.posterior import weigh
from relionlab.engine.kernels.views import gather_turned, scatter_turned
from relionlab.engine.likelihood.folding import Folding
from relionlab.engine.likelihood.turns import Turns, Window
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.candidates import Candidates
from relionlab.engine.refine3d.comparison import Angles, Offsets, norms, products, weighted
from relionlab.engine.refine3d.mean_pose import Compared
from relionlab.engine.refine3d.views import Views

TABLE = 1 << 18
"""Log-likelihoods that are made at once: their table should stay in the cache."""
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class OneSeen:
    """One particle: signal (1, k, angles / 2) complex64; weight (h, 1, k) even harmonics; origin, complex px."""

    signal: np.ndarray
    weight: np.ndarray
    origin: complex


@dataclass
class Collected:
    """What particles gave each view.

    numerator  (V, row, place) complex64
    weight     (V, h, k) complex64: even harmonics
    share      (V,)
    """

    numerator: np.ndarray
    weight: np.ndarray
    share: np.ndarray

    @classmethod
    def zeros(cls, views: Views) -> Collected:
        """Return empty sums for these views."""
        h, count, rings = views.squared.shape
        return cls(np.zeros_like(views.spectrum), np.zeros((count, h, rings), np.complex64), np.zeros(count))


@dataclass(frozen=True)
class Posterior:
    """What one particle's posterior says.

    view                 of its best pose
    rotation, offset     (3, 3), (2,) px: the mean around the best pose
    numbers              largest log-likelihood, log of the sum over poses of likelihood over the largest, weight of the
                         best pose, number of significant poses
    cross, auto          (k,) <X, s CTF A> and |s CTF A|² over 2 sigma2, per ring
    offset2              expected squared origin in px²
    """

    view: int
    rotation: np.ndarray
    offset: np.ndarray
    numbers: np.ndarray
    cross: np.ndarray
    auto: np.ndarray
    offset2: float


class FineSearch:
    """Compares single particles with views on the fine grid.

    turns     all in-plane angles of the fine grid
    tile      of them, how many a tile has
    compared  rings on which poses are compared
    """

    def __init__(
        self,
        grid: PolarGrid,
        turns: Turns,
        offsets: Offsets,
        *,
        parts: int,
        tile: int,
        compared: slice,
        fraction: float,
    ) -> None:
        self.grid, self.turns, self.offsets, self.parts = grid, turns, offsets, parts
        self.folding = Folding(grid, turns)
        self.window = Window(turns, tile)
        self.fraction = fraction
        self.mask = None
        if compared != slice(0, grid.radius):
            inside = (turns.ring >= compared.start) & (turns.ring < compared.stop)
            self.mask = np.repeat(inside, 2, axis=1).astype(np.float32)[:, None]
        self.rings = (np.arange(grid.radius) >= compared.start) & (np.arange(grid.radius) < compared.stop)
        self.area = 2 * np.pi * grid.rings
        self._turned = turns.phases(grid.harmonics)

    def weigh(
        self,
        one: OneSeen,
        found: Candidates,
        views: Views,
        *,
        entries: np.ndarray,
        places: np.ndarray,
        offset_prior: tuple[complex, float],
        compared: Compared,
        collected: Collected,
    ) -> Posterior:
        """Find a particle's posterior and collect what it gives.

        entries  (E,) places in ``views`` of the fine views; the finer ones of a candidate follow each other
        places   (E,) number of each entry's candidate
        offset_prior  where the origin is expected, px, and with what variance per axis, px²
        compared  the views of the entries
        """
        slots = (found.slots[:, None] * self.parts**2 + np.arange(self.parts**2)).ravel()
        offsets = self.offsets.xy[slots]
        origin = one.origin + offsets[:, 0] + 1j * offsets[:, 1]
        prior = -(np.abs(origin - offset_prior[0]) ** 2) / (2 * offset_prior[1])
        angles: Angles = self.turns if found.whole else self.window
        first = found.first[places] * self.parts
        by_angle = None
        if found.psi_prior is not None:
            by_angle = np.repeat(found.psi_prior[places], self.parts, axis=1).T.astype(np.float32)
        against = _Against(
            self, one, views, angles, entries=entries, turn=self._turned[first % self.turns.count], offsets=self.offsets.phases[slots],
            prior=np.broadcast_to(prior if found.prior is None else prior + found.prior[places, None], (len(entries), len(slots))),
            by_angle=by_angle,
        )  # fmt: skip
        size = int(np.clip(TABLE // (angles.count * len(slots)), 1, len(entries)))
        blocks = [slice(start, min(start + size, len(entries))) for start in range(0, len(entries), size)]
        table = np.empty((len(blocks), angles.count, 1, size * len(slots)), np.float32)
        table[-1] = -np.inf  # the last block may be shorter
        for block, out in zip(blocks, table, strict=True):
            against.likelihoods(block, out[:, 0, : (block.stop - block.start) * len(slots)])
        best, numbers = np.zeros((1, 3), np.int64), np.zeros((1, 4))
        active = np.zeros((len(blocks), 1, table.shape[-1]), bool)
        weigh(table, self.fraction, best, numbers, active)
        cross, auto, share = np.zeros(self.grid.radius), np.zeros(self.grid.radius), np.zeros(len(slots))
        shape = (size, len(slots))
        for block, weights, inside in zip(blocks, table, active, strict=True):
            count = block.stop - block.start
            chosen = inside.reshape(shape)[:count]
            if chosen.any():
                against.collect(block, weights.reshape(-1, *shape)[:, :count], chosen, collected, (cross, auto, share))
        place = int(best[0, 2]) // len(slots)
        entry, turn = int(best[0, 0]) * size + place, 360.0 / self.turns.count
        around = compared.beside(entry)
        rotation, offset = compared.mean(
            table.reshape(len(blocks), angles.count, *shape)[around // size, :, around % size],
            best=(entry, (first[entry] + best[0, 1]) * turn),
            around=around,
            angles=(first[around, None] + np.arange(angles.count)) * turn,
            offsets=offsets,
        )
        offset2 = float(share @ np.abs(origin) ** 2)
        return Posterior(
            int(compared.views[entry]), rotation, offset, numbers[0], cross / self.area, auto / self.area, offset2
        )


class _Against:
    """One particle against its views, block after block of them: what is made of a block should stay in the cache.

    entries   (E,) places in ``views``
    turn      (E, Q + 1) exp(i q psi) of their first angles
    offsets   (T, k, angles / 2) phases
    prior     (E, T) log prior
    by_angle  (angle, E) log prior; ``None``: all alike
    """

    def __init__(
        self,
        search: FineSearch,
        one: OneSeen,
        views: Views,
        angles: Angles,
        *,
        entries: np.ndarray,
        turn: np.ndarray,
        offsets: np.ndarray,
        prior: np.ndarray,
        by_angle: np.ndarray | None,
    ) -> None:
        self.turns, self.views, self.angles = search.turns, views, angles
        self.entries, self.turn, self.prior, self.by_angle = entries, turn, prior, by_angle
        self.particle = search.folding.moved(one.signal, offsets)
        self.weight = one.weight
        mask = search.mask
        self.compared = self.particle if mask is None else self.particle * mask
        self.compared_weight = one.weight if mask is None else one.weight * search.rings
        self._last: tuple[slice, np.ndarray, np.ndarray] | None = None

    def likelihoods(self, block: slice, out: np.ndarray) -> None:
        """Write the logarithms of likelihood times prior of a block's entries to ``out`` (angle, e T)."""
        turns = self.turns
        gathered, squared = self._seen(block)
        spectrum = products(gathered, self.compared, turns.bands)
        shaped = spectrum.reshape(turns.rows, 2, gathered.shape[1], -1)
        shaped[: turns.even] += norms(self.compared_weight, squared, turns)[:, :, 0, :, None]
        shaped[turns.row[0], 0] += self.prior[block].astype(np.float32)
        self.angles.to_angles(spectrum, out)
        if self.by_angle is not None:
            out.reshape(len(out), gathered.shape[1], -1)[...] += self.by_angle[:, block, None]

    def collect(
        self,
        block: slice,
        weights: np.ndarray,
        active: np.ndarray,
        collected: Collected,
        totals: tuple[np.ndarray, np.ndarray, np.ndarray],
    ) -> None:
        """Add what a block's entries get, and the particle's totals: cross and auto (k,), share (T,).

        weights  (angle, e, T); active (e, T): where there are any
        """
        turns, (cross, auto, share) = self.turns, totals
        some, few = _where(active, 1), _where(active, 0)
        chosen = np.ascontiguousarray(weights[:, some][:, :, few])
        spectrum = self.angles.from_angles(chosen.reshape(len(chosen), -1))
        spectrum = spectrum.reshape(turns.rows, 2, *chosen.shape[1:])
        gathered, squared = self._seen(block)
        views, turn = self.entries[block][some], self.turn[block][some]
        given = weighted(spectrum, self.particle[:, :, few], turns.bands)
        gathered = gathered[:, some]
        scatter_turned(collected.numerator, given, gathered, views, turn, turns.harmonic, turns.ring, cross)
        h = len(self.weight)
        summed = np.zeros((turns.rows, 2, len(views)), np.float32)
        needed = turns.row[0 : 2 * h : 2]
        summed[needed] = spectrum[needed].sum(axis=3)
        even = turns.even_harmonics(summed, h)  # (h, e)
        back = np.conj(turn[:, : 2 * h : 2]).T
        given_weight = (even * back)[..., None] * self.weight  # (h, e, k)
        np.add.at(collected.weight, views, given_weight.transpose(1, 0, 2))
        expected = np.einsum("he,hek->hk", np.conj(even), squared[:, some], optimize=False)
        product = expected.real * self.weight[:, 0].real + expected.imag * self.weight[:, 0].imag
        auto += 2 * product.sum(axis=0) - product[0]
        shares = spectrum[turns.row[0], 0]
        np.add.at(collected.share, views, shares.sum(axis=1))
        share[few] += shares.sum(axis=0)

    def _seen(self, block: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return a block's views, turned: spectra (row, e, 2 places), and squared moduli (h, e, k)."""
        if self._last is None or self._last[0] != block:
            entries, turn = self.entries[block], self.turn[block]
            gathered = gather_turned(self.views.spectrum, entries, turn, self.turns.harmonic)
            even = turn[:, : 2 * len(self.weight) : 2].T[..., None]
            self._last = block, gathered, self.views.squared[:, entries] * even
        return self._last[1:]


def _where(active: np.ndarray, axis: int) -> np.ndarray | slice:
    """Return where anything is active along an axis: as a slice, which copies nothing, if that is nearly everywhere."""
    found: np.ndarray = np.asarray(active.any(axis=axis))
    return slice(None) if found.mean() > _NEARLY_ALL else np.flatnonzero(found)
