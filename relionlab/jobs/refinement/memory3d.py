"""The memory of a 3D run: what it may take at the most, said before it starts, and what each pass takes, said as it grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from relionlab.engine.memory import CLUSTER, MemoryPlan, fitting, plan_refinement
from relionlab.engine.parallel import in_processes
from relionlab.engine.refine3d.gradient import STARTS
from relionlab.engine.refine3d.known_memory import KnownNeeds
from relionlab.engine.refine3d.state import Search
from relionlab.engine.refine3d.tables import Room
from relionlab.engine.volume import Lattice
from relionlab.jobs.refinement.told_memory import Told, limit_of, program_of

if TYPE_CHECKING:
    from relionlab.jobs.refinement.run3d import Run3D


@dataclass(frozen=True)
class _Pass:
    """A pass over some particles, of one half-set where there are two: outermost shell, search, how many.

    found   each particle lies somewhere: the maps show more than those that the run began with
    starts  descents that go on beside each other
    """

    radius: int
    search: Search
    particles: int
    found: bool = True
    starts: int = 1


@dataclass
class Memory:
    """What a run holds, and may hold.

    resident  bytes that the process holds now; ``None``: this process
    limit     bytes that it may use
    program   bytes that the process holds beside what is planned
    foreseen  plan of the pass that needs the most of those that the run is known to come to
    plan      with all shells on the first sampling, wherever the particles lie: how many workers fit, and what they may hold
    """

    run: Run3D
    resident: int | None = None
    limit: int = field(init=False)
    program: int = field(init=False)
    foreseen: MemoryPlan = field(init=False)
    plan: MemoryPlan = field(init=False)
    _first: int = field(init=False)
    _told: Told = field(init=False)

    def __post_init__(self) -> None:
        run = self.run
        self.limit = limit_of(run.context.settings)
        self.program = program_of(run, self.resident)
        if run.given is not None and self.resident is None:
            self.program -= run.given.nbytes  # planned as maps
        self._first = _first_radius(run)
        passes = _foreseen(run)
        self.plan = fitting(self._planned(replace(passes[0], found=False)), self.limit, workers=run.workers)
        plans = [self._planned(one)(self.plan.workers, self.plan.room) for one in passes]
        self.foreseen = max(plans, key=lambda plan: plan.total)
        self._told = Told(run.context)
        self._told.beforehand(self.foreseen, self._at_first(passes[0]), limit=self.limit)

    @property
    def most_kept(self) -> int:
        """Bytes of images in known poses that a process keeps from one pass to the next."""
        return self.limit // 4 // self.run.workers  # workers that are processes keep their own

    def room(self, radius: int, search: Search, particles: int) -> Room:
        """Return what a pass may take, and say what it needs if none before it needed so much."""
        found = radius > self._first
        starts = STARTS if self.run.options.gradient() is not None and not found else 1
        one = _Pass(radius, search, particles, found, starts)
        room = self._room(one)
        self._told.grown(self._planned(one)(self.plan.workers, room))
        return room

    def _room(self, one: _Pass) -> Room:
        """Return what a pass may take, wherever its particles lie: the workers are there, but may have to hold less."""
        plan, now = self._planned(replace(one, found=False)), self.plan
        if plan(now.workers, now.room).total <= self.limit:
            return now.room
        return fitting(plan, self.limit, workers=now.workers).room

    def _at_first(self, finest: _Pass) -> MemoryPlan | None:
        """Return what the first iterations of a classification need: it may never come to what is foreseen."""
        options = self.run.options
        if options.auto_refine or options.gradient() is not None:
            return None
        return self._planned(replace(finest, radius=self._first, found=False))(self.plan.workers, self.plan.room)

    def _planned(self, one: _Pass) -> Callable[[int, Room], MemoryPlan]:
        """Return what gives a pass's plan for so many workers with so much room each."""
        run, options = self.run, self.run.options
        gradient = options.gradient() is not None
        kept = 0
        if not one.search.align and one.search.zero_mask:
            known = KnownNeeds(run.data.box, run.data.pixel_size, one.radius, options.nr_classes, one.search)
            kept = min(one.particles * known.picture, self.most_kept)
        shards = run.pieces(np.arange(one.particles))
        held = _averages(run, one.starts) if gradient else 0
        if options.ref and not options.fn_cont:
            held += options.nr_classes * run.data.box**3 * 4  # those that were given

        def plan(workers: int, room: Room) -> MemoryPlan:
            return plan_refinement(
                particles=len(run.data.table),
                shards=len(shards),
                shard=len(shards[0]),
                box=run.data.box,
                pixel_size=run.data.pixel_size,
                radius=one.radius,
                classes=options.nr_classes,
                groups=len(run.data.group_names),
                search=one.search,
                workers=workers,
                preread=options.do_preread_images,
                halves=2 if options.auto_refine or gradient else 1,
                models=2 if options.auto_refine else 1,
                held=held,
                room=room,
                program=self.program + (CLUSTER if workers > 1 else 0),
                kept=kept,
                separate=in_processes(replace(run.context.settings, workers=workers)),
                found=one.found,
            )

        return plan


def _foreseen(run: Run3D) -> list[_Pass]:
    """Return the passes that a run is known to come to: with all shells on the first sampling, and what follows.

    Of an auto-refinement those are finer samplings, up to the first local searches; of an initial model there is but the last
    pass, which makes the map of two halves.
    """
    options, count = run.options, len(run.data.table)
    if options.gradient() is not None:
        from relionlab.jobs.refinement.gradient_stages import Stages

        return [_Pass(*Stages.of(run).last_pass())]
    shells, grid = run.data.box // 2 - 1, run.first_grid()
    every = [_Pass(shells, run.local_search(grid), -(-count // 2) if options.auto_refine else count)]
    if options.auto_refine:
        for order in range(grid.orientations.order + 1, options.auto_local_healpix_order + 1):
            finer = run.grid(order, options.offset_range, 2 * options.offset_step)
            every.append(replace(every[0], search=run.local_search(finer)))
    return every


def _first_radius(run: Run3D) -> int:
    """Return the outermost shell of the first iterations."""
    options, last = run.options, run.data.box // 2 - 1
    if options.gradient() is not None:
        from relionlab.jobs.refinement.gradient_stages import Stages

        stages = Stages.of(run)
        return stages.radius(stages.resolutions[0])
    if options.ini_high is None:
        return last
    return min(max(round(run.extent / options.ini_high), 1) + options.incr_size, last)


def _averages(run: Run3D, starts: int) -> int:
    """Return the bytes of what descents hold beside one model: running averages, two of a step, and maps of before."""
    from relionlab.jobs.refinement.gradient_stages import Stages

    stages = Stages.of(run)
    lattice = Lattice(run.data.box, stages.radius(stages.resolutions[1]))
    sums, maps = lattice.voxels * 3 * 4, run.data.box**3 * 4
    return run.options.nr_classes * ((starts + 2) * sums + (2 * starts - 1) * maps)
