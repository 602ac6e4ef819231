"""What a classification or refinement can say of its inputs in a moment, before it runs."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from relionlab.engine.image_checks import check_values
from relionlab.errors import ImageError
from relionlab.io.image_names import parse_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import open_image, read_header
from relionlab.io.particles import Particles
from relionlab.jobs.context import Context
from relionlab.jobs.looking import MOST_BYTES, LookContext, quickly_read, spread
from relionlab.jobs.refinement.checks import check_mask, check_table, judge_images, read_references
from relionlab.jobs.refinement.checks3d import check_search, judge_references, why_poses
from relionlab.jobs.refinement.input import boxes_of, read_table
from relionlab.jobs.refinement.maps import read_maps, read_mask
from relionlab.jobs.refinement.optimiser_file import read_optimiser
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.shared_run import check_unfinished


def look_at_inputs(options: Refine, context: Context, *, in_3d: bool) -> None:
    """Raise or warn of what the list, the heads of its stacks, some of its images, and reference and mask tell."""
    if options.fn_cont:
        _look_at_continued(options, context, in_3d=in_3d)
        return
    if not quickly_read(context, options.fn_img):
        return
    table = _listed(options.fn_img, context)
    check_table(table, options, source=options.fn_img, copies=in_3d and bool(why_poses(options)))
    box, pixel_size = _look_at_stacks(table, context)
    check_mask(options, box=box, pixel_size=pixel_size)
    if in_3d:
        check_search(table, options, source=options.fn_img)
        _look_at_maps(options, context, box=box, pixel_size=pixel_size)
    elif options.ref:
        read_references(options, context, box=box, pixel_size=pixel_size)
    judge_images(table, options, context, bad_set_aside=True)


def _look_at_continued(options: Refine, context: Context, *, in_3d: bool) -> None:
    """Raise or warn of what the files of an iteration tell that a run is to go on from."""
    files = read_optimiser(options.fn_cont, context.directory)
    iteration = int(files.general.value("rlnCurrentIteration"))
    if "nr_iter" in options.model_fields_set and not options.auto_refine and options.gradient() is None:
        check_unfinished(options, iteration)
    label, what = "rlnReferenceImage", "a map" if in_3d else "the class averages"
    for model in files.models:
        box = int(model["model_general"].value("rlnOriginalImageSize"))
        for name in dict.fromkeys(parse_image_name(str(name))[1] for name in model["model_classes"][label]):
            shape = read_header(files.path(name, f"{what} of the iteration is missing")).shape
            if shape[-1] != box:
                raise ImageError(
                    f"{files.name} names {name} of {shape[-1]} px; expected {box} px: the files do not belong together."
                )
    if files.data.stat().st_size <= MOST_BYTES:
        table = _listed(str(files.data), context)
        check_table(table, options, source=str(files.data), copies=in_3d)
        box, pixel_size = _look_at_stacks(table, context)
        check_mask(options, box=box, pixel_size=pixel_size)


def _listed(name: str, context: Context) -> Particles:
    told = context.path(name).stat()
    table, doubts = _table(name, context.directory, told.st_mtime_ns, told.st_size)
    for doubt in doubts:
        context.warn(doubt)
    return table


@lru_cache(maxsize=2)
def _table(name: str, directory: Path, _changed: int, _size: int) -> tuple[Particles, tuple[str, ...]]:
    """Return a list of particles and what its reader warned of, remembered until it changes: a form asks at every key."""
    context = LookContext(directory)
    return read_table(name, context), tuple(context.doubts)


def _look_at_stacks(table: Particles, context: Context) -> tuple[int, float]:
    """Return box (px) and pixel size (Å) of the first optics group; raise if images are missing, or of another box or scale."""
    names = [str(name) for name in table.particles["rlnImageName"]]
    highest: dict[str, int] = {}
    unnumbered = []
    for name in names:
        index, file = parse_image_name(name)
        if index is None:
            unnumbered.append(name)
        highest[file] = max(index or 0, highest.get(file, 0))
    for file in spread(list(highest)):
        count = open_image(context.path(file)).frames
        if highest[file] >= count:
            raise ImageError(
                f"{table.particles.source or 'The list'} names image {highest[file] + 1} of {file}, which holds {count}: the list"
                " belongs to other images. Extract the particles again."
            )
    for name in spread(unnumbered):
        ImageReader([name], context.directory).read()  # says so where it is a stack
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
