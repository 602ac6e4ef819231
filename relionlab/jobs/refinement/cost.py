"""How much a 2D classification has to do."""

from __future__ import annotations

from relionlab.engine.classify2d.state import Search
from relionlab.errors import ComputeError
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.memory2d import Memory2D
from relionlab.jobs.refinement.planned import PlannedRun, planned_run
from relionlab.jobs.work import PROGRAM, Facts, Work

_PER_POSE = 4.8e-9  # seconds of a core for each class, offset and in-plane angle that a particle is compared with …
_PER_SAMPLE = 2.2e-10  # … and for each sample of these comparisons
_PER_PIXEL = 2.5e-7  # for each pixel of each image: read, masked, brought to the polar grid, and added
_PER_FILE_ROW = 6.0e-5  # written with each iteration
_ALONE = 8.0  # start, first noise, and pictures
_ROW = 300  # bytes of a particle in a STAR file
_OFTEN_COARSE = 0.45  # share of the shells that an iteration uses, over the whole run


def classification2d(job: Class2D, facts: Facts) -> Work:
    """In each iteration each particle is compared with each class, turned and moved in all ways."""
    run, found = planned_run(job, facts)
    options, box, count = run.options, run.data.box, found.count
    search = _search(run)
    offsets, radius = len(search.offsets()), _OFTEN_COARSE * box / 2
    plan = options.gradient()
    looks, iterations = options.iterations(), options.iterations()
    seen = float(iterations * count)
    if plan is not None:
        small, large = plan.initial_batch or 200, plan.final_batch or 1000
        seen = iterations * min(0.5 * (small + large), count) + plan.em_iterations * count
        looks = max(iterations // plan.write_every, 1)
    each = options.nr_classes * offsets * (search.n_psi * _PER_POSE + search.n_psi * radius * _PER_SAMPLE)
    memory, workers, doubt = _memory(run, search)
    return Work(
        shared=seen * (each + box**2 * _PER_PIXEL),
        alone=_ALONE + looks * count * _PER_FILE_ROW,
        workers=workers,
        memory=memory,
        disk=looks * (count * _ROW + options.nr_classes * box**2 * 4),
        doubt=doubt,
        words=f"{count:,} particles, {options.nr_classes} classes, {iterations} iterations",
    )


def _search(run: PlannedRun) -> Search:
    options = run.options
    finer = 2.0 / 2**options.oversampling
    return Search(
        psi_step=options.psi_sampling * finer,
        offset_range=options.offset_range,
        offset_step=options.offset_step * finer,
        rotate=not options.skip_rotate,
        **run.shared_search(),
    )


def _memory(run: PlannedRun, search: Search) -> tuple[int | None, int, str]:
    """Return the bytes of the whole process, the workers that fit, and why none does, or ""."""
    try:
        plan = Memory2D(run, search, resident=PROGRAM).plan
    except ComputeError as error:
        return None, 1, str(error)
    return plan.total, plan.workers, ""
