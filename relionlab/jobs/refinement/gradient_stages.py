"""What each iteration of an initial model does: resolution, batch, step and sampling grow from the first stage to the last."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.refine3d.gradient import STARTS
from relionlab.engine.refine3d.schedule import step_needed
from relionlab.engine.refine3d.state import Search
from relionlab.engine.sampling.healpix import spacing
from relionlab.engine.volume import Lattice
from relionlab.jobs.refinement.batches import stage_share, step_of
from relionlab.jobs.refinement.gradient import GradientPlan
from relionlab.jobs.refinement.run3d import Run3D
from relionlab.jobs.refinement.sampling_file import SearchGrid

_DETAIL = 5.0  # parts of the diameter: the first resolution, where none is asked for
_FINER = 2.5  # by which the last resolution is finer than the first
_BATCHES = (200, 1000)  # particles, where nothing is asked for
SHELLS_BEYOND = 1
_BEYOND = 2  # how far the last map's shells reach, over those by which poses were compared
_LAST_PASS = 10  # batches that the last pass sees at the most
_FINEST_ORDER = 3


@dataclass(frozen=True)
class Stage:
    """What an iteration does: resolution in Å, particles of its batch, step of the averages, starts that go on."""

    resolution: float
    batch: int
    step: float
    starts: int


@dataclass(frozen=True)
class Stages:
    """The stages of a run, as its plan and its particles make them."""

    run: Run3D
    plan: GradientPlan

    @classmethod
    def of(cls, run: Run3D) -> Stages:
        """Return the stages of a gradient-driven run."""
        plan = run.options.gradient()
        assert plan is not None
        return cls(run, plan)

    def at(self, number: int) -> Stage:
        """Return what an iteration does."""
        plan = self.plan
        (first, last), (small, large) = self.resolutions, self.batches
        share = stage_share(plan, number)
        frequency = (1 - share) / first + share / last
        quarter = max(plan.initial // 4, 1)
        starts = STARTS if number < 2 * quarter else STARTS // 2 if number < 3 * quarter else 1
        return Stage(1 / frequency, round(small + share * (large - small)), step_of(plan, number), starts)

    @property
    def resolutions(self) -> tuple[float, float]:
        """The first and the last resolution in Å."""
        finest = 2.2 * self.run.data.pixel_size
        first = self.plan.initial_resolution or self.run.diameter / _DETAIL
        last = self.plan.final_resolution or first / _FINER
        return max(first, finest), max(min(last, first), finest)

    @property
    def batches(self) -> tuple[int, int]:
        """The particles of the first and of the last batch."""
        count = len(self.run.data.poses)
        small = min(self.plan.initial_batch or _BATCHES[0], count)
        return small, int(np.clip(self.plan.final_batch or _BATCHES[1], small, count))

    def noise_factor(self, number: int) -> float:
        """Return by how much an iteration overstates the noise."""
        plan = self.plan
        if plan.noise_halflife is None:
            return 1.0
        seen = number * self.at(number).batch
        return max(plan.noise_factor * 0.5 ** (seen / plan.noise_halflife), 1.0)

    def radius(self, resolution: float) -> int:
        """Return the outermost shell of a resolution."""
        shells = np.ceil(self.run.extent / resolution) + SHELLS_BEYOND
        return int(np.clip(shells, 3, self.run.data.box // 2 - 1))

    def lattice(self, stage: Stage) -> Lattice:
        """Return the lattice of the averages: it holds the finest resolution that any stage will have."""
        finest = self.radius(self.resolutions[1])
        return Lattice(self.run.data.box, max(self.radius(stage.resolution), finest))

    def grid(self, resolution: float, *, finer: float = 1.0) -> SearchGrid:
        """Return the sampling that a resolution needs: a fine step that moves the rim by two thirds of it, or less."""
        run = self.run
        wanted = step_needed(resolution, diameter=run.diameter) / finer
        order = run.options.healpix_order
        while spacing(order) / 2**run.options.oversampling > wanted and order < _FINEST_ORDER:
            order += 1
        return run.grid(order, run.options.offset_range, 2 * run.options.offset_step)

    def last_grid(self) -> SearchGrid:
        """Return the sampling of the last pass."""
        return self.grid(self.resolutions[1], finer=2.0)

    def last_radii(self) -> tuple[int, int]:
        """Return the shells up to which the last pass compares poses, and those of which it makes the map."""
        shells = self.radius(self.resolutions[1])
        return shells, min(_BEYOND * shells, self.run.data.box // 2 - 1)

    def last_particles(self) -> int:
        """Return how many particles the last pass sees: all, or many, of a large set."""
        return min(_LAST_PASS * self.batches[1], len(self.run.data.poses))

    def remembered(self, step: float) -> int:
        """Return of how many batches the averages know, whose share is a step each."""
        return int(np.clip(np.ceil(1 / step), 1, _LAST_PASS))

    def last_pass(self) -> tuple[int, Search, int]:
        """Return outermost shell, search and number of particles of one half of the last pass: it needs the most memory."""
        return self.last_radii()[1], self.run.search(self.last_grid()), -(-self.last_particles() // 2)
