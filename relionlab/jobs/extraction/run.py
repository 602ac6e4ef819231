"""Extraction: cuts every micrograph's particles into a stack of its own, and lists them all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from relionlab.errors import InputError, ParameterError
from relionlab.io.coordinate_files import CoordinateFiles, read_coordinate_files, write_coords_suffix
from relionlab.io.coordinates import X, Y
from relionlab.io.job_names import as_folder
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.context import Context
from relionlab.jobs.extraction.cutter import Boxes, CtfMultiplication, Cutter
from relionlab.jobs.extraction.sources import PickedCoordinates, Reextraction, Source, match_micrographs
from relionlab.jobs.looking import spread, tell_of_faults
from relionlab.jobs.micrographs.each import for_each_micrograph
from relionlab.jobs.micrographs.listing import first_shape, look_at_images, names_of, read_micrographs
from relionlab.jobs.particles.optics import CTF_LABELS, check_defocus_unit, check_microscope
from relionlab.jobs.particles.stack import Operations

if TYPE_CHECKING:
    from relionlab.jobs.extraction.program import Preprocess


def extract(context: Context, flags: Preprocess, operations: Operations) -> None:
    """Cut out all particles, going past faulty micrographs, and write the list of all of them."""
    micrographs = _micrographs(context, flags)
    boxes = Boxes(
        int(flags.extract_size or 0), operations, _multiplication(flags), flags.float16, flags.whole_coordinates
    )
    source = _source(context, flags, micrographs)
    cutter = Cutter(context.directory, as_folder(flags.part_dir), source, boxes)
    names = names_of(source.micrographs)
    context.say(f" Extracting particles from {len(names)} micrographs ...")
    _warn_of_ctf(context, micrographs, flags)
    if (operations.scale or 0) > boxes.size:
        context.warn(
            f"warning: --scale {operations.scale} px is larger than the box of {boxes.size} px: the images become larger, and"
            " no information comes with it. Usually it is smaller."
        )
    if (operations.window or 0) > (operations.scale or boxes.size):
        context.warn(
            f"warning: --window {operations.window} px is larger than the images of {operations.scale or boxes.size} px: their"
            " rims are filled with their mean. Extract larger boxes instead."
        )
    done = for_each_micrograph(
        context,
        names,
        cutter,
        finished=cutter.finished,
        choice=flags.choice(),
        bytes_each=bytes_needed(first_shape(context, names), boxes.ctf.box if boxes.ctf else boxes.size, boxes.at_once),
        threads=flags.j,
    )
    for index, result in done.results.items():
        for text in result.warnings:
            context.warn(f"{names[index]}: {text}")
        for text in result.notes:
            context.say(f" {names[index]}: {text}")
    star = flags.part_star or f"{as_folder(flags.part_dir)}particles.star"
    _write_list(context, star, cutter, [result.rows for result in done.results.values() if len(result.rows)])
    if flags.reextract_data_star:  # the new coordinates are an output too, for picking and display
        write_coords_suffix(context.path(f"{as_folder(flags.part_dir)}coords_suffix_extract.star"), flags.i)


def look_at_inputs(context: Context, flags: Preprocess) -> None:
    """Raise or warn of what can be known of micrographs and coordinates before anything is cut out."""
    micrographs = _micrographs(context, flags)
    source = _source(context, flags, micrographs)
    shape, size = look_at_images(context, micrographs, finite=0.0), int(flags.extract_size or 0)
    if shape is not None and size > min(shape):
        raise ParameterError(
            f"Particle box size (extract_size, --extract_size) is {size} px, the micrographs have {shape[1]} × {shape[0]} px:"
            " give a smaller box."
        )
    faults, indices, counts = [], spread(source.begun() or range(len(source.micrographs))), []
    for index in indices:
        try:
            counts.append(_count_on(source.rows(index), shape))
        except InputError as error:
            faults.append((names_of(source.micrographs)[index], error))
    tell_of_faults(context, faults, looked_at=len(indices), what="micrographs")
    if not any(counts):
        nothing = f"No coordinates lie on the {len(counts)} micrographs looked at, as {names_of(source.micrographs)[indices[0]]}"
        if len(counts) == len(source.micrographs):
            raise InputError(
                f"{nothing}: there is nothing to extract. Pick particles, or check the coordinates' pixel size."
            )
        context.warn(f"{nothing}. Check that they belong to these micrographs.")
    _warn_of_ctf(context, micrographs, flags)


def _count_on(rows: Table, shape: tuple[int, int] | None) -> int:
    """Return how many particles lie on a micrograph of this shape (y, x) in px."""
    x, y = rows[X].astype(np.float64), rows[Y].astype(np.float64)
    height, width = shape or (math.inf, math.inf)
    return int(((x >= 0) & (x < width) & (y >= 0) & (y < height)).sum())


def _warn_of_ctf(context: Context, micrographs: Particles, flags: Preprocess) -> None:
    """Warn of micrographs whose particles could not be refined for want of a CTF."""
    if flags.reextract_data_star and not flags.keep_ctfs_micrographs:
        return  # the particles keep their own
    lacking = [label for label in CTF_LABELS if label not in micrographs]
    if lacking:
        context.warn(
            f"{flags.i} has no CTF ({', '.join(lacking)}), and so will the particles: give CtfFind's micrographs_ctf.star for"
            " refinement."
        )
        return
    try:
        check_microscope(micrographs, flags.i)
        check_defocus_unit(micrographs, flags.i)
    except InputError as error:
        context.warn(f"{error} The particles cannot be refined with it.")
    defocus = np.asarray(micrographs.column("rlnDefocusU"), float)
    if bad := int((~np.isfinite(defocus) | (defocus == 0)).sum()):
        context.warn(
            f"{flags.i}: {bad} of {len(defocus)} micrographs have no defocus (rlnDefocusU is 0 or no number), nor will their"
            " particles: leave them out (Select), or estimate their CTF again."
        )


# --- inputs ------------------------------------------------------------------------------------------------------


def _micrographs(context: Context, flags: Preprocess) -> Particles:
    found = read_micrographs(context, flags.i, pixel_size=flags.angpix)
    sizes = np.unique(np.round(found.pixel_sizes[np.unique(found.group_rows)], 5))
    if len(sizes) > 1:
        context.warn(
            f"warning: the micrographs have different pixel sizes ({', '.join(f'{size:g}' for size in sizes)} Å), and so will"
            " the particles: 2D classification takes one of them only. Extract each with the box and scale that suit it."
        )
    return found


def _source(context: Context, flags: Preprocess, micrographs: Particles) -> Source:
    own = micrographs.row_pixel_sizes
    scales = np.ones(len(micrographs)) if flags.coord_angpix is None else flags.coord_angpix / own
    if not flags.reextract_data_star:
        if flags.coord_list:
            files = read_coordinate_files(flags.coord_list, directory=context.directory)
        else:
            files = CoordinateFiles(flags.coord_dir, flags.coord_suffix)
        bias = (flags.extract_bias_x, flags.extract_bias_y)
        return PickedCoordinates(context.directory, micrographs, files, flags.minimum_pick_fom, scales, bias)
    particles = read_particles(context.path(flags.reextract_data_star), directory=context.directory)
    reference = flags.ref_angpix
    point = (flags.recenter_x, flags.recenter_y, flags.recenter_z)
    if any(point) and not flags.recenter:
        raise ParameterError("--recenter_x, _y and _z are given without --recenter: add it, or leave them out.")
    if any(point) and "rlnAnglePsi" not in particles.particles:
        raise ParameterError(
            f"{flags.reextract_data_star} has no angles, so a point of the reference cannot be found in the particles."
        )
    if flags.recenter and not any(label in particles.particles for label in ("rlnOriginXAngst", "rlnOriginYAngst")):
        context.warn(f"warning: {flags.reextract_data_star} has no refined origins: they are taken as 0.")
    reference = reference if reference is not None else (float(particles.pixel_size) if any(point) else 1.0)
    in_list = match_micrographs(particles, micrographs, context.warn)
    with_particles = np.array(sorted(in_list))
    return Reextraction(
        particles,
        micrographs.rows(with_particles),
        {new: in_list[old] for new, old in enumerate(with_particles.tolist())},
        scales[with_particles],
        recenter=flags.recenter,
        reset=flags.reset_offsets,
        point=(point[0] * reference, point[1] * reference, point[2] * reference),
        own_ctf=not flags.keep_ctfs_micrographs,
        whole=flags.whole_coordinates,
    )


def _multiplication(flags: Preprocess) -> CtfMultiplication | None:
    if not (flags.premultiply_ctf or flags.phase_flip):
        return None
    box = int(flags.premultiply_extract_size or flags.extract_size or 0)
    return CtfMultiplication(box, flags.phase_flip, flags.ctf_intact_first_peak)


def bytes_needed(shape: tuple[int, int] | None, box: int, at_once: int) -> int:
    """Return what one worker needs for a micrograph of this shape (y, x), and boxes (px) of which so many are cut at once."""
    return math.prod(shape) * 9 + at_once * box**2 * 40 if shape else 0


# --- the list of all ---------------------------------------------------------------------------------------------


def _write_list(context: Context, star: str, cutter: Cutter, tables: list[Table]) -> None:
    if not tables:
        raise InputError("No particles were extracted: none of the coordinates lies on its micrograph.")
    source, boxes = cutter.source, cutter.boxes
    common = [label for label in tables[0].labels if all(label in table for table in tables)]
    lost = sorted({label for table in tables for label in table.labels} - set(common))
    if lost:
        context.warn(f"warning: left out, because not all micrographs' particles have them: {', '.join(lost)}")
    rows = Table.concatenate([table.only(*common) for table in tables]).renamed("particles")
    pixel_sizes = np.array([boxes.pixel_size(float(size)) for size in source.micrographs.pixel_sizes])
    optics = source.optics(pixel_sizes)
    count = len(optics)
    more: dict[str, list[int]] = {"rlnImageSize": [boxes.final] * count, "rlnImageDimensionality": [2] * count}
    if boxes.ctf and not boxes.ctf.only_flip_phases:
        more["rlnCtfDataAreCtfPremultiplied"] = [1] * count
    particles = Particles(optics.with_columns(more), rows)
    for group, size in zip(optics["rlnOpticsGroup"].tolist(), optics["rlnImagePixelSize"].tolist(), strict=True):
        context.say(f" The pixel size of the extracted particles in optics group {group} is {size:g} Angstrom/pixel.")
    write_particles(context.path(star), particles)
    context.say(f" Written out STAR file with {len(rows)} particles in {star}")
