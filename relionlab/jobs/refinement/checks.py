"""What must hold of particles, references and options before a classification or refinement may begin."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from relionlab.errors import ImageError, NodeError, ParameterError, StarError
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import nonfinite, read_header, read_stack
from relionlab.io.particles import Particles
from relionlab.io.star import read_star
from relionlab.jobs.context import Context
from relionlab.jobs.particles.aberrations import aberration_findings
from relionlab.jobs.particles.findings import particle_findings, said_of
from relionlab.jobs.particles.optics import CTF_LABELS, check_defocus_unit, check_microscope
from relionlab.jobs.refinement.program import Refine

_CTF_NUMBERS = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnPhaseShift", "rlnCtfBfactor", "rlnCtfScalefactor")
_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_POSE_NUMBERS = ("rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst", "rlnNormCorrection")
_FEWEST_VIEWS = 2
_FEWEST_SHELLS = 2  # of the particle's diameter: fewer show no more than that it is there
_SMALLEST_MASK = 6  # px in diameter: below, there are no rings to compare
_NO_CTF = "switch CTF correction off (do_ctf_correction=False; without --ctf)"


def check_output(root: str, context: Context) -> None:
    """Make the directory of the results; raise ParameterError if they cannot be written there."""
    folder = context.path(root).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(
            f"The results cannot be written to {Path(root).parent}: {error.strerror}. Give another output root (--o)."
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ParameterError(
            f"The results cannot be written to {Path(root).parent}: it may not be written to. Give another output root"
            " (--o), or have the directory's rights changed."
        )


def check_table(table: Particles, options: Refine, *, source: str, copies: bool = False) -> None:
    """Raise an InputError if the rows lack what is needed, or hold what cannot be.

    copies  an image may be there in several poses, as symmetry expansion lists it
    """
    if len(table) == 0:
        raise StarError(f"{source} has no particles: expected at least one row.")
    if options.denovo_3dref and len(table) < _FEWEST_VIEWS:
        raise ParameterError(
            f"{source} has {len(table)} particle: no map can be made of it. Give more, some hundreds at least."
        )
    _check_columns(table, options, source)
    _check_copies(table, source, allowed=copies)
    _check_numbers(table, options, source)
    _check_optics(table, options, source)
    if options.nr_classes > len(table):
        raise ParameterError(
            f"Number of classes (nr_classes, --K) is {options.nr_classes}, but {source} has only {len(table)} particles:"
            " give fewer classes; about 100 particles for each is a good measure."
        )


def check_mask(options: Refine, *, box: int, pixel_size: float) -> None:
    """Raise ParameterError if the mask does not fit into the box."""
    extent, diameter = box * pixel_size, options.particle_diameter
    limit = options.highres_limit
    if limit is not None and limit > (diameter or extent) / _FEWEST_SHELLS:
        raise ParameterError(
            f"Resolution limit (highres_limit, --strict_highres_exp) is {limit:g} Å, too coarse to tell views of a particle of"
            f" {diameter or extent:.0f} Å apart: give 8 to 30 Å, or leave it out."
        )
    if options.offset_range > box / 2:
        raise ParameterError(
            f"Offset search range (offset_range, --offset_range) is {options.offset_range:g} px, more than half of the box of {box} px:"
            " particles would be moved out of it. Give about 5."
        )
    if diameter is None:
        return
    if diameter > extent:
        raise ParameterError(
            f"Mask diameter (particle_diameter) is {diameter:g} Å, the box only {extent:.0f} Å ({box} px of"
            f" {pixel_size:g} Å): give at most {extent - 2 * pixel_size:.0f} Å, or extract larger boxes."
        )
    if diameter < _SMALLEST_MASK * pixel_size:
        raise ParameterError(
            f"Mask diameter (particle_diameter) is {diameter:g} Å, less than {_SMALLEST_MASK} px of {pixel_size:g} Å: give"
            " it in Å, a little more than the particle's longest side."
        )


def read_references(options: Refine, context: Context, *, box: int, pixel_size: float) -> np.ndarray:
    """Return the references that the options name, one per class, (class, box, box) float32.

    They may be an image, a stack, or a STAR file of them (a model file, or one with rlnReferenceImage or rlnImageName).
    """
    name = options.ref
    given, header_size = _referenced(name, context)
    if given.shape[1:] != (box, box):
        raise ImageError(
            f"{name} has references of {given.shape[-1]} px, the particles have {box} px: rescale the references"
            " (relionlab preprocess --operate_on … --scale), or window them."
        )
    bad = nonfinite(given)
    if bad.size:
        raise ImageError(
            f"{name}: reference {bad[0] + 1} holds NaN or infinite pixels. Make it again, or leave it out."
        )
    if header_size and abs(header_size - 1) > 1e-3 and abs(header_size / pixel_size - 1) > 0.02:
        context.warn(f"{name} has pixel size {header_size:.4g} Å, the particles {pixel_size:.4g} Å: is it to scale?")
    classes = options.nr_classes if "nr_classes" in options.model_fields_set else len(given)
    if classes != len(given):
        raise ParameterError(
            f"{name} has {len(given)} references, the number of classes (--K) is {classes}: each class needs one, as classes"
            f" that begin alike stay alike. Give --K {len(given)}, or other references."
        )
    return given


def judge_images(table: Particles, options: Refine, context: Context, *, bad_set_aside: bool = False) -> None:
    """Say what the images, and what their optics table says, mean for the result; ImageError if they cannot be used.

    bad_set_aside  those that hold no numbers, or nothing, will be left out by the run: they are no reason not to begin
    """
    findings = aberration_findings(table) + particle_findings(
        context,
        table,
        diameter=options.particle_diameter,
        phase_flipped=options.ctf_phase_flipped,
        use_ctf=options.do_ctf_correction,
    )
    harmless = ("not finite", "constant") if bad_set_aside else ()
    fatal = [
        finding
        for finding in findings
        if finding.severity == "error" and not options.dont_check_norm and finding.kind not in harmless
    ]
    said_of(context, [finding for finding in findings if finding not in fatal])
    if fatal:
        raise ImageError(
            " ".join(finding.message for finding in fatal) + " To go on all the same, add --dont_check_norm."
        )


def _check_columns(table: Particles, options: Refine, source: str) -> None:
    if "rlnImageName" not in table:
        raise StarError(
            f"{source} has no column rlnImageName: expected particles with their images. Extract them first."
        )
    missing = [label for label in CTF_LABELS if options.do_ctf_correction and label not in table]
    if missing:
        raise StarError(
            f"{source} has no column {', '.join(missing)}; expected for CTF correction. Estimate the CTF first, or"
            f" {_NO_CTF}."
        )


def _check_copies(table: Particles, source: str, *, allowed: bool) -> None:
    """Raise StarError for images that are there twice; where copies are allowed, for those that are in the same pose."""
    poses = [np.asarray(table.column(label), float) for label in _ANGLES if allowed and label in table]
    rows = list(zip(table.particles["rlnImageName"], *poses, strict=True))
    counts = Counter(rows)
    again = len(rows) - len(counts)
    if not again:
        return
    twice = counts.most_common(1)[0][0][0]
    if poses:
        raise StarError(
            f"{source} has {again} particles twice in the same pose, as {twice}: remove duplicates first (star_handler"
            " --check_duplicates rlnImageName), and expand by the symmetry once only."
        )
    raise StarError(
        f"{source} has {again} particles twice, as {twice}: remove duplicates first (Select, or star_handler"
        " --check_duplicates rlnImageName). Copies in several poses, as particle_symmetry_expand makes them, are for 3D runs"
        " that keep them apart: --skip_align, or local searches (--sigma_ang)."
    )


def _check_numbers(table: Particles, options: Refine, source: str) -> None:
    for label in _POSE_NUMBERS + (_CTF_NUMBERS if options.do_ctf_correction else ()):
        if label not in table:
            continue
        bad = ~np.isfinite(np.asarray(table.column(label), float))
        if bad.any():
            raise StarError(
                f"{source}: {label} is not a number for {bad.sum()} of {len(table)} particles, as {_first(table, bad)}."
                " Leave them out (Select), or repair the column."
            )
    if not options.do_ctf_correction:
        return
    unknown = np.asarray(table.column("rlnDefocusU"), float) == 0
    if "rlnPhaseShift" in table:  # in focus, with a phase plate
        unknown &= np.asarray(table.column("rlnPhaseShift"), float) == 0
    if unknown.any():
        raise StarError(
            f"{source}: rlnDefocusU is 0 for {unknown.sum()} of {len(table)} particles, as {_first(table, unknown)};"
            f" expected the defocus in Å. Estimate the CTF first, leave these out, or {_NO_CTF}."
        )
    check_defocus_unit(table, source)


def _check_optics(table: Particles, options: Refine, source: str) -> None:
    used = np.unique(table.group_rows)
    sizes = table.pixel_sizes[used]
    if not np.all(np.isfinite(sizes) & (sizes > 0)):
        raise StarError(
            f"{source}: rlnImagePixelSize is {sizes.min():g} Å in the optics table; expected a positive number. Correct it."
        )
    if "rlnImageDimensionality" in table.optics and (table.optics["rlnImageDimensionality"][used] == 3).any():
        raise ParameterError(
            f"{source} has subtomograms (rlnImageDimensionality 3); expected 2D images. Give 2D particles."
        )
    if not options.do_ctf_correction:
        return
    check_microscope(table, source)
    label = "rlnCtfDataAreCtfPremultiplied"
    if label in table.optics and np.any(table.optics[label][used].astype(int) != 0):
        raise ParameterError(
            f"{source}: {label} says that the images were multiplied by their CTF; expected images as recorded. Extract the"
            " particles without multiplying them."
        )


def _referenced(name: str, context: Context) -> tuple[np.ndarray, float | None]:
    """Return the reference images that a file holds or names, and the pixel size that their header says."""
    path = context.path(name)
    if not path.is_file():
        raise NodeError(
            f"References (--ref) {name} are not there (looked in {context.directory}): give an image or a stack."
        )
    if path.suffix != ".star":
        return read_stack(path), read_header(path).pixel_size
    for table in read_star(path).values():
        for label in ("rlnReferenceImage", "rlnImageName"):
            if label in table:
                reader = ImageReader(table[label], context.directory)
                return reader.read(), reader.pixel_size
    raise StarError(f"{name} names no references: expected a table with rlnReferenceImage or rlnImageName.")


def _first(table: Particles, which: np.ndarray) -> str:
    return str(table.particles["rlnImageName"][which][0])
