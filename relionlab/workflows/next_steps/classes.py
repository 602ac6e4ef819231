"""What follows a 2D classification, and a selection of whatever kind."""

from __future__ import annotations

from relionlab.jobs.refinement.rounds import is_three_dimensional
from relionlab.jobs.selecting.select import Select
from relionlab.project import JobDirectory
from relionlab.workflows.next_jobs import Suggestion
from relionlab.workflows.next_steps import files
from relionlab.workflows.next_steps.maps import class_sort, refinement
from relionlab.workflows.next_steps.micrographs import picking
from relionlab.workflows.next_steps.particles import classes_job, finer_extraction, initial_model, templates_job
from relionlab.workflows.sizes import SECOND_SHARE
from relionlab.workflows.sizes_used import last_value


def after_class2d(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows a 2D classification: choosing classes."""
    choose = Select(fn_model=files.model_of(directory), do_class_ranker=True, select_nr_classes=1, do_recenter=True)
    return [
        Suggestion(
            choose,
            "Keep good classes",
            "Keeps the classes with the best scores; or click classes below and save your own choice.",
        )
    ]


def after_selection(directory: JobDirectory) -> list[Suggestion]:
    """Return what follows a selection, by what was selected."""
    job = directory.job
    if not isinstance(job, Select):
        return []
    if job.fn_mic:
        return picking(directory, files.made(directory, files.MICROGRAPHS))
    particles = files.made(directory, files.PARTICLES)
    if job.fn_model and is_three_dimensional(files.place_of(directory, job.fn_model).parent):
        return _after_maps(directory, particles)
    found = [initial_model(directory, particles)]
    averages = files.made(directory, files.CLASSES)
    micrographs = last_value(directory, "star_mics")
    if (
        averages
        and micrographs
        and files.place_of(directory, averages).exists()
        and not last_value(directory, "fn_refs_autopick")
    ):
        pick = templates_job(directory, averages, micrographs=micrographs)
        found.insert(
            0, Suggestion(pick, "Pick by templates", "Find more particles, and fewer others, by these class averages.")
        )
    again = classes_job(directory, particles, share=SECOND_SHARE)
    return [
        *found,
        Suggestion(
            again, "2D classification again", "Sort those kept once more: poor ones show up as classes of their own."
        ),
    ]


def _after_maps(directory: JobDirectory, particles: str) -> list[Suggestion]:
    """Return what follows a choice of 3D classes: refinement, from the reference that the classes began with."""
    reference = last_value(directory, "fn_ref") or files.newest(directory, files.MAP, folder="InitialModel")
    found = []
    if finer := finer_extraction(directory, particles):
        found.append(finer)
    if reference:
        found.insert(0, refinement(directory, particles, reference=reference))
        found.append(class_sort(directory, particles, reference=reference))
    return found
