"""What follows imported images, motion correction and CTF estimation."""

from __future__ import annotations

import numpy as np

from relionlab.errors import RelionlabError
from relionlab.io.images import open_image
from relionlab.io.movies import open_movie
from relionlab.io.particles import read_particles
from relionlab.io.star_columns import read_columns
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.motion.job import MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.manualpick import ManualPick
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.settings import usable_cores
from relionlab.workflows.next_jobs import Suggestion
from relionlab.workflows.next_steps import files
from relionlab.workflows.next_steps.particles import after_joining, templates_job
from relionlab.workflows.outcomes.micrographs import FINE
from relionlab.workflows.sizes import TYPICAL, Sizes, patches_for
from relionlab.workflows.sizes_used import diameter_used, mask_used


def after_import(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows an Import, by what it brought."""
    if movies := files.made(directory, files.MOVIES):
        return [_motion(directory, movies)]
    if micrographs := files.made(directory, files.MICROGRAPHS):
        return [_ctf(directory, micrographs)]
    if files.made(directory, files.PARTICLES):
        return after_joining(directory)
    if coordinates := files.made(directory, files.COORDINATES):
        return _extract(directory, coordinates)
    reference = files.made(directory, files.MAP)
    particles = files.newest(directory, files.PARTICLES)
    if reference and particles:
        mask = mask_used(directory)
        return [
            Suggestion(
                Class3D(
                    fn_img=particles, fn_ref=reference, nr_classes=4, particle_diameter=mask, nr_threads=usable_cores()
                ),
                "3D classification",
                "Sort the newest particles into maps that begin with this one.",
            ),
            Suggestion(
                Refine3D(fn_img=particles, fn_ref=reference, particle_diameter=mask, nr_threads=usable_cores()),
                "Refine",
                "Refine this map against the newest particles.",
            ),
        ]
    return []


def after_motion(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows motion correction."""
    return [_ctf(directory, files.made(directory, files.MICROGRAPHS))]


def after_ctf(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows CTF estimation."""
    micrographs = files.made(directory, files.MICROGRAPHS)
    found = picking(directory, micrographs)
    limit = read_columns(files.place_of(directory, micrographs), "rlnMicrographName", "rlnCtfMaxResolution")
    coarse = int((limit.numbers("rlnCtfMaxResolution", np.nan) > FINE).sum())
    if coarse:
        keep = Select(
            fn_mic=micrographs,
            do_select_values=True,
            select_label="rlnCtfMaxResolution",
            select_minval=0,
            select_maxval=FINE,
        )
        why = f"Leave out {coarse} micrographs whose rings fit no further than {FINE:g} Å."
        found.insert(0, Suggestion(keep, "Keep good micrographs", why))
    return found


def picking(directory: JobDirectory, micrographs: str) -> list[Suggestion]:
    """Return the ways of picking particles from micrographs."""
    diameter = diameter_used(directory) or TYPICAL
    smallest, largest = Sizes(diameter, 1.0).blobs
    known = f"{smallest:.0f} to {largest:.0f} Å" if diameter_used(directory) else "set your particle's diameter"
    by_size = AutoPick(
        fn_input_autopick=micrographs, do_log=True, log_diam_min=smallest, log_diam_max=largest, log_upper_thr=5.0
    )
    by_hand = ManualPick(fn_in=micrographs, diameter=diameter)
    templates = files.newest_templates(directory)
    found = [
        Suggestion(by_size, "Pick by size", f"Find round blobs ({known}): no reference needed."),
        Suggestion(
            by_hand, "Pick by hand", "A few hundred clicks on some micrographs show what your particles are like."
        ),
    ]
    if templates:
        job = templates_job(directory, templates, micrographs=micrographs)
        found.insert(
            0,
            Suggestion(
                job, "Pick by templates", f"Find what looks like the class averages of {templates.rpartition('/')[0]}."
            ),
        )
    return found


def _motion(directory: JobDirectory, movies: str) -> Suggestion:
    listed = read_particles(files.place_of(directory, movies), kind="movies")
    columns = rows = 1
    try:
        with open_movie(files.place_of(directory, str(listed.particles["rlnMicrographMovieName"][0]))) as movie:
            columns, rows = patches_for(movie.shape, listed.pixel_size)
    except (RelionlabError, OSError):
        pass  # the job itself will say what is wrong with its movies
    job = MotionCorr(input_star_mics=movies, patch_x=columns, patch_y=rows, nr_threads=usable_cores())
    return Suggestion(
        job,
        "Correct motion",
        "Align the frames of each movie. Give your dose per frame, and the gain if it is not applied.",
    )


def _ctf(directory: JobDirectory, micrographs: str) -> Suggestion:
    listed = read_particles(files.place_of(directory, micrographs), kind="micrographs")
    finest = Sizes(TYPICAL, listed.pixel_size).finest()
    return Suggestion(
        CtfFind(input_star_mics=micrographs, resmax=finest),
        "Estimate CTFs",
        "Find each micrograph's defocus, and how far its signal reaches.",
    )


def _extract(directory: JobDirectory, coordinates: str) -> list[Suggestion]:
    micrographs = files.newest(directory, files.MICROGRAPHS, folder="CtfFind")
    if not micrographs:
        return []
    listed = read_particles(files.place_of(directory, micrographs), kind="micrographs")
    pixel = listed.pixel_size or (
        open_image(files.place_of(directory, str(listed.particles["rlnMicrographName"][0]))).header.pixel_size
    )
    sizes = Sizes(diameter_used(directory) or TYPICAL, float(pixel or 1.0))
    job = Extract(
        star_mics=micrographs, coords_suffix=coordinates, extract_size=sizes.box, bg_diameter=sizes.background
    )
    return [Suggestion(job, "Extract particles", "Cut the particles out at these coordinates.")]
