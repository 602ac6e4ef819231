"""Runs of which only headers are known: they can be planned, not started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from relionlab.errors import NodeError
from relionlab.jobs.refinement.input import Dataset
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.run3d import Run3D
from relionlab.jobs.work import Facts, ImageFacts

_PER_GROUP = 40  # particles of a micrograph, where nobody has counted them: noise groups weigh little


@dataclass(frozen=True)
class PlannedData:
    """What planners ask of a :class:`~relionlab.jobs.refinement.input.Dataset`."""

    table: range
    poses: range
    group_names: range
    box: int
    pixel_size: float


@dataclass
class PlannedRun(Run3D):
    """A run whose particles have not been read."""

    def __post_init__(self) -> None:
        """Take no memory and start no workers."""


def planned_run(job: Any, facts: Facts) -> tuple[PlannedRun, ImageFacts]:
    """Return the run that a job's command line asks for, and what is known of its particles."""
    if job.fn_cont:
        raise NodeError("a continued run: its length depends on how far the earlier one went")
    found = facts.particles(job.fn_img)
    options = Refine.from_flags(job.commands("X/")[0].arguments)
    if options.random_seed is None:
        options = options.changed(random_seed=1)
    every = range(found.count)
    data = PlannedData(every, every, range(-(-found.count // _PER_GROUP)), found.shape[-1], found.pixel_size or 1.0)
    return PlannedRun(options, facts.context, cast(Dataset, data), "X/run"), found
