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
from relionlab.engine.refine3d.views import Views


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

    view, turn, offset   of its best pose: view; in-plane angle, counted in fine steps; (2,) px
    numbers              largest log-likelihood, log of the sum over poses of likelihood over the largest, weight of the
                         best pose, number of significant poses
    cross, auto          (k,) <X, s CTF A> and |s CTF A|² over 2 sigma2, per ring
    offset2              expected squared origin in px²
    """

    view: int
    turn: int
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

    def weigh(
        self,
        one: OneSeen,
        found: Candidates,
        views: Views,
        *,
        entries: np.ndarray,
        places: np.ndarray,
        offset_variance: float,
        collected: Collected,
    ) -> Posterior:
        """Find a particle's posterior and collect what it gives.

        entries  (E,) places in ``views`` of the fine views; the finer ones of a candidate follow each other
        places   (E,) number of each entry's candidate
        offset_variance  px² of the prior of whole origins, per axis
        """
        turns = self.turns
        angles: Angles = turns if found.whole else self.window
        first = found.first[places] * self.parts
        turn = self._turn(first)
        slots = (found.slots[:, None] * self.parts**2 + np.arange(self.parts**2)).ravel()
        offsets = self.offsets.xy[slots]
        particle = self.folding.moved(one.signal, self.offsets.phases[slots])
        gathered = gather_turned(views.spectrum, entries, turn, turns.harmonic)
        compared = particle if self.mask is None else particle * self.mask
        spectrum = products(gathered, compared, turns.bands)
        shaped = spectrum.reshape(turns.rows, 2, len(entries), len(slots))
        squared = views.squared[:, entries] * turn[:, : 2 * one.weight.shape[0] : 2].T[..., None]
        seen_weight = one.weight if self.mask is None else one.weight * self.rings
        shaped[: turns.even] += norms(seen_weight, squared, turns)[:, :, 0, :, None]
        origin = one.origin + offsets[:, 0] + 1j * offsets[:, 1]
        prior = -(np.abs(origin) ** 2) / (2 * offset_variance)
        constant = prior[None] if found.prior is None else prior + found.prior[places, None]
        shaped[turns.row[0], 0] += constant.astype(np.float32)
        table = np.empty((1, angles.count, 1, shaped.shape[2] * shaped.shape[3]), np.float32)
        angles.to_angles(spectrum, table[0, :, 0])
        if found.psi_prior is not None:
            by_angle = np.repeat(found.psi_prior[places], self.parts, axis=1).T.astype(np.float32)
            table.reshape(angles.count, len(entries), -1)[...] += by_angle[..., None]
        best, numbers = np.zeros((1, 3), np.int64), np.zeros((1, 4))
        active = np.zeros((1, 1, table.shape[-1]), bool)
        weigh(table, self.fraction, best, numbers, active)
        cross, auto, offset2 = self._collect(
            table[0, :, 0].reshape(angles.count, len(entries), len(slots)),
            active.reshape(len(entries), len(slots)),
            (entries, turn, squared, gathered, particle, one.weight, angles, np.abs(origin) ** 2),
            collected,
        )
        entry, slot = divmod(int(best[0, 2]), len(slots))
        where = int(first[entry] + best[0, 1])
        return Posterior(int(entries[entry]), where, offsets[slot], numbers[0], cross, auto, offset2)

    def _collect(
        self, weights: np.ndarray, active: np.ndarray, parts: tuple, collected: Collected
    ) -> tuple[np.ndarray, np.ndarray, float]:
        entries, turn, squared, gathered, particle, weight, angles, length2 = parts
        turns = self.turns
        some, few = np.flatnonzero(active.any(axis=1)), np.flatnonzero(active.any(axis=0))
        chosen = np.ascontiguousarray(weights[:, some][:, :, few])
        spectrum = angles.from_angles(chosen.reshape(angles.count, -1)).reshape(turns.rows, 2, len(some), len(few))
        views, turn, gathered = entries[some], turn[some], gathered[:, some]
        given = weighted(spectrum, particle[:, :, few], turns.bands)
        cross = np.zeros(self.grid.radius)
        scatter_turned(collected.numerator, given, gathered, views, turn, turns.harmonic, turns.ring, cross)
        h = len(weight)
        even = turns.even_harmonics(spectrum.sum(axis=3), h)  # (h, E)
        back = np.conj(turn[:, : 2 * h : 2]).T
        given_weight = (even * back)[..., None] * weight  # (h, E, k)
        np.add.at(collected.weight, views, given_weight.transpose(1, 0, 2))
        expected = np.einsum("he,hek->hk", np.conj(even), squared[:, some], optimize=False)
        product = expected.real * weight[:, 0].real + expected.imag * weight[:, 0].imag
        auto = (2 * product.sum(axis=0) - product[0]) / self.area
        shares = spectrum[turns.row[0], 0]
        np.add.at(collected.share, views, shares.sum(axis=1))
        offset2 = float(shares.sum(axis=0) @ length2[few])
        return cross / self.area, auto, offset2

    def _turn(self, first: np.ndarray) -> np.ndarray:
        """Return exp(i q psi) of in-plane angles counted in fine steps, (E, Q + 1) complex64."""
        phase = 2 * np.pi / self.turns.count * first[:, None] * np.arange(self.grid.harmonics + 1)
        return np.exp(1j * phase).astype(np.complex64)
