"""The memory of a 3D run: what it may take at the most, said before it starts, and what each pass takes, said as it grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from relionlab.engine.memory import (
    CLUSTER,
    KERNELS,
    RefinementPlan,
    available_memory,
    fitting_refinement,
    plan_refinement,
    resident_memory,
)
from relionlab.engine.parallel import in_processes
from relionlab.engine.refine3d.gradient import STARTS
from relionlab.engine.refine3d.known_memory import KnownNeeds
from relionlab.engine.refine3d.state import Search
from relionlab.engine.refine3d.tables import Room

if TYPE_CHECKING:
    from relionlab.jobs.refinement.run3d import Run3D

_GROWN = 1.05  # less is not worth a line


@dataclass(frozen=True)
class _Pass:
    """A pass over some particles, of one half-set where there are two: outermost shell, search, how many."""

    radius: int
    search: Search
    particles: int


@dataclass
class Memory:
    """What a run holds, and may hold.

    resident  bytes that the process holds now; ``None``: this process
    limit    bytes that it may use
    program  bytes that the process holds beside what is planned
    plan     of the pass that needs the most of those that are foreseen
    """

    run: Run3D
    resident: int | None = None
    limit: int = field(init=False)
    program: int = field(init=False)
    plan: RefinementPlan = field(init=False)
    _finest: _Pass = field(init=False)
    _said: int = 0

    def __post_init__(self) -> None:
        run, wanted = self.run, self.run.context.settings.memory_gigabytes
        self.limit = int(0.9 * (int(wanted * 2**30) or available_memory()))
        images = len(run.data.table) * run.data.box**2 * 4 if run.options.do_preread_images else 0
        resident = resident_memory() - images if self.resident is None else self.resident
        self.program = max(resident, 0) + KERNELS
        self._finest = _finest(run)
        self.plan = fitting_refinement(self._planned(self._finest), self.limit, workers=run.workers)
        run.context.say(
            f"Memory: about {self.plan}, which is with all shells; {self.limit / 2**20:.0f} MB may be used. An iteration that"
            " needs more than those before it says so."
        )

    @property
    def most_kept(self) -> int:
        """Bytes of images in known poses that a process keeps from one pass to the next."""
        return self.limit // 4 // self.run.workers  # workers that are processes keep their own

    def room(self, radius: int, search: Search, particles: int) -> Room:
        """Return what a pass may take, and say what it needs if none before it needed so much."""
        plan, now = self._planned(_Pass(radius, search, particles)), self.plan
        found = plan(now.workers, now.room)
        if found.total > self.limit:  # finer than was foreseen: the workers are there, but may hold less
            found = plan(now.workers, fitting_refinement(plan, self.limit, workers=now.workers).room)
        if found.total > _GROWN * self._said:
            self._said = found.total
            self.run.context.say(f"Memory from here on: about {found}.")
        return found.room

    def _planned(self, one: _Pass) -> Callable[[int, Room], RefinementPlan]:
        """Return what gives a pass's plan for so many workers with so much room each."""
        run, options = self.run, self.run.options
        gradient = options.gradient() is not None
        # at the last pass of an initial model, and before it, one start is left
        starts = STARTS if gradient and one.radius < self._finest.radius else 1
        kept = 0
        if not one.search.align and one.search.zero_mask:
            known = KnownNeeds(run.data.box, run.data.pixel_size, one.radius, options.nr_classes, one.search)
            kept = min(one.particles * known.picture, self.most_kept)

        shards = run.pieces(np.arange(one.particles))

        def plan(workers: int, room: Room) -> RefinementPlan:
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
                starts=starts,
                room=room,
                program=self.program + (CLUSTER if workers > 1 else 0),
                kept=kept,
                separate=in_processes(replace(run.context.settings, workers=workers)),
            )

        return plan


def _finest(run: Run3D) -> _Pass:
    """Return the pass that needs the most of those that a run is known to come to.

    That is one with all shells on the first sampling; of an initial model the last one, which makes the map of two halves.
    """
    options, count = run.options, len(run.data.table)
    if options.gradient() is not None:
        from relionlab.jobs.refinement.gradient_stages import Stages

        return _Pass(*Stages.of(run).last_pass())
    search = run.local_search(run.first_grid())
    return _Pass(run.data.box // 2 - 1, search, -(-count // 2) if options.auto_refine else count)
