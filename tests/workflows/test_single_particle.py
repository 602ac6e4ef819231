"""The whole workflow asked backwards: which job comes in a stage, with which values, and what it waits for."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import JobStateError, ParameterError
from relionlab.io.images import write_stack
from relionlab.jobs import AutoPick, Class2D, Class3D, Import, InitialModel, MotionCorr, Refine3D, Select
from relionlab.project import Project
from relionlab.workflows.next_jobs import next_jobs
from relionlab.workflows.single_particle import single_particle
from relionlab.workflows.single_particle_stages import STAGES
from relionlab.workflows.suggested import suggested
from tests.workflows.whole_project import whole_project


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    return whole_project(Project.create(tmp_path_factory.mktemp("whole") / "project"))


@pytest.fixture(scope="module")
def whole(jobs) -> Project:
    return jobs["Import"].project


def test_a_suggested_job_is_that_of_the_newest_job_that_it_follows(jobs, whole):
    assert suggested(whole, Class2D, after=("Extract",)) == next_jobs(jobs["Extract"])[0].job
    picks = suggested(whole, AutoPick, by_templates=True)
    assert picks.fn_refs_autopick.startswith(jobs["Select"].name)
    assert not suggested(whole, AutoPick, by_templates=False).fn_refs_autopick
    assert suggested(whole, Select, after=("Class3D",)).fn_model.startswith(jobs["Class3D"].name)


def test_without_such_a_job_the_newest_files_that_fit_are_taken(whole):
    made = suggested(whole, Class3D, after=("MotionCorr",))
    assert (whole.directory / made.fn_img).exists()
    assert (whole.directory / made.fn_ref).exists()


def test_an_empty_project_leaves_inputs_empty(tmp_path):
    project = Project.create(tmp_path)
    for stage in STAGES.values():
        assert isinstance(suggested(project, stage.job), stage.job)
    assert suggested(project, Class2D) == Class2D()


@pytest.mark.parametrize("name", STAGES)
def test_stages_find_their_jobs_by_what_these_were_made_of(jobs, whole, name):
    found = single_particle(whole.directory).done(name)
    expected = {"select_maps": "Select3D", "refine": "Refine3D", "select": "Select", "by_hand": None}
    key = expected.get(name, STAGES[name].job.folder)
    if STAGES[name].by_templates:
        key = None
    assert found == (jobs[key] if key is not None else None)


def test_a_new_project_says_stage_by_stage_what_is_missing(tmp_path):
    course = single_particle(tmp_path / "new")
    missing = {name: course.waits_for(name) for name in STAGES}
    assert all(missing.values())
    assert missing["motion"] == "movies: import them first"
    with pytest.raises(JobStateError, match="Refine waits for a map and particles"):
        course.run("refine")
    with pytest.raises(ParameterError, match="There is no stage 'polish'; expected one of import, motion"):
        course.job("polish")
    assert course.project.jobs() == []


def test_what_the_user_knows_goes_into_the_first_jobs_that_ask_for_it(tmp_path):
    (tmp_path / "Movies").mkdir()
    write_stack(tmp_path / "Movies" / "a.mrcs", np.zeros((4, 300, 280), np.float32), pixel_size=1.0)
    course = single_particle(
        tmp_path,
        images="Movies/*.mrcs",
        pixel_size=0.9,
        voltage=200,
        aberration=1.4,
        dose=1.3,
        diameter=120,
        symmetry="D2",
    )
    assert course.kind == "movies"
    brought = course.job("import")
    assert isinstance(brought, Import)
    assert (brought.fn_in_raw, brought.angpix, brought.kv, brought.cs) == ("Movies/*.mrcs", 0.9, 200, 1.4)
    motion = course.job("motion")
    assert isinstance(motion, MotionCorr)
    assert (motion.do_dose_weighting, motion.dose_per_frame) == (True, 1.3)
    assert course.job("by_hand").diameter == 120
    assert course.job("class2d").particle_diameter == 132
    first, refined = course.job("initial_model"), course.job("refine")
    assert isinstance(first, InitialModel)
    assert isinstance(refined, Refine3D)
    assert (first.sym_name, first.do_run_c1, refined.sym_name) == ("D2", True, "D2")


def test_values_of_jobs_before_win_over_those_of_the_beginning(jobs, whole):
    course = single_particle(whole.directory, diameter=300, symmetry="O")
    assert (
        course.job("class2d").particle_diameter == next_jobs(jobs["Extract"])[0].job.particle_diameter == 46.0
    )  # what the box allows
    assert course.job("refine").sym_name == "D2"


def test_images_are_what_lies_in_the_folder(tmp_path):
    write_stack(tmp_path / "one.mrc", np.zeros((1, 300, 280), np.float32), pixel_size=1.0)
    write_stack(tmp_path / "two.mrc", np.zeros((1, 300, 280), np.float32), pixel_size=1.0)
    course = single_particle(tmp_path)
    assert (course.images, course.kind) == ("*.mrc", "micrographs")
    assert not course.needs("motion")
    assert course.needs("ctf")
    assert single_particle(tmp_path, images="particles.star").kind == "particles"
    assert course.waits_for("import") == ""


def test_a_stage_is_run_once(tmp_path):
    for name in ("a", "b"):
        write_stack(tmp_path / f"{name}.mrc", np.zeros((1, 300, 280), np.float32), pixel_size=1.0)
    course = single_particle(tmp_path, pixel_size=1.0)
    first = course.run("import")
    assert first.state == "finished"
    assert course.run("import") == first
    assert course.waits_for("ctf") == ""
    assert course.job("ctf").input_star_mics == "Import/job001/micrographs.star"
