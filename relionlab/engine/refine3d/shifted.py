"""One pass over particles whose angles are known: the posterior of classes and offsets."""

from __future__ import annotations

import numpy as np

from relionlab.engine.kernels.known_poses import compare
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.likelihood.pixels import Pictures
from relionlab.engine.refine3d.fixed import Factors, FixedExpectation, Weighed, posterior_of
from relionlab.engine.refine3d.grids import fine_offsets
from relionlab.engine.refine3d.particle_pass import class_prior
from relionlab.engine.refine3d.state import Model, Search


class ShiftedExpectation(FixedExpectation):
    """The E-step of a classification that keeps angles and searches offsets, as a Step (engine/steps.py)."""

    def __init__(
        self, model: Model, particles: Particles, groups: tuple[OpticsGroup, ...], *, search: Search, load: Loader
    ) -> None:
        # pictures are made in the particles' origins, which change: none is kept
        super().__init__(model, particles, groups, search=search, load=load)

    def _prepare(self) -> None:
        super()._prepare()
        x, y = fine_offsets(self.search).reshape(-1, 2).T
        self._offsets = x + 1j * y
        waves = np.outer(x, self.pixels.x) + np.outer(y, self.pixels.y)
        self._phases = np.exp(-2j * np.pi / self.model.box * waves).astype(np.complex64)

    def _weigh(self, seen: Pictures, turns: np.ndarray, factors: Factors) -> Weighed:
        of_signal, of_weight, precision = factors
        signal = seen.signal[:, : len(self._points)]
        count, classes, compared = len(signal), self.model.classes, (precision * self._compared)[:, :, None]
        values = np.empty((count, classes, len(self._offsets)))
        for slot, phase in enumerate(self._phases):
            cross, auto, power = (part.astype(float) for part in self._sums(signal * phase, seen, turns))
            auto *= of_weight[:, None, None]
            values[:, :, slot] = ((2 * cross * of_signal[:, None, None] - auto) @ compared)[..., 0]
        origin = seen.origin[:, None] + self._offsets
        away = np.abs(origin - self._expected(seen.origin)[:, None]) ** 2
        values += class_prior(self.model, self.search)[:, None] - away[:, None] / (2 * self._offset_variance)
        every, numbers = posterior_of(values.reshape(count, -1), self.search.fraction)
        best, slot = np.divmod(every.argmax(axis=1), len(self._offsets))
        weights = every.reshape(values.shape)
        share = weights.sum(axis=2)
        mean = weights / np.maximum(share, 1e-30)[:, :, None]
        signals = [signal * (mean[:, c].astype(np.float32) @ self._phases) for c in range(classes)]
        cross = np.stack([self._sums(one, seen, turns)[0][:, c] for c, one in enumerate(signals)], axis=1)
        return Weighed(
            share,
            numbers,
            best,
            cross=np.einsum("nc,nck->nk", share * of_signal[:, None], cross.astype(float)),
            auto=np.einsum("nc,nck->nk", share, auto),
            power=power,
            signals=signals,
            origin=np.take_along_axis(origin, slot[:, None], axis=1)[:, 0],
            offset2=float((weights.sum(axis=1) * np.abs(origin) ** 2).sum()),
        )

    def _sums(self, signal: np.ndarray, seen: Pictures, turns: np.ndarray) -> tuple[np.ndarray, ...]:
        return compare(self._volumes, turns, self._points, self.pixels.first, signal, seen.transfer)
