"""The jobs of the tutorial from selected particles to a map, with the parameters that differ from the forms' defaults."""

from __future__ import annotations

from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.maps.postprocess_program import Postprocess
from relionlab.jobs.maps.postprocessing import doubts_of_sharpening
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.settings import usable_cores
from relionlab.workflows.sizes import Sizes
from relionlab.workflows.tutorial.movie_plan import MoviePlan

_MODEL_ITERATIONS, _CLASS_ITERATIONS = 100, 25
_CLASSES = 2
_COARSE = 5.0
"""Parts of the diameter: the resolution to which a reference is filtered, so that it shows the particle's shape only."""


def initial_job(plan: MoviePlan, sizes: Sizes, particles: str, *, symmetry: str) -> InitialModel:
    """Return the job that makes a map from nothing but particles."""
    return InitialModel(
        fn_img=particles,
        nr_iter=plan.iterations3d or _MODEL_ITERATIONS,
        sym_name=symmetry,
        do_run_c1=not plan.symmetry_at_once,
        particle_diameter=sizes.mask,
        nr_threads=usable_cores(),
        other_args=f"--random_seed {plan.seed}",
    )


def class3d_job(plan: MoviePlan, sizes: Sizes, particles: str, *, initial: JobDirectory) -> Class3D:
    """Return the job that sorts particles into maps, without symmetry, so that they may differ in it."""
    return Class3D(
        fn_img=particles,
        fn_ref=model_of(initial),
        ref_correct_greyscale=True,
        ini_high=coarse(sizes),
        nr_classes=_CLASSES,
        nr_iter=plan.iterations3d or _CLASS_ITERATIONS,
        particle_diameter=sizes.mask,
        sampling="15 degrees",
        nr_threads=usable_cores(),
        other_args=f"--random_seed {plan.seed}",
    )


def keep_job(classified: JobDirectory, numbers: tuple[int, ...]) -> Select:
    """Return the job that keeps the particles of some classes."""
    return Select(
        fn_model=classified.output("_model"), classes=",".join(str(number) for number in numbers), do_recenter=False
    )


def refine_job(plan: MoviePlan, sizes: Sizes, particles: str, *, initial: JobDirectory, symmetry: str) -> Refine3D:
    """Return the job that refines the map, in two independent halves."""
    limit = "" if plan.iterations3d is None else f" --auto_iter_max {plan.iterations3d}"
    return Refine3D(
        fn_img=particles,
        fn_ref=model_of(initial),
        ref_correct_greyscale=True,
        ini_high=coarse(sizes),
        sym_name=symmetry,
        particle_diameter=sizes.mask,
        nr_threads=usable_cores(),
        other_args=f"--random_seed {plan.seed}{limit}",
    )


def mask_job(refined: JobDirectory, *, threshold: float) -> MaskCreate:
    """Return the job that masks the solvent; the soft edge is wide enough not to correlate by itself."""
    return MaskCreate(fn_in=refined.output("_class001.mrc"), inimask_threshold=threshold, width_mask_edge=6.0)


def sharpen_job(refined: JobDirectory, masked: JobDirectory) -> PostProcess:
    """Return the job that judges and sharpens: by the slope, if post-processing itself would not doubt it
    (:func:`relionlab.jobs.maps.verdict.doubts_of_fit`), else not at all.
    """
    form = PostProcess(fn_in=half_map(refined), fn_mask=masked.output("mask"))
    program = Postprocess(fn_in=form.fn_in, fn_mask=form.fn_mask, autob_lowres=form.autob_lowres, do_auto_bfac=True)
    if not doubts_of_sharpening(program, refined.project.directory):
        return form
    return PostProcess(fn_in=form.fn_in, fn_mask=form.fn_mask, do_auto_bfac=False, do_adhoc_bfac=True, adhoc_bfac=0.0)


def local_job(refined: JobDirectory, masked: JobDirectory, *, b_factor: float) -> LocalRes:
    """Return the job that finds the resolution at every place; ``b_factor`` in Å²: of the sharpening."""
    return LocalRes(
        fn_in=half_map(refined),
        fn_mask=masked.output("mask"),
        angpix=None,
        adhoc_bfac=round(b_factor, 1),
        nr_threads=usable_cores(),
    )


def model_of(initial: JobDirectory) -> str:
    """Return the finished map of an InitialModel job, relative to the project."""
    return initial.output("initial_model.mrc")


def half_map(refined: JobDirectory) -> str:
    """Return the first unfiltered half-map of a Refine3D job, relative to the project."""
    return refined.output("half1_class001_unfil")


def coarse(sizes: Sizes) -> float:
    """Return the resolution in Å to which references are filtered at first."""
    return round(sizes.diameter / _COARSE)
