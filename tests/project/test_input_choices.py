"""Which outputs fit a parameter: only those of its kind, the newest first, those of scheduled jobs too."""

from __future__ import annotations

import os
import time

import pytest

from relionlab.jobs import AutoPick, Class2D, Extract, Import, PostProcess, Select
from relionlab.project.input_choices import age_in_words, input_choices, matching_files, planned_outputs


@pytest.fixture
def filled(project):
    """A project with imported particles, a scheduled classification, and a scheduled selection from that."""
    (project.directory / "p.star").write_text("data_particles\nloop_\n_rlnImageName\n1@a.mrcs\n2@a.mrcs\n")
    kind = "Particles STAR file (.star)"
    imported = project.add(Import(do_raw=False, do_other=True, fn_in_other="p.star", node_type=kind), alias="first")
    (imported.path / "p.star").write_text((project.directory / "p.star").read_text())
    imported.set_state("finished")
    project.add(Class2D(fn_img="Import/job001/p.star"))
    return project


def choices(job_type, name, project):
    return input_choices(job_type.parameters()[name], project)


def test_outputs_are_listed_newest_job_first_with_what_is_known(filled):
    newest, oldest = choices(Class2D, "fn_img", filled)
    assert (newest.path, newest.state) == ("Class2D/job002/run_it025_data.star", "scheduled")
    assert newest.origin == "not made yet (scheduled)"
    assert (oldest.path, oldest.alias) == ("Import/job001/p.star", "first")
    assert oldest.origin == "first, just now"
    assert oldest.holds(filled.directory) == "2 particles"


def test_outputs_of_another_kind_are_not_offered(filled):
    assert choices(Extract, "star_mics", filled) == []
    assert [one.path for one in choices(Select, "fn_model", filled)] == ["Class2D/job002/run_it025_optimiser.star"]


def test_outputs_that_were_never_made_are_not_offered(filled):
    filled.job("job002").set_state("failed")
    assert [one.path for one in choices(Class2D, "fn_img", filled)] == ["Import/job001/p.star"]


def test_planned_outputs_are_those_of_jobs_that_wait(filled):
    assert "Class2D/job002/run_it025_data.star" in planned_outputs(filled)
    assert "Import/job001/p.star" not in planned_outputs(filled)


def test_a_job_can_be_scheduled_on_what_a_scheduled_job_will_make(filled):
    later = filled.add(Class2D(fn_img="Class2D/job002/run_it025_data.star"))
    assert later.state == "scheduled"


def test_raw_files_are_offered_as_wildcards_of_their_folder(project):
    for name in ("Movies/a.tiff", "Movies/b.tiff", "Movies/notes.txt", "Class2D/x.mrc", ".hidden/c.tiff"):
        path = project.directory / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [one.path for one in choices(Import, "fn_in_raw", project)] == ["Movies/*.tiff"]
    assert matching_files("*/*.{tif,tiff}", project.directory / "Movies") == [
        (f"{project.directory / 'Movies'}/*.tiff", "2 files")
    ]


def test_a_pattern_with_a_name_in_it_is_looked_for_in_jobs_a_bare_suffix_is_not(filled):
    for name in ("run_it003_optimiser.star", "run_it004_optimiser.star"):
        (filled.directory / "Class2D/job002" / name).touch()
    assert [one.path for one in choices(Class2D, "fn_cont", filled)] == [
        "Class2D/job002/run_it004_optimiser.star",
        "Class2D/job002/run_it003_optimiser.star",
    ]
    assert "Class2D/job002/run_it004_optimiser.star" not in {one.path for one in choices(PostProcess, "fn_mtf", filled)}


def test_names_that_stand_for_no_file_come_first(project):
    assert [one.path for one in choices(AutoPick, "fn_refs_autopick", project)] == ["gauss"]
    assert AutoPick(fn_refs_autopick="gauss", fn_input_autopick="m.star").inputs()[0].path == "m.star"
    assert len(AutoPick(fn_refs_autopick="gauss", fn_input_autopick="m.star").inputs()) == 1
    assert len(AutoPick(fn_refs_autopick="c.star", fn_input_autopick="m.star").inputs()) == 2


def test_ages_are_spoken():
    assert [age_in_words(s) for s in (3, 60, 150, 3600, 90_000, 200_000)] == [
        "just now",
        "1 minute ago",
        "2 minutes ago",
        "1 hour ago",
        "yesterday",
        "2 days ago",
    ]


def test_files_are_dated(filled):
    before = time.time() - 7300
    os.utime(filled.directory / "Import/job001/p.star", (before, before))
    assert choices(Class2D, "fn_img", filled)[-1].origin == "first, 2 hours ago"
