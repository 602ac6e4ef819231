"""Picking from all micrographs of a list: what is kept and what is done again, the summary, and a word on the result."""

from __future__ import annotations

import math
from dataclasses import replace

from relionlab.errors import InputError, ParameterError
from relionlab.io.coordinate_files import write_coords_suffix
from relionlab.jobs.context import Context
from relionlab.jobs.micrographs.each import for_each_micrograph
from relionlab.jobs.micrographs.listing import first_shape
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick_again import picked_again, settings_path
from relionlab.jobs.picking.autopick_memory import bytes_needed
from relionlab.jobs.picking.autopick_settings import (
    PickingSettings,
    read_settings,
    write_settings,
)
from relionlab.jobs.picking.autopick_work import PickingRun, open_picking
from relionlab.jobs.picking.picking import Picking

MOST_MAPS = 30
"""Micrographs of which maps are written without being asked twice, as in RELION."""
_QUICK = 2e9  # map pixels times references times angles below which starting workers takes longer than the work


def pick(context: Context, picking: Picking) -> None:
    """Pick from all micrographs: coordinates, summary.star, coords_suffix and a word on the result."""
    run = open_picking(context, picking)
    if picking.write_maps and len(run.names) > MOST_MAPS and not picking.unlimited_maps:
        raise ParameterError(
            f"--write_fom_maps would write maps of {len(run.names)} micrographs: give a list of at most {MOST_MAPS}, or add --no_fom_limit."
        )
    if run.references is not None:
        images = run.references.images
        context.say(
            f" References: {len(images)} ({run.references.origin}), mask diameter {run.references.diameter:.0f} Å"
        )
    run = replace(run, again=picked_again(context, run))
    if read_settings(settings_path(run)) is None:
        write_settings(settings_path(run), PickingSettings.of(picking))
    pixels, work = _sample(context, run)
    done = for_each_micrograph(
        context,
        run.names,
        run.work,
        finished=run.finished,
        choice=picking.choice,
        bytes_each=bytes_needed(pixels, work),
        threads=1 if _effort(run, pixels, work) < _QUICK else picking.workers,
    )
    write_settings(settings_path(run), PickingSettings.of(picking))
    names, found = [run.names[index] for index in done.results], list(done.results.values())
    pick_files.write_summary(run.directory / picking.output / "summary.star", names, found)
    suffix_file = run.directory / picking.output / f"coords_suffix_{picking.pickname}.star"
    write_coords_suffix(suffix_file, picking.micrographs)
    total = sum(map(len, found))
    context.say(f" Total number of particles from {len(names)} micrographs is {total}")
    context.say(f" i.e. on average there were {round(total / max(len(names), 1))} particles per micrograph")
    if not total:
        context.warn(
            "warning: no particle was found. Lower the threshold, or check diameter, pixel size and contrast (--invert)."
        )


def _sample(context: Context, run: PickingRun) -> tuple[int, int]:
    """Return the pixels of a micrograph and of its maps."""
    shape = first_shape(context, run.names)
    if shape is None:
        return 0, 0
    try:
        return math.prod(shape), math.prod(run._frame(0, shape).work)
    except InputError:
        return math.prod(shape), 0  # said when it is worked on


def _effort(run: PickingRun, pixels: int, work: int) -> float:
    """Return about how many map pixels are transformed in all."""
    count = len(run.templates.images) * len(run.templates.angles) if run.templates is not None else 8
    return len(run.names) * (work * count + 8 * pixels)
