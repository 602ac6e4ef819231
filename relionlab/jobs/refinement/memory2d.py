"""The memory of a 2D classification: said before it starts with all rings, and as it grows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from relionlab.engine.classify2d.start import FIRST_FREQUENCY
from relionlab.engine.classify2d.state import Search
from relionlab.engine.memory import CLUSTER, MemoryPlan, fitting, plan_classification
from relionlab.engine.parallel import in_processes
from relionlab.jobs.refinement.told_memory import Told, limit_of, program_of

if TYPE_CHECKING:
    from relionlab.jobs.refinement.shared_run import SharedRun


@dataclass
class Memory2D:
    """What a classification holds.

    search    of the finest iterations
    resident  bytes that the process holds now; ``None``: this process
    plan      with all rings
    """

    run: SharedRun
    search: Search
    resident: int | None = None
    plan: MemoryPlan = field(init=False)
    _program: int = field(init=False)
    _told: Told = field(init=False)

    def __post_init__(self) -> None:
        run, limit = self.run, limit_of(self.run.context.settings)
        self._program = program_of(run, self.resident)
        last = run.data.box // 2 - 1
        self.plan = fitting(lambda workers, _: self._planned(last, workers), limit, workers=run.workers)
        self._told = Told(run.context)
        self._told.beforehand(self.plan, self._at_first(), limit=limit)

    def looking(self, radius: int) -> None:
        """Say what a pass up to a ring needs if none before it needed so much."""
        self._told.grown(self._planned(radius, self.plan.workers))

    def _at_first(self) -> MemoryPlan | None:
        """Return what the first iterations need; ``None`` where all use all rings."""
        run, options = self.run, self.run.options
        if options.gradient() is not None:
            return None
        cut = FIRST_FREQUENCY * run.data.box if options.ini_high is None else run.extent / options.ini_high
        if options.ref and options.ini_high is None:
            cut = run.data.box / 4
        return self._planned(round(cut) + options.incr_size, self.plan.workers)

    def _planned(self, radius: int, workers: int) -> MemoryPlan:
        run, settings, search = self.run, self.run.context.settings, self.search
        return plan_classification(
            particles=len(run.data.table),
            box=run.data.box,
            radius=radius,
            classes=run.options.nr_classes,
            groups=len(run.data.group_names),
            search=search,
            extent=search.diameter / 2 / run.data.pixel_size + search.edge,
            workers=workers,
            preread=run.options.do_preread_images,
            batches=run.options.gradient() is not None,
            program=self._program + (CLUSTER if workers > 1 else 0),
            separate=in_processes(replace(settings, workers=workers)),
        )
