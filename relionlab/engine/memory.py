"""What a 2D classification or a 3D refinement will need, before it starts."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from relionlab.engine.classify2d.expectation import BATCH
from relionlab.engine.classify2d.state import Search
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.known_memory import KnownNeeds
from relionlab.engine.refine3d.memory import Needs
from relionlab.engine.refine3d.state import Search as Search3D
from relionlab.engine.refine3d.tables import AMPLE, Room
from relionlab.errors import ComputeError

_COMPLEX, _REAL = 8, 4
_MAPS_OF_MODEL = 4  # of this iteration and of the next, and while these are masked, in double precision
KERNELS = 70 << 20
"""Bytes that compiled kernels take with their compiler (LLVM), which are loaded when the first of them is called."""
CLUSTER = 45 << 20
"""Bytes that Dask takes in a process that uses it."""


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that a job will hold at its peak, by what for.

    particles    images held in memory (all of them when pre-read, otherwise a few shards)
    references   the class averages at every offset, shared by the threads of a process
    worker       one worker's tables and sums
    workers      how many there will be
    """

    particles: int
    references: int
    worker: int
    workers: int

    @property
    def total(self) -> int:
        """Bytes in all."""
        return self.particles + self.references + self.worker * self.workers

    def __str__(self) -> str:
        parts = (("particles", self.particles), ("references", self.references), ("each worker", self.worker))
        words = ", ".join(f"{name} {size / 2**20:.0f} MB" for name, size in parts)
        return f"{self.total / 2**20:.0f} MB ({words}; {self.workers} worker{'s' if self.workers > 1 else ''})"


def plan_classification(
    *,
    particles: int,
    box: int,
    classes: int,
    groups: int,
    search: Search,
    extent: float,
    workers: int,
    preread: bool,
    shard: int,
) -> MemoryPlan:
    """Return what the last, finest iterations of a 2D classification will need.

    extent  radius in px of the mask with its edge
    """
    grid = PolarGrid(box, box // 2 - 1, min(extent, box / 2))
    turns = Turns(grid, search.n_psi)
    offsets, rings, packed = len(search.offsets()), grid.radius, turns.rows * turns.width
    table = classes * search.n_psi * BATCH * offsets * _REAL
    collected = classes * packed * offsets * _COMPLEX
    spectra = 6 * BATCH * max(turns.rows * offsets, packed) * _COMPLEX
    sums = 3 * classes * rings * grid.n_angles // 2 * 16 + 3 * groups * (box // 2 + 1) * 8
    images = box * box * _REAL
    return MemoryPlan(
        particles=(particles if preread else workers * shard) * images,
        references=collected,
        worker=table + collected + spectra + sums + BATCH * 16 * images,
        workers=workers,
    )


@dataclass(frozen=True)
class RefinementPlan(MemoryPlan):
    """The same for a 3D classification or refinement: ``references`` are the views that are held, and what makes them.

    program  what the process holds without all this
    maps     in real space
    sums     of all particles, while the particles are looked at
    making   what making the references takes for a moment
    solving  what the M-step holds, the sums with it: then there are no views, and no worker computes
    room     what each E-step may take
    separate  each worker is a process, with a program and views of its own, beside the one that leads
    """

    program: int
    maps: int
    sums: int
    making: int
    solving: int
    room: Room
    separate: bool = False

    @property
    def looking(self) -> int:
        """Bytes that the E-step holds in the process that leads."""
        if self.separate:
            return self.sums
        return self.sums + self.references + max(self.worker * self.workers, self.making)

    @property
    def process(self) -> int:
        """Bytes that a worker that is a process holds; 0 where none is."""
        return self.program + self.references + max(self.worker, self.making) if self.separate else 0

    @property
    def total(self) -> int:
        """Bytes in all."""
        leading = self.program + self.particles + self.maps + max(self.looking, self.solving)
        return leading + self.process * self.workers

    def __str__(self) -> str:
        parts = (
            ("program", self.program),
            ("particles", self.particles),
            ("maps", self.maps),
            ("views", self.references),
            ("sums", self.sums),
            ("each worker", self.worker),
            ("or, between passes, sums and reconstruction", self.solving),
        )
        words = ", ".join(f"{name} {size / 2**20:.0f} MB" for name, size in parts)
        workers = f"{self.workers} worker{'s' if self.workers > 1 else ''}"
        if self.separate:
            workers += f" in processes, with program and views {self.process / 2**20:.0f} MB each"
        return f"{self.total / 2**20:.0f} MB ({words}; {workers})"


def plan_refinement(
    *,
    particles: int,
    shards: int,
    shard: int,
    box: int,
    pixel_size: float,
    radius: int,
    classes: int,
    groups: int,
    search: Search3D,
    workers: int,
    preread: bool,
    halves: int = 1,
    starts: int = 1,
    room: Room = AMPLE,
    program: int = 0,
    kept: int = 0,
    separate: bool = False,
) -> RefinementPlan:
    """Return what an iteration of a 3D classification, refinement or initial model will need.

    shards      into which the particles of one pass are cut, of ``shard`` particles or less
    pixel_size  Å of the references
    radius      outermost shell that it uses: the box's last one for the last iteration
    search      of that iteration
    halves      how many sets of particles there are whose sums are held together: 2 for an auto-refinement
    starts      descents that go on beside each other, each with a map and running averages
    program     bytes that the process holds without what is counted here
    kept        bytes of pictures of particles that are kept from one pass to the next
    separate    the workers are processes
    A particle is taken to be able to lie anywhere in the search: with peaked posteriors less is held.
    """
    needs: Needs | KnownNeeds = (
        Needs(box, pixel_size, radius, classes, search, room)
        if search.align and search.rotate
        else KnownNeeds(box, pixel_size, radius, classes, search, shard)
    )
    map_, noise = box**3 * _REAL, 3 * groups * (box // 2 + 1) * 8
    double = shards > 1
    merged = 2 * needs.sums if double else 0  # the sums of shards are added in double precision
    finished = max(merged, needs.sums)  # of one half
    solving = halves * finished + needs.solving(double=double)
    if halves > 1:  # at the end they are joined, in double precision: first both beside their sum, then one of them
        joined = 2 * needs.sums
        solving = max(solving, joined + finished + max(finished, needs.solving(double=True)))
    return RefinementPlan(
        particles=(particles * box * box * _REAL if preread else 0) + kept,
        references=needs.tables,
        worker=needs.sums + noise + needs.worker,
        workers=workers,
        program=program,
        maps=_MAPS_OF_MODEL * map_ * classes * max(halves, starts) + (starts - 1) * needs.sums,
        sums=(halves - 1) * finished + merged,
        making=needs.making,
        solving=solving,
        room=room,
        separate=separate,
    )


def resident_memory() -> int:
    """Return the bytes that this process holds."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def available_memory() -> int:
    """Return the bytes of memory that this machine can still give."""
    try:
        with Path("/proc/meminfo").open() as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def fitting(plan: MemoryPlan, limit: int) -> MemoryPlan:
    """Return the plan with as few workers as must be to stay below ``limit`` bytes.

    Raises ComputeError if not even one worker fits.
    """
    room = limit - plan.particles - plan.references
    workers = min(plan.workers, room // max(plan.worker, 1))
    if workers < 1:
        one = MemoryPlan(plan.particles, plan.references, plan.worker, 1)
        raise ComputeError(
            f"One worker would need {one}, and {limit / 2**20:.0f} MB are free. Use fewer classes, a smaller offset"
            " range, a smaller box (downscale the particles), or do not pre-read the particles."
        )
    return MemoryPlan(plan.particles, plan.references, plan.worker, int(workers))


def fitting_refinement(plan: Callable[[int, Room], RefinementPlan], limit: int, *, workers: int) -> RefinementPlan:
    """Return the plan of a refinement that stays below ``limit`` bytes with as many of the workers as can be.

    plan  gives what so many workers need with so much room each

    First fewer views are held, which costs time alone; then workers are given up; and only one that does not fit by itself
    looks at fewer poses of particles that say nothing yet. Raises ComputeError if that does not help.
    """
    held = [replace(AMPLE, held=AMPLE.held >> shift) for shift in (0, 2, 4)]
    tried = [(count, room) for count in range(workers, 0, -1) for room in held]
    tried += [(1, replace(held[-1], poses=AMPLE.poses >> shift)) for shift in (2, 4)]
    for count, room in tried:
        found = plan(count, room)
        if found.total <= limit:
            return found
    raise ComputeError(
        f"One worker would need {found}, and {limit / 2**20:.0f} MB are free. Use fewer classes, a smaller offset range,"
        " a smaller box (downscale the particles), or do not pre-read the particles."
    )
