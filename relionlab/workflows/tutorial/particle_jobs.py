"""The tutorial's three jobs, with the parameters that differ from the forms' defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relionlab.jobs.importing.job import Import
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.workflows.tutorial.particle_data import ParticleData

if TYPE_CHECKING:
    from relionlab.workflows.tutorial.particle_plan import ParticlePlan


def import_job(data: ParticleData) -> Import:
    """Return the job that brings the particles into the project."""
    return Import(do_raw=False, do_other=True, fn_in_other=data.particles, node_type="Particles STAR file (.star)")


def class2d_job(plan: ParticlePlan, data: ParticleData, imported: JobDirectory) -> Class2D:
    """Return the job that sorts the particles into classes."""
    return Class2D(
        fn_img=imported.output("particles"),
        do_ctf_correction=data.has_ctf,
        nr_classes=plan.classes,
        nr_iter=plan.iterations,
        particle_diameter=data.diameter,
        other_args=f"--random_seed {plan.seed}",
    )


def select_job(classified: JobDirectory) -> Select:
    """Return the job that keeps the classes which rank well, and the best one in any case."""
    return Select(fn_model=classified.output("_model"), do_class_ranker=True, select_nr_classes=1, do_recenter=True)
