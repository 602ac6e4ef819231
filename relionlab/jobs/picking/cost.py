"""How much picking has to do."""

from __future__ import annotations

import math

from relionlab.engine.memory import KERNELS
from relionlab.engine.picking.frame import frame_for
from relionlab.errors import InputError
from relionlab.io.images import read_header
from relionlab.io.star_head import star_heads
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.autopick_memory import LIBRARIES, bytes_needed
from relionlab.jobs.work import PROGRAM, Facts, Work

_PER_PIXEL = 4.0e-8  # seconds of a core for each pixel of a micrograph: read, normalised, brought to the maps' size
_PER_SCORE = 9.0e-9  # for each pixel of each map, of a reference at an angle
_SIZES = 8  # maps of the search for blobs
_VIEWS = 192  # of a 3D reference, at the form's usual sampling
_ALONE = 4.5


def picking(job: AutoPick, facts: Facts) -> Work:
    """Each micrograph is compared with each reference at each angle, or with blobs of some sizes."""
    found = facts.micrographs(job.fn_input_autopick)
    pixel_size = job.angpix or found.pixel_size or 1.0
    coarse = job.log_maxres if job.do_log else job.lowpass
    shrink = 0.0 if job.do_log else max(job.shrink, 0.0)
    try:
        work = math.prod(frame_for(found.shape, pixel_size, lowpass=coarse or None, shrink=shrink).work)
    except InputError:
        work = found.pixels
    maps = _maps(job, facts)
    each = bytes_needed(found.pixels, work)
    quick = found.count * (work * maps + 8 * found.pixels) < 2e9
    workers, doubt = facts.workers(found.count, threads=1 if quick else job.nr_mpi if job.nr_mpi > 1 else 0, each=each)
    return Work(
        shared=found.count * (found.pixels * _PER_PIXEL + work * maps * _PER_SCORE),
        alone=_ALONE,
        workers=workers,
        memory=PROGRAM + KERNELS + LIBRARIES + workers * each,
        disk=found.count * (100_000 + (work * 8 * (1 if job.do_log else 2) if job.do_write_fom_maps else 0)),
        doubt=doubt,
        words=f"{found.count:,} micrographs, {maps:,.0f} maps of each",
    )


def _maps(job: AutoPick, facts: Facts) -> float:
    if job.do_log:
        return _SIZES
    turns = 360.0 / max(job.psi_sampling_autopick, 0.1)
    if job.do_ref3d:
        facts.map(job.fn_ref3d_autopick)
        return _VIEWS * turns
    if not job.fn_refs_autopick:
        raise InputError("no references are chosen yet")
    place = facts.directory / job.fn_refs_autopick
    if place.suffix == ".star":
        return turns * max((head.rows for head in star_heads(place).values()), default=1)
    return turns * read_header(place).count
