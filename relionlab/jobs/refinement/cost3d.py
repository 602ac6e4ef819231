"""How much a 3D classification, a refinement and an initial model have to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from relionlab.engine.refine3d.grids import coarse_offsets
from relionlab.engine.refine3d.state import Search
from relionlab.errors import ComputeError
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.gradient_stages import Stages
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.memory3d import Memory
from relionlab.jobs.refinement.planned import PlannedRun, planned_run
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.work import PROGRAM, Facts, Work

_PER_POSE = 1.2e-9  # seconds of a core for each view, in-plane angle and offset that a particle is compared with
_PER_FINE = (
    2.2e-6  # for each sample of its transform: of the fine pass about the best poses, and of adding it to the sums
)
_PER_VOXEL = 1.2e-6  # for each voxel of the maps, in each iteration: transforms, reconstruction, files
_PER_FILE_ROW = 6.0e-5
_ALONE = 14.0
_FIRST_POSES = (
    3.5  # times as long: the particles of a batch have no last pose to begin from, and views are made for each
)
_ROW = 330
_PATIENT = 3  # iterations of an auto-refinement with each sampling
_LOCAL_ORDERS = 3  # samplings with local searches, as a rule
_FEW, _MANY = 0.6, 1.8  # of the time, where the data decide how many iterations there are


@dataclass(frozen=True)
class Pass:
    """A pass over particles: how many, up to which shell, with which search, in how many descents; whether they are a batch."""

    particles: float
    radius: int
    search: Search
    descents: int = 1
    batch: bool = False

    def seconds(self, classes: int) -> float:
        """Return what it takes one reference core."""
        poses, samples = 0.0, float(self.radius**2 * 4)
        widths, grid = self.search.widths, self.search.sampling
        searched = self.search.align and self.search.rotate
        if searched and grid is not None and (widths is None or not widths.direction):
            share = 1.0 if widths is None else widths.share
            poses = share * classes * len(grid) * grid.n_psi * len(coarse_offsets(self.search))
        anew = _FIRST_POSES if self.batch else 1.0
        return self.particles * self.descents * anew * (poses * _PER_POSE + samples * _PER_FINE)


def classification3d(job: Class3D, facts: Facts) -> Work:
    """In each iteration each particle is compared with each map in all views."""
    run, found = planned_run(job, facts)
    box, number = run.data.box, run.options.iterations()
    first = _first_shell(run, job.ini_high)
    search = run.local_search(run.first_grid())
    passes = [Pass(found.count, _grown(first, box, n / number), search) for n in range(number)]
    return _work(run, passes, found.count, f"{job.nr_classes} classes, {number} iterations")


def refinement3d(job: Refine3D, facts: Facts) -> Work:
    """Until the half-sets have converged: about three iterations with each sampling, from the first to local searches."""
    run, found = planned_run(job, facts)
    options, box = run.options, run.data.box
    first = _first_shell(run, job.ini_high)
    grid = run.first_grid()
    order = grid.orientations.order
    orders = [*range(order, max(options.auto_local_healpix_order + _LOCAL_ORDERS, order + 1))]
    numbers = [one for one in orders for _ in range(_PATIENT)][: options.auto_iter_max]
    passes = []
    for place, one in enumerate(numbers):
        finer = run.grid(one, options.offset_range, 2 * options.offset_step)
        passes.append(Pass(found.count, _grown(first, box, place / len(numbers)), run.local_search(finer)))
    passes.append(Pass(found.count, box // 2 - 1, passes[-1].search))
    few, many = max(round(0.75 * len(passes)), 1), min(round(1.5 * len(passes)), options.auto_iter_max + 1)
    told = f"{few}–{many} iterations, until it converges" if few < many else f"{len(passes)} iterations"
    return _work(run, passes, found.count, told, spread=(_FEW, _MANY) if few < many else (1.0, 1.0))


def initial_model(job: InitialModel, facts: Facts) -> Work:
    """Batches, small and coarse at first, in several descents; at the end one pass over many particles."""
    run, found = planned_run(job, facts)
    stages = Stages.of(run)
    passes = []
    for number in range(1, run.options.iterations() + 1):
        stage = stages.at(number)
        search = run.search(stages.grid(stage.resolution))
        passes.append(Pass(stage.batch, stages.radius(stage.resolution), search, stage.starts, batch=True))
    last, search, half = stages.last_pass()
    passes.append(Pass(2 * half, last, search, batch=True))
    return _work(run, passes, found.count, f"{run.options.iterations()} iterations", written=len(passes) // 10 + 1)


def _work(
    run: PlannedRun,
    passes: Iterable[Pass],
    count: int,
    told: str,
    *,
    spread: tuple[float, float] = (1.0, 1.0),
    written: int | None = None,
) -> Work:
    every, classes, box = list(passes), run.options.nr_classes, run.data.box
    halves = 2 if run.options.auto_refine or run.options.gradient() is not None else 1
    maps = classes * halves
    files = len(every) if written is None else written
    rows = files * count
    reconstructed = sum((2.0 * one.radius / box) ** 3 * one.descents for one in every) * maps * box**3
    memory, workers, doubt = _memory(run)
    return Work(
        shared=sum(one.seconds(classes) for one in every),
        alone=_ALONE + reconstructed * _PER_VOXEL + rows * _PER_FILE_ROW,
        workers=workers,
        memory=memory,
        disk=int(rows * _ROW + files * maps * box**3 * 4),
        spread=spread,
        words=f"{count:,} particles, {told}",
        doubt=doubt,
    )


def _memory(run: Any) -> tuple[int | None, int, str]:
    """Return the bytes of the whole process, the workers that fit, and why none does, or ""."""
    try:
        plan = Memory(run, resident=PROGRAM).foreseen
    except ComputeError as error:
        return None, 1, str(error)
    return plan.total, plan.workers, ""


def _first_shell(run: PlannedRun, resolution: float | None) -> int:
    box = run.data.box
    return min(max(round(run.extent / resolution), 2), box // 2 - 1) if resolution else box // 2 - 1


def _grown(first: int, box: int, share: float) -> int:
    """Return the outermost shell of an iteration: resolution comes fast at first, and ends below the last shell."""
    last = max(0.75 * (box // 2), first)
    return round(first + (last - first) * min(3 * share, 1.0)) + 5
