"""What all 3D runs share: their input, their search, passes over the particles, and what they write and say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from relionlab.engine.heap import return_freed_memory
from relionlab.engine.likelihood.first_look import FirstLook, first_noise
from relionlab.engine.likelihood.kept import PictureCache
from relionlab.engine.parallel import executor_for
from relionlab.engine.refine3d.expectation import Expectation
from relionlab.engine.refine3d.fixed import FixedExpectation
from relionlab.engine.refine3d.maximisation import Update, flattened
from relionlab.engine.refine3d.shifted import ShiftedExpectation
from relionlab.engine.refine3d.start import PROBED, first_model, low_passed, on_grey_scale
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.sampling import Sampling, Widths, next_perturbation, sampling
from relionlab.engine.steps import Executor
from relionlab.jobs.refinement.files3d import Iteration3D, write_iteration3d
from relionlab.jobs.refinement.memory3d import Memory
from relionlab.jobs.refinement.run_options3d import optimiser_options3d
from relionlab.jobs.refinement.sampling_file import SearchGrid
from relionlab.jobs.refinement.shared_run import SharedRun

_FEWEST_SHARDS = 4  # of small sets: so many workers have something to do
_SMALLEST_SHARD = 32  # particles: below, merging shards takes longer than computing them


@dataclass
class Run3D(SharedRun):
    """A 3D classification, refinement or initial model under way.

    given    (class, n, n, n) the maps to start from, as read; ``None``: none, or those of a continued run
    mask, solvent  of the solvent; ``None`` where none are given
    """

    given: np.ndarray | None = None
    mask: np.ndarray | None = None
    solvent: np.ndarray | None = None
    executor: Executor = field(init=False)
    memory: Memory = field(init=False)
    cache: PictureCache = field(init=False)

    def __post_init__(self) -> None:
        settings = self.context.settings
        if settings.device == "gpu" or self.options.gpu_ids is not None:
            self.context.warn("A GPU was asked for: 3D refinement computes on the CPU in this release.")
        self.memory = Memory(self)
        self.executor = executor_for(replace(settings, workers=self.memory.plan.workers))
        self.cache = PictureCache(self.memory.most_kept)

    # --- what the options mean --------------------------------------------------------------------------------

    def first_grid(self) -> SearchGrid:
        """Return the sampling that the options ask for."""
        options = self.options
        return self.grid(
            options.healpix_order,
            options.offset_range,
            2 * options.offset_step,
            psi_step=options.psi_step(options.healpix_order),
        )

    def grid(self, order: int, offset_range: float, offset_step: float, *, psi_step: float | None = None) -> SearchGrid:
        """Return a sampling; the coarse pass's offsets in px."""
        options = self.options
        found = sampling(order, group=options.sym, psi_step=psi_step, tilt_limit=options.limit_tilt)
        pixel = self.data.pixel_size
        return SearchGrid(found, offset_range * pixel, offset_step * pixel, options.perturb, options.limit_tilt)

    def local_widths(self, grid: SearchGrid) -> tuple[float, float, float] | None:
        """Return the widths (°) in rot, tilt and psi of searches around the last poses; ``None``: all poses are searched.

        Those asked for, if any (--sigma_ang); in an auto-refinement from --auto_local_healpix_order on, one step of the
        coarse grid.
        """
        options = self.options
        if options.auto_refine and grid.orientations.order >= options.auto_local_healpix_order:
            return (grid.orientations.step,) * 3
        return options.local_sigmas()

    def local_search(self, grid: SearchGrid) -> Search:
        """Return the search of an iteration, around the last poses where such searches are made."""
        widths = self.local_widths(grid)
        return self.search(grid, widths=None if widths is None else Widths(*widths))

    def search(self, grid: SearchGrid, *, widths: Widths | None = None) -> Search:
        """Return the search of an iteration."""
        options, pixel = self.options, self.data.pixel_size
        return Search(
            sampling=grid.orientations,
            oversampling=options.oversampling,
            offset_range=grid.offset_range / pixel,
            offset_step=grid.offset_step / pixel,
            widths=widths,
            relaxed=options.relax_sym,
            rotate=not options.skip_rotate,
            **self.shared_search(),
        )

    def update(self, number: int) -> Update:
        """Return how an iteration updates the model."""
        options = self.options
        return Update(
            shared_prior=options.gradient() is None,  # descents give each class a prior of its own
            flatten=options.flatten_solvent,
            mask=self.mask,
            solvent=self.solvent,
            **self.shared_update(number),
        )

    def perturbed(self, grid: SearchGrid, number: int) -> SearchGrid:
        """Return a sampling with the next perturbation, another in each iteration."""
        rng = np.random.default_rng([self.seed, number])
        moved = next_perturbation(grid.orientations.perturbation, rng, factor=self.options.perturb)
        return replace(grid, orientations=grid.orientations.perturbed(float(np.round(moved, 6))))

    # --- passes over the particles --------------------------------------------------------------------------------

    def expect(
        self,
        model: Model,
        poses: Any,
        search: Search,
        *,
        indices: np.ndarray | None = None,
        report: Any = None,
    ) -> Sums:
        """Return the sums of an E-step over these particles; all of them by default."""
        every = np.arange(len(poses)) if indices is None else indices
        search = replace(search, step_sigma=self.step_sigma(model, search.offset_step / 2**search.oversampling))
        found = self._looked(model, poses, search, every, once=indices is not None, report=report)
        return_freed_memory()
        return found

    def _looked(
        self, model: Model, poses: Any, search: Search, indices: np.ndarray, *, once: bool, report: Any
    ) -> Sums:
        room = self.memory.room(model.radius, search, len(indices))
        found: Sums
        if not search.align:
            # parts of the particles are looked at once: what is kept of them would only take the place of the others'
            cache = None if once else self.cache
            fixed = FixedExpectation(model, poses, self.data.optics, search=search, load=self.data.load, cache=cache)
            found = self.executor.run(fixed, self.pieces(indices, least=fixed.least_shard), report)
            return found
        if not search.rotate:
            shifted = ShiftedExpectation(model, poses, self.data.optics, search=search, load=self.data.load)
            found = self.executor.run(shifted, self.pieces(indices, least=shifted.least_shard), report)
            return found
        step = Expectation(model, poses, self.data.optics, search=search, load=self.data.load, room=room)
        if search.widths is not None:  # neighbours share their views
            indices = indices[np.lexsort((poses.tilt[indices], poses.rot[indices]))]
        found = self.executor.run(step, self.pieces(indices), report)
        return found

    def pieces(self, indices: np.ndarray, *, least: int = 0) -> list[np.ndarray]:
        """Cut particles into shards, of at least so many where there are enough: by their number alone, so that results do
        not depend on the number of workers.
        """
        size = max(self.context.settings.particles_per_shard, least)
        size = min(size, max(-(-len(indices) // _FEWEST_SHARDS), _SMALLEST_SHARD))
        return [indices[start : start + size] for start in range(0, len(indices), size)]

    def noise(self) -> np.ndarray:
        """Return the noise spectra at a first look, (group, n / 2 + 1)."""
        n = self.data.box
        groups = len(self.data.group_names)
        blank = first_model(
            np.zeros((1, n, n, n)),
            np.ones((groups, n // 2 + 1)),
            pixel_size=self.data.pixel_size,
            offset_sigma=self.options.offset,
            shell=1,
            shells_ahead=1,
        )
        look = FirstLook(
            blank,
            self.data.poses,
            self.data.optics,
            search=self.search(self.first_grid()),
            load=self.data.load,
        )
        return first_noise(self.executor.run(look, self.pieces(np.arange(len(self.data.poses))), self.first_reporter()))

    def referenced(self, given: np.ndarray) -> Model:
        """Return the first model from maps: filtered, masked, and brought to the particles' grey scale if it is not known.

        The grey scale is found by the search that the first iteration makes.
        """
        options, n = self.options, self.data.box
        shell = n // 2 - 1
        maps = given
        if options.ini_high is not None:
            shell = int(np.clip(round(self.extent / options.ini_high), 1, n // 2 - 1))
            maps = low_passed(given, shell)
        model = first_model(
            maps,
            self.noise(),
            pixel_size=self.data.pixel_size,
            offset_sigma=options.offset,
            shell=shell,
            shells_ahead=options.incr_size,
        )
        grid = self.first_grid()
        search = self.local_search(grid)
        model = replace(model, references=flattened(maps, model, search=search, update=self.update(0)))
        if options.firstiter_cc:
            model = self._scaled(model, search)
        return model

    def _scaled(self, model: Model, search: Search) -> Model:
        some = np.sort(np.random.default_rng([self.seed, 0]).permutation(len(self.data.poses))[:PROBED])
        model, factor = on_grey_scale(model, lambda now: self.expect(now, self.data.poses, search, indices=some))
        self.context.say(
            f"The reference was brought to the particles' grey scale (times {factor:.4g}, found from {len(some)} particles)."
        )
        return model

    # --- reports ------------------------------------------------------------------------------------------------

    def write(self, state: Iteration3D) -> None:
        """Write an iteration's files."""
        write_iteration3d(self.root, state, self.data.table, **self.written())

    def written(self) -> dict[str, Any]:
        """Return what all files of a run say."""
        return {
            "options": optimiser_options3d(self.options, diameter=self.diameter),
            **self.shared_words(),
        }

    def say(self, state: Iteration3D, *, total: str, more: Sequence[str] = ()) -> None:
        """Print a line about an iteration."""
        model = state.models[0]
        resolution = self.extent / max(model.resolution_shell, 1)
        particles = state.particles
        parts = [
            f"Iteration {state.number:3d}{total}: resolution {resolution:6.2f} Å",
            f"order {state.grid.orientations.order}{' (local)' if state.sigmas else ''}",
            f"mean probability of the best pose {particles.best_weight.mean():.3f}",
            *more,
        ]
        self.context.say(", ".join(parts))

    def close(self) -> None:
        """Give the workers back."""
        self.executor.close()


def finer_step(grid: Sampling, oversampling: int) -> float:
    """Return the degrees between directions of the fine pass."""
    return grid.step / 2**oversampling
