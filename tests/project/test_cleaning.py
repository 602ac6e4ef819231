from __future__ import annotations

import pytest

from relionlab.errors import JobStateError, ProjectError
from relionlab.jobs.base import Node
from relionlab.project.cleaning import empty_trash, undelete
from relionlab.project.pipeline import Process

PARTICLES = "ParticleGroupMetadata.star.relion"


def put(project, name: str, label: str, *files: str) -> None:
    """Put a finished job with these files into the project; its first file is its output."""
    (project.directory / name).mkdir(parents=True)
    for file in files:
        (project.directory / name / file).parent.mkdir(parents=True, exist_ok=True)
        (project.directory / name / file).write_text("x" * 10)
    output = [Node(f"{name}/{files[0]}", PARTICLES)]
    project.change("test", lambda p: p.with_process(Process(name, label, "finished"), outputs=output))


def test_a_job_goes_to_the_trash_and_comes_back(project, pretending, start):
    first = start(project.add(pretending(), alias="one"))
    first.wait(60)
    second = project.add(pretending(fn_in=first.outputs[0].path))
    third = project.add(pretending())
    before = project.pipeline
    assert first.delete(with_users=True) == [first.name, second.name]
    assert [job.name for job in project.jobs()] == [third.name]
    assert (project.directory / "Trash/External/job001/particles.star").exists()
    assert not (project.directory / "External/one").is_symlink()
    assert not (project.directory / ".Nodes/3/External/one").exists()
    assert undelete(project, first.name) == [first.name, second.name]
    after = project.pipeline
    assert set(after.processes) == set(before.processes)
    assert set(after.nodes) == set(before.nodes)
    assert set(after.inputs) == set(before.inputs)
    assert (project.directory / "External/one/particles.star").exists()
    with pytest.raises(ProjectError, match=r"External/job001 is not in .*Trash; there: nothing"):
        undelete(project, first.name)


def test_a_number_from_the_trash_is_not_used_again(project, pretending):
    project.add(pretending()).delete()
    assert project.add(pretending()).name == "External/job002"


def test_emptying_the_trash_says_what_it_frees(project):
    put(project, "Class2D/job001", "relion.class2d", "run_it025_data.star")
    project.job("job001").delete()
    assert empty_trash(project) >= 10
    assert not (project.directory / "Trash").exists()


def test_cleaning_keeps_the_last_iteration_and_what_is_in_the_pipeline(project):
    iterations = [f"run_it{step:03d}_{kind}" for step in range(4) for kind in ("data.star", "classes.mrcs")]
    put(project, "Class2D/job001", "relion.class2d", "run_it001_data.star", *iterations, "run.out", "note.txt")
    job = project.job("job001")
    wanted = {"run_it000_data.star", "run_it000_classes.mrcs", "run_it001_classes.mrcs", "run_it002_data.star"}
    wanted |= {"run_it002_classes.mrcs"}
    assert {path.name for path in job.clean(pretend=True)} == wanted
    assert (job.path / "run_it000_data.star").exists()
    assert {path.name for path in job.clean()} == wanted
    assert {path.name for path in job.path.iterdir()} == {
        "run_it001_data.star",
        "run_it003_data.star",
        "run_it003_classes.mrcs",
        "run.out",
        "note.txt",
    }
    assert (project.directory / "Trash/Class2D/job001/run_it000_data.star").exists()


def test_harsh_cleaning_is_asked_for_and_can_be_forbidden(project):
    for number in (1, 2):
        put(
            project,
            f"Extract/job{number:03d}",
            "relion.extract",
            "particles.star",
            "Mics/a.mrcs",
            "Mics/a_extract.star",
        )
    job, kept = project.jobs()
    (kept.path / "NO_HARSH_CLEAN").touch()
    assert {path.name for path in job.clean(pretend=True)} == {"a_extract.star"}
    assert {path.name for path in job.clean(harsh=True)} == {"a.mrcs", "a_extract.star"}
    assert {path.name for path in kept.clean(harsh=True)} == {"a_extract.star"}


def test_only_jobs_that_are_done_are_cleaned_or_deleted(project, pretending):
    job = project.add(pretending())
    with pytest.raises(JobStateError, match="only finished jobs can be cleaned"):
        job.clean()
    job.set_state("running")
    with pytest.raises(JobStateError, match="is running: abort it before deleting"):
        job.delete()
