"""What follows picks, extracted, sorted and joined particles."""

from __future__ import annotations

import numpy as np

from relionlab.io.particles import read_particles
from relionlab.io.star_columns import read_columns
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.settings import usable_cores
from relionlab.workflows.next_jobs import Suggestion
from relionlab.workflows.next_steps import files
from relionlab.workflows.picked import picked_by
from relionlab.workflows.sizes import (
    FIRST_PIXEL,
    FIRST_SHARE,
    MASK,
    SECOND_PIXEL,
    SECOND_SHARE,
    TYPICAL,
    Sizes,
    classes_for,
)  # fmt: skip
from relionlab.workflows.sizes_used import diameter_used, last_value, made_from, mask_used, pixel_and_box, symmetry_used

THRESHOLD = 0.15
"""Figure of merit above which a template's peak is taken for a particle, to begin with: the course's."""
_OUTLIER = 1.0  # rlnParticleSelectZScore beyond which RELION's tutorials cut off sorted particles


def after_picking(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows picked coordinates."""
    job = directory.job
    micrographs = job.fn_in if isinstance(job, ManualPick) else getattr(job, "fn_input_autopick", "")
    coordinates = files.made(directory, files.COORDINATES)
    if not micrographs or not coordinates:
        return []
    pixel = read_particles(files.place_of(directory, micrographs), kind="micrographs").pixel_size
    sizes = Sizes(_picked_diameter(directory), pixel)
    first = isinstance(job, ManualPick) or getattr(job, "do_log", False)
    shrunk = sizes.shrunk(FIRST_PIXEL if first else SECOND_PIXEL)
    extract = Extract(
        star_mics=micrographs,
        coords_suffix=coordinates,
        extract_size=sizes.box,
        bg_diameter=sizes.background,
        do_rescale=shrunk < sizes.box,
        rescale=shrunk,
    )
    shown = f"{shrunk} px of {sizes.box * pixel / shrunk:.2g} Å" if shrunk < sizes.box else f"{sizes.box} px"
    reason = f"Cut the particles out, in boxes of {shown}: enough to sort them."
    found = [] if _nothing_yet(directory) else [Suggestion(extract, "Extract particles", reason)]
    if isinstance(job, ManualPick):
        smallest, largest = sizes.blobs
        blobs = AutoPick(
            fn_input_autopick=micrographs, do_log=True, log_diam_min=smallest, log_diam_max=largest, log_upper_thr=5.0
        )
        found.append(Suggestion(blobs, "Pick by size", "Let blobs of your circle's size be found on all micrographs."))
    return found


def _nothing_yet(directory: JobDirectory) -> bool:
    """Say whether a job of picking by hand has no pick yet."""
    if not isinstance(directory.job, ManualPick):
        return False
    picked = picked_by(directory)
    return all(picked.coordinates(name) is None for name in picked.names)


def after_extraction(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows extracted particles: sorting by views, or refining those that were extracted again."""
    particles = files.made(directory, files.PARTICLES)
    if getattr(directory.job, "do_reextract", False):
        reference = files.newest(directory, files.MAP, folder="Refine3D") or files.newest(
            directory, files.MAP, folder="Class3D"
        )
        if reference:
            return [_refine(directory, particles, reference), *_classes(directory, particles)]
    return _classes(directory, particles)


def after_joining(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows a list of particles that was imported or joined."""
    particles = files.made(directory, files.PARTICLES)
    if not particles:
        return []
    return [*_classes(directory, particles), initial_model(directory, particles)]


def after_sorting(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows sorted particles: leaving the odd ones out."""
    particles = files.made(directory, files.PARTICLES)
    keep = Select(
        fn_data=particles,
        do_select_values=True,
        select_label="rlnParticleSelectZScore",
        select_minval=-9999.0,
        select_maxval=_OUTLIER,
    )
    return [
        Suggestion(
            keep,
            "Leave odd ones out",
            f"Keep particles whose Z-score is at most {_OUTLIER:g}: look at the sorted ones first.",
        )
    ]


def after_polishing(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows particles whose CTF or motion was refined."""
    particles = files.made(directory, files.PARTICLES)
    reference = files.newest(directory, files.MAP, folder="Refine3D")
    return [_refine(directory, particles, reference)] if particles and reference else []


def templates_job(directory: JobDirectory, templates: str, *, micrographs: str) -> AutoPick:
    """Return the job that picks by class averages, with sizes as used before."""
    pixel = _pixel_of_templates(directory, templates)
    mask = mask_used(directory)
    return AutoPick(
        fn_input_autopick=micrographs,
        fn_refs_autopick=templates,
        angpix_ref=pixel,
        particle_diameter=mask,
        mindist_autopick=Sizes(mask / MASK, 1.0).apart,
        threshold_autopick=THRESHOLD,
    )


def classes_job(directory: JobDirectory, particles: str, *, share: int) -> Class2D:
    """Return the job that sorts particles into classes, one for each ``share`` of them."""
    star = files.place_of(directory, particles)
    listed = read_columns(star, "rlnImageName", "rlnDefocusU")
    pixel, box = pixel_and_box(star)
    extent = box * pixel if np.isfinite(box * pixel) else 0.0
    return Class2D(
        fn_img=particles,
        nr_classes=classes_for(len(listed), share),
        particle_diameter=mask_used(directory, box_angstrom=extent),
        do_ctf_correction="rlnDefocusU" in listed,
    )


def finer_extraction(directory: JobDirectory, particles: str) -> Suggestion | None:
    """Return the job that extracts shrunken particles again at their full pixel size, ``None`` if they are not shrunken."""
    for _, job in made_from(directory):
        if isinstance(job, Extract):
            if not job.do_rescale:
                return None
            again = Extract(
                star_mics=job.star_mics,
                do_reextract=True,
                fndata_reextract=particles,
                do_recenter=True,
                extract_size=job.extract_size,
                bg_diameter=job.bg_diameter,
            )
            return Suggestion(
                again,
                "Extract finer",
                "Cut the same particles out again without shrinking: finer detail becomes possible.",
            )
    return None


def _classes(directory: JobDirectory, particles: str) -> list[Suggestion]:
    second = bool(last_value(directory, "fn_refs_autopick"))
    job = classes_job(directory, particles, share=SECOND_SHARE if second else FIRST_SHARE)
    return [
        Suggestion(
            job, "2D classification", f"Sort the particles into {job.nr_classes} views, and see what is no particle."
        )
    ]


def initial_model(directory: JobDirectory, particles: str) -> Suggestion:
    """Return the job that makes a first map; with symmetry, without it first and then turned onto its axes."""
    job = InitialModel(
        fn_img=particles,
        particle_diameter=mask_used(directory),
        sym_name=symmetry_used(directory),
        do_run_c1=symmetry_used(directory) != "C1",
        nr_iter=100,
        nr_threads=usable_cores(),
    )
    return Suggestion(job, "Initial model", "Make a first map from the particles alone.")


def _refine(directory: JobDirectory, particles: str, reference: str) -> Suggestion:
    job = Refine3D(
        fn_img=particles,
        fn_ref=reference,
        ref_correct_greyscale=True,
        ini_high=last_value(directory, "ini_high") or 30.0,
        sym_name=symmetry_used(directory),
        particle_diameter=mask_used(directory),
        nr_threads=usable_cores(),
    )
    return Suggestion(job, "Refine", "Refine the map against these particles, from where it stands.")


def _picked_diameter(directory: JobDirectory) -> float:
    return diameter_used(directory) or TYPICAL


def _pixel_of_templates(directory: JobDirectory, templates: str) -> float | None:
    """Return the pixel size of class averages in Å: the header's of their stack, ``None`` if it is not known."""
    from relionlab.io.images import open_image

    stack = files.place_of(directory, templates).with_suffix(".mrcs")
    if stack.exists() and (size := open_image(stack).header.pixel_size):
        return round(float(size), 4)
    return None
