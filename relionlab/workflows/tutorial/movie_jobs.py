"""The jobs of the tutorial on movies, with the parameters that differ from the forms' defaults."""

from __future__ import annotations

from typing import get_args

from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.importing.job import Import
from relionlab.jobs.motion.job import GainFlip, GainRotation, MotionCorr
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.project import JobDirectory
from relionlab.settings import usable_cores
from relionlab.workflows.sizes import Sizes, classes_for, patches_for
from relionlab.workflows.tutorial.movie_data import MovieData
from relionlab.workflows.tutorial.movie_plan import MoviePlan


def import_job(data: MovieData) -> Import:
    """Return the job that brings the movies into the project."""
    return Import(
        fn_in_raw=data.pattern,
        angpix=data.pixel_size,
        kv=data.voltage,
        cs=data.aberration,
        q0=data.amplitude_contrast,
    )


def motion_job(plan: MoviePlan, data: MovieData, imported: JobDirectory) -> MotionCorr:
    """Return the job that aligns the movies."""
    columns, rows = (plan.patches, plan.patches) if plan.patches else patches_for(data.shape, data.pixel_size)
    return MotionCorr(
        input_star_mics=imported.output("movies"),
        do_dose_weighting=data.dose is not None,
        dose_per_frame=data.dose if data.dose is not None else 1.0,
        patch_x=columns,
        patch_y=rows,
        bin_factor=plan.binning,
        fn_gain_ref=data.gain,
        gain_rot=get_args(GainRotation)[data.gain_rotation],
        gain_flip=get_args(GainFlip)[data.gain_flip],
        find_gain=bool(data.gain),
        fn_defect=data.defects,
        nr_threads=usable_cores(),
    )


def ctf_job(sizes: Sizes, corrected: JobDirectory) -> CtfFind:
    """Return the job that estimates the CTFs, from the micrographs themselves: closer to the truth than from power spectra."""
    return CtfFind(
        input_star_mics=corrected.output("corrected_micrographs"),
        resmax=sizes.finest(),
    )


def blob_job(sizes: Sizes, estimated: JobDirectory) -> AutoPick:
    """Return the job that finds particles by their size alone."""
    smallest, largest = sizes.blobs
    return AutoPick(
        fn_input_autopick=estimated.output("micrographs_ctf"),
        do_log=True,
        log_diam_min=smallest,
        log_diam_max=largest,
        log_upper_thr=5.0,
    )


def template_job(
    plan: MoviePlan, sizes: Sizes, estimated: JobDirectory, *, selected: JobDirectory, pixel_size: float
) -> AutoPick:
    """Return the job that finds particles by the selected class averages; ``pixel_size``: of these, in Å."""
    return AutoPick(
        fn_input_autopick=estimated.output("micrographs_ctf"),
        fn_refs_autopick=selected.output("class_averages"),
        angpix_ref=pixel_size,
        particle_diameter=sizes.mask,
        mindist_autopick=sizes.apart,
        threshold_autopick=plan.threshold,
    )


def extract_job(sizes: Sizes, estimated: JobDirectory, picked: JobDirectory, *, pixel_size: float) -> Extract:
    """Return the job that cuts the particles out, shrunk to about this pixel size (Å)."""
    shrunk = sizes.shrunk(pixel_size)
    return Extract(
        star_mics=estimated.output("micrographs_ctf"),
        coords_suffix=picked.output("coords_suffix"),
        extract_size=sizes.box,
        bg_diameter=sizes.background,
        do_rescale=shrunk < sizes.box,
        rescale=shrunk,
    )


def class_job(
    plan: MoviePlan, sizes: Sizes, extracted: JobDirectory, *, particles: int, share: int, iterations: int
) -> Class2D:
    """Return the job that sorts so many particles into classes, one for each ``share`` of them."""
    return Class2D(
        fn_img=extracted.output("particles"),
        nr_classes=plan.classes or classes_for(particles, share),
        nr_iter=plan.iterations or iterations,
        particle_diameter=sizes.mask,
        other_args=f"--random_seed {plan.seed}",
    )
