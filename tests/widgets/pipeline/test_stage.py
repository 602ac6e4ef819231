"""A stage in a cell: its form fills itself in as the project grows, and what it can show follows."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import JobStateError, ParameterError
from relionlab.io.images import write_stack
from relionlab.jobs import Import
from relionlab.widgets import StageView
from relionlab.widgets.parts.opening import Drawer
from relionlab.widgets.pipeline.stage_views import ways_of
from relionlab.workflows.single_particle import single_particle
from relionlab.workflows.single_particle_stages import STAGES
from tests.linked_project import NAMES, make_project
from tests.waiting import until


@pytest.fixture
def course(tmp_path):
    for name in ("a", "b"):
        write_stack(tmp_path / f"{name}.mrc", np.zeros((1, 300, 280), np.float32), pixel_size=1.0)
    return single_particle(tmp_path, pixel_size=1.0)


def test_every_stage_stands_in_a_project_without_anything(tmp_path):
    course = single_particle(tmp_path / "new")
    views = [StageView(course, name) for name in STAGES]
    assert [view.stage.name for view in views if view.form is not None] == ["import"]
    assert all("waits for" in view._told.value for view in views)
    assert course.project.jobs() == []
    views[-1].show_form()
    assert views[-1].form.job == course.job("local")


def test_the_next_stage_fills_itself_in_when_a_job_ends(course):
    imported, motion, ctf = (StageView(course, name) for name in ("import", "motion", "ctf"))
    assert "Not needed: the project begins with micrographs" in motion._told.value
    assert ctf.form is None
    job = imported.form.run()
    assert job.wait() == "finished"
    until(lambda: ctf.form is not None)
    assert ctf.form.job.input_star_mics == f"{job.name}/micrographs.star"
    assert imported.monitor is not None
    assert imported.job == job


def test_what_somebody_typed_stays(course):
    course.run("import")
    ctf = StageView(course, "ctf")
    ctf.form.set(resmax=9.0)
    course.project.run(course.job("import")).wait()  # imported once more
    ctf.refresh()
    assert ctf.form.job.resmax == 9.0
    assert ctf.form.job.input_star_mics == "Import/job001/micrographs.star"
    ctf.form.set(resmax=course.job("ctf").resmax)
    ctf.refresh()
    assert ctf.form.job.input_star_mics == "Import/job002/micrographs.star"


def test_jobs_made_elsewhere_are_shown(course):
    imported = StageView(course, "import")
    job = course.project.run(Import(fn_in_raw="a.mrc", is_multiframe=False, angpix=1.0))
    until(lambda: imported.form.directory == job)
    job.wait()
    anew = StageView(course, "import")
    assert anew.form is None  # what has ended is shown when asked for
    assert f"{job.name} is finished." in anew._told.value
    anew.show_form()
    assert anew.form.directory == job


def test_an_automatic_stage_has_run_when_its_cell_ends(course):
    from dataclasses import replace

    assert StageView(replace(course, automatic=True), "import").job.state == "finished"
    waiting = StageView(replace(course, automatic=True), "refine")
    assert "Refine waits for" in waiting._message.value


def test_there_is_nothing_to_look_at_before_a_job_has_ended(course):
    ctf = StageView(course, "ctf")
    assert ctf.labels == ("Fits", "Micrographs")
    with pytest.raises(JobStateError, match="Fits: there is nothing to show before estimate ctfs has ended"):
        ctf.look("Fits")
    with pytest.raises(ParameterError, match="shows Fits, Micrographs; not 'Maps'"):
        ctf.look("Maps")
    with pytest.raises(ParameterError, match="There is no stage 'polish'"):
        StageView(course, "polish")


def test_a_stage_picks_by_hand_with_the_links_of_a_jobs_page(tmp_path):
    project = make_project(tmp_path / "project")
    drawer = Drawer()
    picker = ways_of("by_hand")[0].make(project.job("CtfFind/job001"), drawer)
    picker._leads["fit"](NAMES[0])
    picker._leads["particles"](NAMES[0])
    assert [title for title, _ in drawer._opened]


def test_what_is_shown_is_of_stages_that_there_are():
    for name in STAGES:
        for way in ways_of(name):
            assert set(way.of) <= set(STAGES)
