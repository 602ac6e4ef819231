"""What a 2D classification will need, before it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from relionlab.engine.classify2d.expectation import BATCH
from relionlab.engine.classify2d.state import Search
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid
from relionlab.errors import ComputeError

_COMPLEX, _REAL = 8, 4


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
