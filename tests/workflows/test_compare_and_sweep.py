"""Jobs side by side, and the same job over several values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import InputError, ParameterError
from relionlab.io.images import write_map
from relionlab.jobs import Class2D, Import
from relionlab.jobs.foreign import ForeignJob
from relionlab.project import Project
from relionlab.project.pace import spoken
from relionlab.workflows.compare import compare
from relionlab.workflows.job_rows import JobRows, counts
from relionlab.workflows.one_by_one import run_sweep
from relionlab.workflows.sweep import parse_values, plan_sweep, read_sweeps, sweepable, usual_values

NODE_TYPE = "3D mask (.mrc)"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path)
    (tmp_path / "particles.star").write_text("data_\n")
    return made


def class2d(**values) -> Class2D:
    return Class2D(fn_img="particles.star", **values)


def test_shows_the_parameters_that_differ(project: Project):
    jobs = [
        project.add(class2d(nr_classes=5), alias="five"),
        project.add(class2d(nr_classes=9, do_ctf_correction=False)),
    ]
    found = compare(jobs)
    assert {row.key: row.values for row in found.differing}["nr_classes"] == ("5", "9")
    assert (
        next(row for row in found.parameters if row.key == "ctf_intact_first_peak").values[1] == "–"
    )  # does not apply
    assert found.names() == ("Class2D/five", jobs[1].name)
    assert "Number of classes" in found.table()
    assert next(row for row in found.results if row.label == "State").values == ("scheduled", "scheduled")


def test_compares_types_that_only_relion_knows(project: Project):
    foreign = ForeignJob(job_type="relion.multibody", options=(("fn_in", "a.star"),))
    jobs = [project.add(foreign), project.add(class2d())]
    (jobs[1].path / "job.star").unlink()
    found = compare(jobs)
    assert [row.values for row in found.parameters] == [("a.star", "–")]
    assert next(row for row in found.results if row.label == "Type").values == ("MultiBody", "Class2D")


def test_one_job_cannot_be_compared(project: Project):
    with pytest.raises(InputError, match="1 job was chosen"):
        compare([project.add(class2d())])


def test_times_are_spoken():
    assert [spoken(s) for s in (40.2, 200, 7500)] == ["40 s", "3 min 20 s", "2 h 5 min"]


def test_rows_tell_state_and_number(project: Project):
    first, second = project.add(class2d()), project.add(class2d(), alias="again")
    (first.path / "run_it005_model.star").write_text(
        "data_model_general\n_rlnNrClasses 7\n_rlnCurrentResolution 12.34\n"
    )
    first.mark("finished")
    rows = JobRows(project)
    listed = rows.read()
    assert [row.title for row in listed] == ["again", "job001"]  # newest first
    assert counts(listed) == {"scheduled": 1, "finished": 1}
    assert rows.missing(listed) == [first.name]
    rows.look_up(first.name)
    assert rows.read()[1].number == "7 classes, 12.3 Å"
    assert rows.missing(rows.read()) == []
    assert second.process.alias == "Class2D/again"


def test_sweep_makes_a_job_for_each_value(project: Project):
    sweep = plan_sweep(project, class2d(), "tau_fudge", values=[0.5, 1, 2, 4])
    assert [job.job.tau_fudge for job in sweep.jobs] == [0.5, 1, 2, 4]
    assert [job.alias_name for job in sweep.jobs] == [f"Class2D/tau_fudge_1_{t}" for t in ("0.5", "1", "2", "4")]
    assert {job.state for job in sweep.jobs} == {"scheduled"}
    assert [found.names for found in read_sweeps(project)] == [sweep.names]
    assert plan_sweep(project, class2d(), "tau_fudge", values=[1, 2]).name == "tau_fudge_2"
    assert {row.key for row in sweep.comparison().differing} == {"tau_fudge"}


def test_sweep_refuses_what_the_job_refuses_and_adds_nothing(project: Project):
    with pytest.raises(ParameterError):
        plan_sweep(project, class2d(), "nr_classes", values=[5, -3])
    with pytest.raises(ParameterError, match="2 to"):
        plan_sweep(project, class2d(), "nr_classes", values=[5])
    with pytest.raises(ParameterError, match="no parameter"):
        plan_sweep(project, class2d(), "fn_img", values=["a", "b"])
    assert project.jobs() == []


def test_values_are_read_as_the_parameter_wants_them():
    assert parse_values(class2d(), "nr_classes", "10, 20;50") == [10, 20, 50]
    assert parse_values(class2d(), "do_ctf_correction", "yes, no") == [True, False]
    with pytest.raises(ParameterError):
        parse_values(class2d(), "nr_classes", "10, many")
    with pytest.raises(ParameterError, match="twice"):
        parse_values(class2d(), "nr_classes", "10, 10")


def test_usual_values_come_with_the_parameter():
    assert usual_values(class2d(), "tau_fudge") == (0.5, 1, 2, 4)
    assert usual_values(class2d(), "particle_diameter") == (100, 200, 400)
    assert "fn_img" not in sweepable(Class2D)
    assert "nr_threads" not in sweepable(Class2D)


def test_sweep_runs_its_jobs_one_after_the_other(project: Project):
    write_map(project.directory / "mask.mrc", np.ones((8, 8, 8), np.float32), pixel_size=2.0)
    job = Import(do_raw=False, do_other=True, fn_in_other="mask.mrc", node_type=NODE_TYPE)
    sweep = plan_sweep(project, job, "node_type", values=[NODE_TYPE, "3D reference (.mrc)"])
    run_sweep(sweep)
    assert [job.state for job in sweep.jobs] == ["finished", "finished"]
    first, second = (job.path / "RELION_JOB_EXIT_SUCCESS" for job in sweep.jobs)
    assert first.stat().st_mtime <= second.stat().st_mtime


def test_sweep_that_was_stopped_starts_no_further_job(project: Project):
    sweep = plan_sweep(project, class2d(), "nr_classes", values=[2, 3]).stop()
    run_sweep(sweep)
    assert [job.state for job in sweep.jobs] == ["scheduled", "scheduled"]
