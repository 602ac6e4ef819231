"""What a 2D classification or a 3D refinement will need, before it starts."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from relionlab.engine.classify2d.memory import Needs as Needs2D
from relionlab.engine.classify2d.state import Search
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.known_memory import KnownNeeds
from relionlab.engine.refine3d.memory import Needs
from relionlab.engine.refine3d.state import Search as Search3D
from relionlab.engine.refine3d.tables import AMPLE, Room
from relionlab.errors import ComputeError

_REAL = 4
KERNELS = 70 << 20
"""Bytes that compiled kernels take with their compiler (LLVM), which are loaded when the first of them is called."""
CLUSTER = 45 << 20
"""Bytes that Dask takes in a process that uses it."""
WORKER = 175 << 20
"""Bytes that a worker process holds once it has loaded its modules, Dask among them."""


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that a 2D classification or a 3D run will hold at its peak, by what for.

    program      what the process holds without all this
    particles    images held in memory, all of them when pre-read
    maps         class averages or maps of the model, and what else stays from one pass to the next
    references   the averages at every offset, or the views that are held, and what makes them: shared by the threads of a
                 process
    sums         of all particles, while the particles are looked at
    worker       one worker's tables and sums
    making       what making the references takes for a moment
    solving      what the M-step holds, the sums with it: then no worker computes
    workers      how many there will be
    separate     each worker is a process, with a program and references of its own, beside the one that leads
    room         what each E-step in 3D may take
    """

    program: int
    particles: int
    maps: int
    references: int
    sums: int
    worker: int
    making: int
    solving: int
    workers: int
    separate: bool = False
    room: Room = AMPLE

    @property
    def looking(self) -> int:
        """Bytes that the E-step holds in the process that leads."""
        if self.separate:
            return self.sums
        return self.sums + self.references + max(self.worker * self.workers, self.making)

    @property
    def process(self) -> int:
        """Bytes that a worker that is a process holds; 0 where none is."""
        return WORKER + KERNELS + self.references + max(self.worker, self.making) if self.separate else 0

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


def plan_classification(
    *,
    particles: int,
    box: int,
    radius: int,
    classes: int,
    groups: int,
    search: Search,
    extent: float,
    workers: int,
    preread: bool,
    batches: bool = False,
    program: int = 0,
    separate: bool = False,
) -> MemoryPlan:
    """Return what an iteration of a 2D classification will need.

    radius   outermost ring that it uses
    extent   radius in px of the mask with its edge
    batches  running averages of the sums of batches are kept
    program, separate  as of :func:`plan_refinement`
    """
    needs = Needs2D(PolarGrid(box, min(radius, box // 2 - 1), min(extent, box / 2)), classes, search)
    noise = 3 * groups * (box // 2 + 1) * 8
    kept = needs.sums if batches else 0
    return MemoryPlan(
        program=program,
        particles=particles * box * box * _REAL if preread else 0,
        maps=needs.model + kept,
        references=needs.references,
        sums=2 * needs.sums,  # those so far, and with a worker's added
        worker=needs.worker + noise,
        making=needs.making,
        solving=needs.references + needs.sums + 2 * kept + needs.solving,
        workers=workers,
        separate=separate,
    )


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
    models: int = 1,
    held: int = 0,
    room: Room = AMPLE,
    program: int = 0,
    kept: int = 0,
    separate: bool = False,
    found: bool = False,
) -> MemoryPlan:
    """Return what an iteration of a 3D classification, refinement or initial model will need.

    shards      into which the particles of one pass are cut, of ``shard`` particles or less
    pixel_size  Å of the references
    radius      outermost shell that it uses: the box's last one for the last iteration
    search      of that iteration
    halves      how many sets of particles there are whose sums are held together: 2 for an auto-refinement
    models      how many of them have maps of their own
    held        bytes of maps and of running averages that stay beside the model's maps
    program     bytes that the process holds without what is counted here
    kept        bytes of pictures of particles that are kept from one pass to the next
    separate    the workers are processes
    found       each particle lies somewhere; otherwise it may lie anywhere in the search, for which more is held
    """
    needs: Needs | KnownNeeds = (
        Needs(box, pixel_size, radius, classes, search, room, found)
        if search.align and search.rotate
        else KnownNeeds(box, pixel_size, radius, classes, search, shard)
    )
    maps, noise = box**3 * _REAL * classes, 3 * groups * (box // 2 + 1) * 8
    double = shards > 1
    merged = 2 * needs.sums if double else 0  # the sums of shards are added in double precision
    finished = max(merged, needs.sums)  # of one half
    solving = halves * finished + needs.solving(double=double)
    if halves > 1:  # at the end they are joined, in double precision: first both beside their sum, then one of them
        joined = 2 * needs.sums
        solving = max(solving, joined + finished + max(finished, needs.solving(double=True)))
    made = models * maps * (2 if models > 1 else 1)  # of half-sets also the maps without prior
    masked = 3 * maps + needs.masking  # those that were made, without the solvent's level, and masked
    return MemoryPlan(
        program=program,
        particles=(particles * box * box * _REAL if preread else 0) + kept,
        maps=models * maps + held,
        references=needs.tables,
        worker=needs.sums + noise + needs.worker,
        workers=workers,
        sums=(halves - 1) * finished + merged,
        making=needs.making,
        solving=max(made + solving, halves * finished + masked),
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


def fitting(plan: Callable[[int, Room], MemoryPlan], limit: int, *, workers: int) -> MemoryPlan:
    """Return the plan that stays below ``limit`` bytes with as many of the workers as can be.

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
