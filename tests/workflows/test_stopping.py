"""Stop here and select, continue from here: what is started, and what is refused in words."""

from __future__ import annotations

import pytest

from relionlab.errors import ParameterError
from relionlab.jobs import Class2D, Select
from relionlab.project import JobDirectory
from relionlab.workflows.stopping import continue_from, ranges, selection, stop_and_select
from tests.display.conftest import write_iteration


@pytest.fixture
def classified(project) -> JobDirectory:
    job = project.add(Class2D(fn_img="particles.star", nr_classes=6, nr_iter=2)) if _particles(project) else None
    for iteration in range(3):
        write_iteration(job.path, iteration)
    job.mark("aborted")
    return job


def _particles(project) -> bool:
    (project.directory / "particles.star").write_text("data_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n")
    return True


def test_the_selection_is_of_that_iteration(classified):
    job = selection(classified, classified.path / "run_it001_model.star", classes=[4, 1, 2])
    assert job == Select(fn_model="Class2D/job001/run_it001_model.star", classes="1-2,4")


def test_nothing_chosen_is_said(classified):
    with pytest.raises(ParameterError, match="click"):
        selection(classified, classified.path / "run_it001_model.star", classes=[])
    (classified.path / "run_it001_data.star").unlink()
    with pytest.raises(ParameterError, match="another iteration"):
        selection(classified, classified.path / "run_it001_model.star", classes=[1])


def test_a_job_that_has_ended_is_not_stopped(classified, monkeypatch):
    started = []
    monkeypatch.setattr(type(classified.project), "run", lambda _self, job: started.append(job))
    stop_and_select(classified, classified.path / "run_it002_model.star", classes=[3])
    assert started[0].classes == "3"
    assert classified.state == "aborted"


def test_continues_from_an_iteration_that_is_not_the_last(classified, monkeypatch):
    asked = []
    monkeypatch.setattr(JobDirectory, "continue_with", lambda _self, **changes: asked.append(changes))
    continue_from(classified, classified.path / "run_it001_model.star", iterations=10)
    assert asked == [{"fn_cont": "Class2D/job001/run_it001_optimiser.star", "nr_iter": 10}]
    with pytest.raises(ParameterError, match="more iterations"):
        continue_from(classified, classified.path / "run_it002_model.star")


def test_ranges():
    assert ranges([1, 2, 3, 5]) == "1-3,5"
