"""One pass over the particles: the posterior of every pose, and the sums that the M-step needs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.fft

from relionlab.engine.likelihood.images import Observer, Seen
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import angular_samples
from relionlab.engine.refine3d.candidates import Candidates, tile_of
from relionlab.engine.refine3d.coarse import BATCH, CoarseSearch
from relionlab.engine.refine3d.comparison import Offsets, coarser, weight_spectrum
from relionlab.engine.refine3d.fine import Collected, FineSearch, OneSeen, Posterior
from relionlab.engine.refine3d.grids import (
    coarse_grid,
    coarse_offsets,
    compared_rings,
    fine_offsets,
    sampling_of,
    view_rotations,
)
from relionlab.engine.refine3d.local import LocalSearch, surroundings
from relionlab.engine.refine3d.mean_pose import Compared
from relionlab.engine.refine3d.particle_pass import Found, ParticlePass, class_prior, record
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.refine3d.tables import AMPLE, Maps, Room, Table, weight_harmonics
from relionlab.engine.rotations import euler_from_matrix, matrix_from_euler

BLOCK = 32
"""Particles of a local search that share their views."""
INSERTED_AT_ONCE = 64
"""Slices put into a map's sums at once."""


class Expectation(ParticlePass):
    """The E-step of a 3D refinement that searches poses, as a Step (engine/steps.py).

    room  what it may take of memory
    """

    kept = (*ParticlePass.kept, "room")

    def __init__(
        self,
        model: Model,
        particles: Particles,
        groups: tuple[OpticsGroup, ...],
        *,
        search: Search,
        load: Loader,
        room: Room = AMPLE,
    ) -> None:
        super().__init__(model, particles, groups, search=search, load=load)
        self.room = room

    def _prepare(self) -> None:
        model, search, sampling = self.model, self.search, sampling_of(self.search)
        # offsets of late iterations reach less far than half a pixel
        self._observers = [Observer(self.grid, group, model, search, whole=False) for group in self.groups]
        maps = Maps(model.references, self.grid)
        parts = 2**search.oversampling
        turns = Turns(self.grid, sampling.n_psi * parts)
        self._harmonics = weight_harmonics(self.particles, self.groups, grid=self.grid, model=model)
        self._fine_views = Table.of(
            maps,
            view_rotations(search, fine=True),
            grid=self.grid,
            turns=turns,
            harmonics=self._harmonics,
            held=self.room.held,
        )
        self._fine = FineSearch(
            self.grid,
            turns,
            Offsets.of(fine_offsets(search).reshape(-1, 2), self.grid),
            parts=parts,
            tile=tile_of(sampling.n_psi) * parts,
            compared=compared_rings(self.grid, search),
            fraction=search.fraction,
        )
        few = coarse_grid(model, search)
        turns = Turns(few, sampling.n_psi)
        offsets = Offsets.of(coarse_offsets(search), few)
        harmonics = min(self._harmonics, few.harmonics // 2 + 1)
        self._coarse_views = Table.of(
            maps, view_rotations(search, fine=False), grid=few, turns=turns, harmonics=harmonics, held=self.room.held
        )
        self._low, self._low_offsets = few, offsets
        if search.widths is None:
            views = self._coarse_views.held or self._coarse_views.views(np.arange(len(self._coarse_views.classes)))
            self._coarse: CoarseSearch | LocalSearch = CoarseSearch(few, turns, views, offsets)
        else:
            self._coarse = LocalSearch(
                sampling,
                turns,
                offsets,
                classes=model.classes,
                widths=search.widths,
                fraction=search.fraction,
                most=self._most,
            )

    def process(self, indices: np.ndarray) -> Sums:
        """Return the sums over these particles."""
        sums = self._zeros()
        held = self._fine_views.held
        collected = None if held is None else Collected.zeros(held)
        order = indices[np.argsort(self.particles.optics_group[indices], kind="stable")]
        size = BATCH if self.search.widths is None else BLOCK
        for optics in np.unique(self.particles.optics_group[order]):
            members = order[self.particles.optics_group[order] == optics]
            for start in range(0, len(members), size):
                self._block(members[start : start + size], self._observers[optics], sums, collected)
        if collected is not None:
            self._insert(collected, np.arange(len(collected.share)), sums)
        return sums

    # --- one block of particles ---------------------------------------------------------------------------------

    def _block(self, indices: np.ndarray, observer: Observer, sums: Sums, collected: Collected | None) -> None:
        particles = self.particles.rows(indices)
        seen = observer.look(particles, self.load(indices), identifiers=indices)
        weight = weight_spectrum(seen.weight, self._harmonics)
        found = [replace(one, prior=self._share_of(one.view)) for one in self._candidates(particles, seen, weight)]
        parts = 4**self.search.oversampling
        wanted = [(one.view[:, None] * parts + np.arange(parts)).ravel() for one in found]
        expected = self._expected(seen.origin)
        posteriors, table, step = [], self._fine_views, sampling_of(self.search).step / 2**self.search.oversampling
        for some in self._fitting(wanted):
            views, given, numbers = table.held, collected, None
            if views is None or given is None:
                numbers = np.unique(np.concatenate([wanted[n] for n in some]))
                views = table.views(numbers)
                given = Collected.zeros(views)
            for n in some:
                posterior = self._fine.weigh(
                    OneSeen(seen.signal[n : n + 1], weight[:, n : n + 1], complex(seen.origin[n])),
                    found[n],
                    views,
                    entries=wanted[n] if numbers is None else np.searchsorted(numbers, wanted[n]),
                    places=np.repeat(np.arange(len(found[n].view)), parts),
                    offset_prior=(complex(expected[n]), self._offset_variance),
                    compared=Compared(table.rotations, table.classes, wanted[n], step),
                    collected=given,
                )
                posteriors.append(posterior)
            if numbers is not None:
                self._insert(given, numbers, sums)
        self._conclude_block(indices, particles, seen, posteriors=posteriors, sums=sums)

    def _fitting(self, wanted: list[np.ndarray]) -> list[range]:
        """Return which successive particles of a block share views that are made for them: as many as there is room for."""
        if self._fine_views.held is not None:
            return [range(len(wanted))]
        most = self.room.held // (2 * self._fine_views.bytes_each)  # the views, and what is collected for them
        runs, first, together = [], 0, wanted[0]
        for n in range(1, len(wanted)):
            more = np.union1d(together, wanted[n])
            if len(more) > most:
                runs.append(range(first, n))
                first, more = n, wanted[n]
            together = more
        return [*runs, range(first, len(wanted))]

    def _candidates(self, particles: Particles, seen: Seen, weight: np.ndarray) -> list[Candidates]:
        low = coarser(seen.signal, self._low)
        low_weight = weight[: self._coarse_views.harmonics, :, : self._low.radius]
        tau = self._low_offsets.xy[:, 0] + 1j * self._low_offsets.xy[:, 1]
        away = (seen.origin - self._expected(seen.origin))[:, None] + tau
        prior = -(np.abs(away) ** 2) / (2 * self._offset_variance)
        if isinstance(self._coarse, CoarseSearch):
            by_view = self._share_of(np.arange(self.model.classes * len(sampling_of(self.search))))
            return self._coarse.search(
                low, low_weight, offset_prior=prior, view_prior=by_view, fraction=self.search.fraction, most=self._most
            )
        return self._local_candidates(self._coarse, particles, (low, low_weight, seen.origin), prior)

    def _share_of(self, views: np.ndarray) -> np.ndarray:
        """Return the log prior of coarse views: that of their classes."""
        return class_prior(self.model, self.search)[views // len(sampling_of(self.search))]

    def _local_candidates(
        self, search: LocalSearch, particles: Particles, parts: tuple[np.ndarray, ...], prior: np.ndarray
    ) -> list[Candidates]:
        low, weight, origin = parts
        poses = matrix_from_euler(*particles.expected_angles())
        widths = self.search.widths
        assert widths is not None
        around = surroundings(sampling_of(self.search), poses, widths=widths, relaxed=self.search.relaxed)
        needed = [search.views_needed(near) for near in around]
        views, numbers = self._coarse_views.held, None
        if views is None:
            numbers = np.unique(np.concatenate(needed))
            views = self._coarse_views.views(numbers)
        found = []
        for n, (near, some) in enumerate(zip(around, needed, strict=True)):
            places = some if numbers is None else np.searchsorted(numbers, some)
            one = OneSeen(low[n : n + 1], weight[:, n : n + 1], complex(origin[n]))
            found.append(search.search(one, near, views=views, places=places, offset_prior=prior[n]))
        return found

    def _conclude_block(
        self, indices: np.ndarray, particles: Particles, seen: Seen, *, posteriors: list[Posterior], sums: Sums
    ) -> None:
        cross = np.array([posterior.cross for posterior in posteriors])
        auto = np.array([posterior.auto for posterior in posteriors])
        rotations = np.array([posterior.rotation for posterior in posteriors])
        offsets = np.array([posterior.offset for posterior in posteriors])
        views = np.array([posterior.view for posterior in posteriors])
        aberrations = self.groups[int(particles.optics_group[0])].aberrations  # a block is of one group
        origin = aberrations.offset_of_image(seen.origin + offsets[:, 0] + 1j * offsets[:, 1])
        numbers = np.array([posterior.numbers for posterior in posteriors])
        sums.offset2 += float(sum(posterior.offset2 for posterior in posteriors))
        one_block = Found(
            indices=indices,
            group=particles.group,
            power=seen.power,
            cross=cross * 2 * seen.sigma2,
            auto=auto * 2 * seen.sigma2,
            classes=self._fine_views.classes[views],
            angles=np.stack(euler_from_matrix(rotations), axis=1),
            origin=origin,
            numbers=numbers,
        )
        record(one_block, sums, sigma2=self.model.sigma2, pixels=self._pixels)

    # --- from views to maps ---------------------------------------------------------------------------------------

    def _insert(self, collected: Collected, numbers: np.ndarray, sums: Sums) -> None:
        """Put what was collected for views into their maps' sums.

        numbers  (V,) the collected views' numbers in the table of fine views
        """
        used = np.flatnonzero(collected.share > 0)
        classes = self._fine_views.classes[numbers]
        directions = numbers // 4**self.search.oversampling % sums.directions.shape[1]
        np.add.at(sums.directions, (classes[used], directions[used]), collected.share[used])
        sums.share += np.bincount(classes, weights=collected.share, minlength=len(sums.share))
        half = self.grid.n_angles // 2
        for c in range(len(sums.maps)):
            of_class = used[classes[used] == c]
            for start in range(0, len(of_class), INSERTED_AT_ONCE):
                some = of_class[start : start + INSERTED_AT_ONCE]
                rows = collected.numerator[some].transpose(1, 0, 2)
                numerators = angular_samples(self._fine.turns.unfolded(rows), self.grid.n_angles)
                padded = np.zeros((len(some), self.grid.radius, half // 2 + 1), np.complex64)
                spectrum = collected.weight[some].transpose(0, 2, 1)
                keep = min(padded.shape[-1], spectrum.shape[-1])
                padded[..., :keep] = spectrum[..., :keep]
                weights = scipy.fft.irfft(padded, half, axis=-1, norm="forward")
                sums.maps[c].insert_polar(
                    numerators, weights, self._fine_views.rotations[numbers[some]], grid=self.grid
                )

    @property
    def _pixels(self) -> np.ndarray:
        """Fourier pixels of half the plane in each compared shell."""
        shells = np.arange(self.model.box // 2 + 1)
        compared = compared_rings(self.grid, self.search)
        return np.where((shells > compared.start) & (shells <= compared.stop), np.pi * shells, 0.0)

    @property
    def _most(self) -> float:
        """Coarse poses that the fine pass may look at."""
        return self.room.poses / 32**self.search.oversampling  # views 4, angles 2 and offsets 4 times as many
