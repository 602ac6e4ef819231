"""The commands that keep a project's folder, and `relionlab run`, as they are typed."""

from __future__ import annotations

import pytest
from test_cleaning import put

from relionlab.cli import main
from relionlab.project import Project


@pytest.fixture
def inside(project, monkeypatch):
    """A project that is the working directory."""
    monkeypatch.chdir(project.directory)
    return project


def test_clean_says_what_goes(inside, capsys):
    put(inside, "Class2D/job001", "relion.class2d", "run_it003_data.star", "run_it001_data.star", "run_it002_data.star")
    assert main(["clean", "job001", "--pretend"]) == 0
    said = capsys.readouterr().out
    assert "Class2D/job001/run_it001_data.star\n" in said
    assert "2 files would go" in said
    assert main(["clean", "--all"]) == 0
    assert "Class2D/job001: 2 files moved to Trash/" in capsys.readouterr().out
    assert main(["clean"]) == 1
    assert "say which jobs, or --all" in capsys.readouterr().err


def test_delete_undelete_and_empty_the_trash(inside, capsys):
    for number in (1, 2):
        put(inside, f"Class2D/job00{number}", "relion.class2d", "run_it003_data.star")
    assert main(["delete", "Class2D/job001/", "job002"]) == 0
    assert inside.jobs() == []
    assert main(["undelete", "Class2D/job001/"]) == 0
    assert [job.name for job in inside.jobs()] == ["Class2D/job001"]
    assert main(["empty_trash"]) == 0
    assert "--yes removes" in capsys.readouterr().out
    assert (inside.directory / "Trash/Class2D/job002").exists()
    assert main(["empty_trash", "--yes"]) == 0
    assert not (inside.directory / "Trash").exists()
    assert main(["undelete", "Class2D/job002"]) == 1
    assert "is not in" in capsys.readouterr().err


def test_rebuild_finds_the_jobs_again(inside, pretending, capsys):
    inside.add(pretending())
    (inside.directory / "default_pipeline.star").unlink()
    assert main(["delete", "job001"]) == 1
    assert "`relionlab rebuild` makes the pipeline file" in capsys.readouterr().err
    assert main(["rebuild"]) == 0
    assert "default_pipeline.star lists 1 jobs" in capsys.readouterr().out
    assert [job.state for job in Project.open().jobs()] == ["scheduled"]


def test_run_continues_a_finished_job(inside, pretending, capsys):
    job = inside.add(pretending(steps=2))
    assert main(["run", f"{job.name}/"]) == 0
    assert main(["run", f"{job.name}/"]) == 1
    assert f"`relionlab run {job.name}/ --continue`" in capsys.readouterr().err
    assert main(["run", f"{job.name}/", "--continue", "steps=4"]) == 0
    assert job.state == "finished"
    assert "beginning at step 2" in job.log()
    assert job.job_file.is_continue
    assert main(["run", f"{job.name}/", "--continue", "step=4"]) == 1
    assert "has no parameter 'step'" in capsys.readouterr().err
    assert main(["run", f"{job.name}/", "--continue", "nr_mpi=4"]) == 1
    assert "cannot change when" in capsys.readouterr().err
    assert main(["run", f"{job.name}/", "--continue", "steps"]) == 1
    assert "expected NAME=VALUE" in capsys.readouterr().err
    assert main(["run", f"{job.name}/", "--again"]) == 2


def test_the_log_of_a_failed_job_says_why(inside, pretending):
    job = inside.add(pretending(fate="refuse"))
    assert main(["run", f"{job.name}/"]) == 1
    assert job.log().endswith("failed: The reference has 3 px, the particles 4 px: rescale one of them.\n")
