from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from relionlab.errors import JobStateError, NodeError, ParameterError, PipelineError, ProjectError
from relionlab.jobs.base import Node
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.importing.job import Import
from relionlab.jobs.job_star import read_job_file
from relionlab.project import Project
from relionlab.project.pipeline_file import read_pipeline


def copied(source: Path, target: Path) -> Path:
    """Copy a folder of the shared data, which is read-only."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.mrc", "*.mrcs", "*.gz", "*_data.star"))
    for place in [target, *target.rglob("*")]:
        place.chmod(0o755 if place.is_dir() else 0o644)
    return target


def test_a_new_project_has_relions_pipeline_and_is_made_once(tmp_path):
    project = Project.create(tmp_path / "deep" / "betagal")
    text = (project.directory / "default_pipeline.star").read_text()
    assert "# version 30001" in text
    assert text.split()[-2:] == ["_rlnPipeLineJobCounter", "1"]
    assert project.pipeline.dialect == "3.1"
    assert project.jobs() == []
    with pytest.raises(ProjectError, match="is a project already: open it"):
        Project.create(project.directory)
    assert Project.open(project.directory) == project


def test_folders_that_are_no_projects_are_said_with_what_to_do(project, tmp_path):
    with pytest.raises(ProjectError, match="does not exist"):
        Project.open(tmp_path / "none")
    inside = project.directory / "Micrographs"
    inside.mkdir()
    with pytest.raises(ProjectError, match=f"It lies in the project {project.directory}: open that"):
        Project.open(inside)
    lost = tmp_path / "lost"
    (lost / "Import/job001").mkdir(parents=True)
    (lost / "Import/job001/job.star").touch()
    with pytest.raises(ProjectError, match=r"`relionlab rebuild` makes the pipeline"):
        Project.open(lost)
    with pytest.raises(ProjectError, match="cannot be made or written"):
        Project.create("/proc/none")


def test_adding_a_job_leaves_what_relion_leaves(project):
    (project.directory / "a.mrcs").touch()
    job = project.add(Import(fn_in_raw="*.mrcs"), alias="movies")
    assert (job.name, job.state, job.type, job.alias_name) == (
        "Import/job001",
        "scheduled",
        "relion.import",
        "Import/movies",
    )
    assert job.job == Import(fn_in_raw="*.mrcs")
    assert read_pipeline(job.path / "job_pipeline.star").processes == project.pipeline.processes
    assert read_pipeline(job.path / "default_pipeline.star") == project.pipeline
    assert (project.directory / ".Nodes/0/Import/movies/movies.star").exists()
    assert (project.directory / "Import/movies").resolve() == job.path.resolve()
    assert project.job("movies") == job
    assert project.lock_holder() is None


def test_wrong_values_and_missing_inputs_are_refused_before_anything_is_made(project, pretending):
    with pytest.raises(ParameterError):
        project.add(pretending(steps=1000))
    with pytest.raises(NodeError, match=r"Class2D/job001/x.star does not exist in .*, and no job there makes it"):
        project.add(pretending(fn_in="Class2D/job001/x.star"))
    assert project.jobs() == []
    assert not (project.directory / "External").exists()


def test_a_job_that_cannot_be_written_leaves_no_trace(project, pretending, monkeypatch):
    monkeypatch.setattr(pretending, "outputs", lambda self, output: [Node(f"{output}x.can", "Soup.can")])
    with pytest.raises(PipelineError, match=r"'Soup.can' has no number"):
        project.add(pretending())
    assert project.jobs() == []
    assert list((project.directory / "External").iterdir()) == []
    assert project.lock_holder() is None


def test_a_job_that_only_relion_can_run_is_added_for_it(project):
    job = project.add(ForeignJob(job_type="relion.ctfrefine", options=(("fn_in", "a.mrc"),)))
    assert (job.name, job.type) == ("CtfRefine/job001", "relion.ctfrefine")
    with pytest.raises(JobStateError, match=r"cannot run relion.ctfrefine yet; run this job with RELION"):
        job.start()
    assert job.state == "scheduled"


def test_inputs_are_named_relative_to_the_project(project, pretending):
    (project.directory / "particles.star").touch()
    jobs = [project.add(pretending(fn_in=n)) for n in ("./particles.star", str(project.directory / "particles.star"))]
    assert [[node.path for node in job.inputs] for job in jobs] == [["particles.star"], ["particles.star"]]


def test_a_directory_that_is_left_over_is_not_overwritten(project, pretending):
    (project.directory / "External/job001").mkdir(parents=True)
    assert project.add(pretending()).name == "External/job002"
    assert project.add(pretending()).name == "External/job003"


def test_aliases(project, pretending):
    job, other = project.add(pretending()), project.add(pretending())
    job.alias("first round")
    assert job.alias_name == "External/first_round"
    job.alias("External/second/")
    assert not (project.directory / "External/first_round").exists()
    assert project.job("second") == job
    for bad, words in [
        ("x", "too short"),
        ("job7", "begins with 'job'"),
        ("a/b*", r"has \* / in it"),
        ("second", "taken"),
    ]:
        with pytest.raises(ParameterError, match=words):
            other.alias(bad)
    with pytest.raises(ParameterError, match="taken by External/job001"):
        project.add(pretending(), alias="second")
    job.alias(None)
    assert job.alias_name is None
    assert not (project.directory / "External/second").is_symlink()


def test_notes_are_kept_below_the_commands(project, pretending):
    job = project.add(pretending())
    job.note("Looks good.").note("Really.")
    assert job.notes() == "Looks good.\nReally.\n"


def test_a_job_whose_directory_is_gone_is_said(project, pretending):
    job = project.add(pretending())
    shutil.rmtree(job.path)
    with pytest.raises(JobStateError, match=r"directory .* is missing, though the pipeline lists External/job001"):
        job.job  # noqa: B018
    job.delete()
    assert project.jobs() == []


FOLDERS = {
    "relion31_tutorial_meta": ("3.1", 31, 11),
    "empiar10204_betagal_relion5": ("5", 8, 6),
    "empiar10017_betagal_relion21": ("3.1", 28, 1),
    "relion5_tomo_skeleton": ("5", 17, 16),
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_projects_that_relion_filled_are_opened_and_kept(shared_data, tmp_path, folder):
    dialect, count, with_parameters = FOLDERS[folder]
    target = copied(shared_data / folder, tmp_path / folder)
    is_bare = not (target / "default_pipeline.star").exists()
    project = Project.rebuild(target) if is_bare else Project.open(target)
    jobs = project.jobs()
    assert (project.pipeline.dialect, len(jobs)) == (dialect, count)
    assert all(job.state in ("finished", "scheduled") and job.type for job in jobs)
    known = [job for job in jobs if any((job.path / name).exists() for name in ("job.star", "run.job"))]
    assert len(known) >= with_parameters
    for job in known:
        options = job.job.job_options(dialect)
        assert len(options) > 5, job.name
    before = project.pipeline
    project.change("nothing", lambda pipeline: pipeline)
    assert project.pipeline == before


def test_a_job_joins_a_relion_5_project_in_its_dialect(shared_data, tmp_path, pretending):
    project = Project.open(copied(shared_data / "empiar10204_betagal_relion5", tmp_path / "p"))
    before = project.pipeline
    job = project.add(pretending(), alias="ours")
    after = project.pipeline
    assert after.dialect == "5"
    assert after.processes[:-1] == before.processes
    assert after.processes[-1].label == "relion.external"
    assert job.name == "External/job011"
    assert read_job_file(job.path).dialect == "5"
    assert (project.directory / ".Nodes/ParticleGroupMetadata/External/ours/particles.star").exists()


def test_converting_a_project_there_and_back(shared_data, tmp_path):
    project = Project.open(copied(shared_data / "relion31_tutorial_meta", tmp_path / "p"))
    before = project.pipeline
    parameters = {job.name: job.job for job in project.jobs() if (job.path / "job.star").exists()}
    project.convert("5")
    assert project.pipeline.dialect == "5"
    assert project.pipeline.process("job008").label == "relion.class2d"
    assert read_job_file(project.job("job008").path).dialect == "5"
    assert read_pipeline(project.directory / "default_pipeline.star.3.1") == before
    project.convert("3.1")
    after = project.pipeline
    assert (after.processes, after.nodes, after.inputs, after.outputs) == (
        before.processes,
        before.nodes,
        before.inputs,
        before.outputs,
    )
    for name, job in parameters.items():
        again = project.job(name).job
        assert type(again) is type(job)
        assert again.job_options() == job.job_options()


def test_what_3_1_does_not_have_stops_the_conversion(project, pretending):
    project.convert("5")
    job = project.add(pretending())
    text = (project.directory / "default_pipeline.star").read_text().replace("relion.external", "somebody.else")
    (project.directory / "default_pipeline.star").write_text(text)
    with pytest.raises(PipelineError, match=r"'somebody.else' has no number in RELION 3.1"):
        project.convert("3.1")
    assert (project.directory / "default_pipeline.star").read_text() == text
    assert job.type == "somebody.else"


def test_a_lost_pipeline_is_rebuilt_from_the_job_directories(project, pretending, start):
    first = start(project.add(pretending(), alias="one"))
    first.wait(60)
    project.add(pretending(fn_in=first.outputs[0].path))
    before = project.pipeline
    (project.directory / "default_pipeline.star").write_text("data_pipeline_general\n_rlnPipeLineJobCounter bro")
    with pytest.raises(PipelineError, match=r"is damaged.*newest backup is .*External/job002/default_pipeline.star"):
        Project.open(project.directory)
    assert Project.rebuild(project.directory).pipeline == before
    assert (project.directory / "default_pipeline.star.old").exists()
    for backup in project.directory.glob("External/job*/default_pipeline.star"):
        backup.unlink()
    rebuilt = Project.rebuild(project.directory).pipeline
    assert rebuilt.processes == before.processes
    assert (rebuilt.inputs, rebuilt.outputs) == (before.inputs, before.outputs)


def test_nothing_can_be_rebuilt_from_nothing(tmp_path):
    with pytest.raises(ProjectError, match="has no job directories"):
        Project.rebuild(tmp_path)


def test_a_pipeline_that_relion_is_writing_is_read_when_it_is_whole(project, monkeypatch):
    path = project.directory / "default_pipeline.star"
    whole = path.read_text()
    path.write_text("")
    monkeypatch.setattr("relionlab.project.pipeline_file.time.sleep", lambda _: path.write_text(whole))
    assert project.pipeline.counter == 1


def test_a_read_only_project_can_be_looked_at(project, pretending):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    job = project.add(pretending())
    project.directory.chmod(0o555)
    try:
        assert Project.open(project.directory).jobs() == [job]
    finally:
        project.directory.chmod(0o755)
