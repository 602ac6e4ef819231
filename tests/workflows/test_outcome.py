"""What came out of every kind of job: numbers, grade, words, and pictures that can be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.picture import Picture
from relionlab.io.images import write_map
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.workflows.outcome import Number, outcome
from tests.workflows.whole_project import whole_project


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    from relionlab.project import Project

    return whole_project(Project.create(tmp_path_factory.mktemp("whole") / "project"))


def number(found, what: str) -> float:
    return next(one.value for one in found.numbers if one.what == what)


@pytest.mark.parametrize(
    ("name", "what", "value"),
    [
        ("Import", "Movies", 3),
        ("MotionCorr", "Micrographs", 3),
        ("CtfFind", "Rings fit to, median", 5.0),
        ("AutoPick", "Particles", 16),
        ("Extract", "Particles", 16),
        ("Class2D", "Classes", 6),
        ("Select", "Particles before", 60),
        ("InitialModel", "Particles", 60),
        ("Class3D", "Class 2", 200 / 3),
        ("Refine3D", "Particles", 60),
        ("PostProcess", "B-factor", -120.0),
    ],
)
def test_numbers_are_those_of_the_files(jobs, name, what, value):
    assert number(outcome(jobs[name]), what) == pytest.approx(value)


@pytest.mark.parametrize(
    ("name", "grade"),
    [
        ("Import", "good"),
        ("MotionCorr", "good"),
        ("CtfFind", "doubtful"),  # one of three fits is chance
        ("AutoPick", "doubtful"),  # one of three micrographs has no pick
        ("Extract", "doubtful"),  # 48 Å boxes for particles of 40 Å
        ("Select", "good"),
        ("MaskCreate", "good"),
        ("PostProcess", "good"),
        ("LocalRes", "good"),
    ],
)
def test_grades_have_reasons(jobs, name, grade):
    found = outcome(jobs[name])
    assert found.grade == grade, found
    assert found.reason.endswith((".", "!"))
    assert grade == "good" or found.advice


def test_every_picture_can_be_drawn(jobs):
    drawn = 0
    for name in (
        "Import",
        "MotionCorr",
        "Extract",
        "Class2D",
        "Select",
        "Class3D",
        "Refine3D",
        "MaskCreate",
        "PostProcess",
        "LocalRes",
    ):
        for shown in outcome(jobs[name]).pictures:
            assert isinstance(shown.make(), Picture), (name, shown.title)
            drawn += 1
    assert drawn >= 20


def test_files_alone_are_enough(jobs, tmp_path):
    import shutil

    copy = tmp_path / "Refine3D" / "job011"
    shutil.copytree(jobs["Refine3D"].path, copy)
    alone, within = outcome(copy), outcome(jobs["Refine3D"])
    assert alone.numbers == within.numbers
    assert alone.reason == within.reason


def test_failed_jobs_say_why(project):
    from relionlab.jobs import Import

    job = project.add(Import())
    assert outcome(job).headline == "Not run yet"
    (job.path / "run.err").write_text("ERROR: the disk is full\n")
    job.mark("failed")
    found = outcome(job)
    assert (found.grade, found.headline) == ("bad", "Failed")


def test_unreadable_results_are_said_and_not_raised(project):
    from relionlab.jobs import Import

    job = project.add(Import())
    job.mark("finished")
    found = outcome(job)
    assert found.grade == "doubtful"
    assert "movies.star" in found.reason


def test_stopped_jobs_keep_what_is_done(project):
    from relionlab.jobs import Import, MotionCorr

    project.add(Import())
    job = project.add(MotionCorr(input_star_mics="Import/job001/movies.star"))
    (job.path / "Movies").mkdir()
    (job.path / "Movies" / "a.star").touch()
    job.mark("aborted")
    found = outcome(job)
    assert found.headline == "1 micrographs done"
    assert "Continue" in found.advice


@pytest.mark.parametrize(
    ("mask", "word"),
    [(np.zeros((8, 8, 8)), "empty"), (np.ones((8, 8, 8)), "edge of the box"), ("cube", "hard")],
)
def test_masks_are_told_apart(jobs, tmp_path, mask, word):
    if isinstance(mask, str):
        mask = np.zeros((32, 32, 32))
        mask[10:22, 10:22, 10:22] = 1
    place = tmp_path / "MaskCreate" / "job001"
    place.mkdir(parents=True)
    write_map(place / "mask.mrc", mask.astype(np.float32), pixel_size=1.0)
    assert word in outcome(place).reason


def test_a_leaking_mask_is_doubtful(jobs, tmp_path):
    tables = read_star(jobs["PostProcess"].path / "postprocess.star")
    shells = tables["fsc"].with_columns(rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps=np.full(13, 0.4))
    place = tmp_path / "PostProcess" / "job001"
    place.mkdir(parents=True)
    write_star(place / "postprocess.star", [tables["general"], shells.renamed("fsc")])
    found = outcome(place)
    assert found.grade == "doubtful"
    assert "softer" in found.advice


def test_numbers_are_written_with_their_units():
    assert str(Number("Resolution", 6.894, "Å")) == "6.89 Å"
    assert str(Number("Particles", 100000)) == "100,000"
    assert str(Number("Accuracy", 0.5, "°")) == "0.5°"
    assert str(Number("Volume", 3391.4, "nm³")) == "3,391 nm³"
    assert str(Number("Unknown", float("nan"), "Å")) == "–"


def test_picking_by_hand_that_has_just_begun_says_what_to_do(tmp_path):
    from relionlab.jobs import ManualPick
    from relionlab.project import Project

    (tmp_path / "mics.star").touch()
    job = Project.create(tmp_path).add(ManualPick(fn_in="mics.star"))
    job.mark("finished")
    found = outcome(job)
    assert (found.headline, found.grade) == ("No picks yet", "doubtful")
    assert "click on particles" in found.advice
    write_star(job.path / "mic1_manualpick.star", [Table({"rlnCoordinateX": [5.0, 6.0], "rlnCoordinateY": [7.0, 8.0]})])
    assert number(outcome(job), "Particles") == 2
