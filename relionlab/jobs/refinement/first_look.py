"""What a classification or refinement can say of its inputs in a moment, before it runs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from relionlab.engine.image_checks import check_values
from relionlab.errors import ImageError
from relionlab.io.image_names import parse_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_header
from relionlab.io.particles import Particles
from relionlab.jobs.context import Context
from relionlab.jobs.looking import LookContext, quickly_read, spread
from relionlab.jobs.refinement.checks import check_mask, check_table, judge_images, read_references
from relionlab.jobs.refinement.checks3d import check_search, judge_references, why_poses
from relionlab.jobs.refinement.input import boxes_of, read_table
from relionlab.jobs.refinement.maps import read_maps, read_mask
from relionlab.jobs.refinement.program import Refine


def look_at_inputs(options: Refine, context: Context, *, in_3d: bool) -> None:
    """Raise or warn of what the list, the heads of its stacks, some of its images, and reference and mask tell."""
    if options.fn_cont or not quickly_read(context, options.fn_img):
        return
    told = context.path(options.fn_img).stat()
    table, doubts = _table(options.fn_img, context.directory, told.st_mtime_ns, told.st_size)
    for doubt in doubts:
        context.warn(doubt)
    check_table(table, options, source=options.fn_img, copies=in_3d and bool(why_poses(options)))
    box, pixel_size = _look_at_stacks(table, context)
    check_mask(options, box=box, pixel_size=pixel_size)
    if in_3d:
        check_search(table, options, source=options.fn_img)
        _look_at_maps(options, context, box=box, pixel_size=pixel_size)
    elif options.ref:
        read_references(options, context, box=box, pixel_size=pixel_size)
    judge_images(table, options, context)


@lru_cache(maxsize=2)
def _table(name: str, directory: Path, _changed: int, _size: int) -> tuple[Particles, tuple[str, ...]]:
    """Return a list of particles and what its reader warned of, remembered until it changes: a form asks at every key."""
    context = LookContext(directory)
    return read_table(name, context), tuple(context.doubts)


def _look_at_stacks(table: Particles, context: Context) -> tuple[int, float]:
    """Return box (px) and pixel size (Å) of the first optics group; raise if images are missing, or of another box or scale."""
    names = [str(name) for name in table.particles["rlnImageName"]]
    highest: dict[str, int] = {}
    for name in names:
        index, file = parse_image_name(name)
        highest[file] = max(index or 0, highest.get(file, 0))
    for file in spread(list(highest)):
        count = read_header(context.path(file)).count
        if highest[file] >= count:
            raise ImageError(
                f"{table.particles.source or 'The list'} names image {highest[file] + 1} of {file}, which holds {count}: the list"
                " belongs to other images. Extract the particles again."
            )
    rows = table.group_rows
    first = {int(row): ImageReader([names[int(np.argmax(rows == row))]], context.directory) for row in np.unique(rows)}
    boxes = boxes_of(table, first)
    _look_at_values(names, rows, context)
    row = int(rows.min())
    return boxes[row], float(table.pixel_sizes[row])


def _look_at_values(names: list[str], rows: np.ndarray, context: Context) -> None:
    """Raise if none of the images that are looked at can be used; each optics group apart, whose boxes may differ."""
    places = np.array(spread(range(len(names))))
    useless = 0
    for row in np.unique(rows[places]):
        chosen = [names[place] for place in places[rows[places] == row]]
        findings = check_values(ImageReader(chosen, context.directory).read())
        useless += sum(len(finding.particles) for finding in findings)
    if useless == len(places):
        raise ImageError(
            f"The images that were looked at, as {names[0]}, hold NaN, infinite or constant pixels; expected numbers: extract"
            " them again."
        )


def _look_at_maps(options: Refine, context: Context, *, box: int, pixel_size: float) -> None:
    if options.ref and quickly_read(context, options.ref):
        wanted = options if options.ref.endswith(".star") else options.changed(nr_classes=1)  # one map serves all
        maps = read_maps(wanted, context, box=box, pixel_size=pixel_size)
        judge_references(maps, options, context, pixel_size=pixel_size, source=options.ref)
    for name, flag in ((options.fn_mask, "--solvent_mask"), (options.solvent_mask2, "--solvent_mask2")):
        if name and quickly_read(context, name):
            resized = options.trust_ref_size
            read_mask(name, context, box=box, pixel_size=pixel_size, resized=resized, flag=flag)
