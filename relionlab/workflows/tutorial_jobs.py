"""The tutorial's three jobs, with the parameters that differ from the forms' defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relionlab.errors import NodeError
from relionlab.jobs.importing.job import Import
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.workflows.tutorial_data import TutorialData

if TYPE_CHECKING:
    from relionlab.workflows.tutorial import Plan


def import_job(data: TutorialData) -> Import:
    """Return the job that brings the particles into the project."""
    return Import(do_raw=False, do_other=True, fn_in_other=data.particles, node_type="Particles STAR file (.star)")


def class2d_job(plan: Plan, data: TutorialData, imported: JobDirectory) -> Class2D:
    """Return the job that sorts the particles into classes."""
    return Class2D(
        fn_img=output_of(imported, "particles"),
        do_ctf_correction=data.has_ctf,
        nr_classes=plan.classes,
        nr_iter=plan.iterations,
        particle_diameter=data.diameter,
        other_args=f"--random_seed {plan.seed}",
    )


def select_job(classified: JobDirectory) -> Select:
    """Return the job that keeps the classes which rank well, and the best one in any case."""
    return Select(fn_model=output_of(classified, "_model"), do_class_ranker=True, select_nr_classes=1, do_recenter=True)


def output_of(directory: JobDirectory, part: str) -> str:
    """Return the last of a job's output files whose name has this part, relative to the project."""
    names = [node.path for node in directory.outputs if part in node.path.rpartition("/")[2]]
    if not names:
        raise NodeError(f"{directory.name} has no output named *{part}*; it has {directory.outputs}.")
    return max(names)
