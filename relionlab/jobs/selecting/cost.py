"""How much selecting and sorting have to do."""

from __future__ import annotations

from relionlab.errors import NodeError
from relionlab.jobs.selecting.select import Select
from relionlab.jobs.selecting.sort import Sort
from relionlab.jobs.work import PROGRAM, Facts, Work

_PER_ROW = 1.5e-5  # seconds of a core: read, chosen, written
_PER_SORTED = 2.0e-3
_ALONE = 1.3


def selection(job: Select, facts: Facts) -> Work:
    """Rows of a list are chosen and written."""
    named = next((path for path in (job.fn_model, job.fn_data, job.fn_mic, job.fn_coords) if path), "")
    if not named:
        raise NodeError("no input is chosen yet")
    data = named.replace("_model.star", "_data.star").replace("_optimiser.star", "_data.star")
    place = facts.directory / data
    if not place.is_file():
        raise NodeError(f"{data} is not there yet")
    size = place.stat().st_size
    rows = size / 300
    return Work(0.0, _ALONE + rows * _PER_ROW, memory=(150 << 20) + 6 * size, disk=size, draws=False)


def sorting(job: Sort, facts: Facts) -> Work:
    """Each particle is compared with its reference."""
    found = facts.particles(job.input_star)
    return Work(found.count * _PER_SORTED, _ALONE, memory=PROGRAM, disk=found.count * 400, draws=False)
