"""What usually follows every kind of job: jobs that can be run as they are, with values of the project."""

from __future__ import annotations

import pytest

from relionlab.io.star import read_star, write_star
from relionlab.workflows.next_jobs import MAY_FOLLOW, MOST, next_jobs
from relionlab.workflows.sizes_used import diameter_used, mask_used, symmetry_used
from tests.workflows.whole_project import whole_project


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    from relionlab.project import Project

    return whole_project(Project.create(tmp_path_factory.mktemp("whole") / "project"))


@pytest.mark.parametrize(
    ("name", "follow"),
    [
        ("Import", ["MotionCorr"]),
        ("MotionCorr", ["CtfFind"]),
        ("CtfFind", ["Select", "AutoPick", "AutoPick"]),
        ("AutoPick", ["Extract"]),
        ("Extract", ["Class2D"]),
        ("Class2D", ["Select"]),
        ("Select", ["AutoPick", "InitialModel", "Class2D"]),
        ("InitialModel", ["Class3D", "Refine3D"]),
        ("Class3D", ["Refine3D", "Select"]),
        ("Select3D", ["Refine3D", "Extract", "Class3D"]),
        ("Refine3D", ["MaskCreate", "PostProcess"]),
        ("MaskCreate", ["PostProcess", "Refine3D"]),
        ("PostProcess", ["LocalRes"]),
        ("LocalRes", ["Class3D"]),
    ],
)
def test_the_tutorial_goes_on(jobs, name, follow):
    found = next_jobs(jobs[name])
    assert [type(one.job).__name__ for one in found] == follow
    assert 1 <= len(found) <= MOST


def test_every_suggestion_can_be_run(jobs):
    for name, directory in jobs.items():
        for one in next_jobs(directory):
            assert one.job.problems() == [], (name, one)
            assert one.reason.endswith(".")
            assert one.job.folder in MAY_FOLLOW[directory.name.partition("/")[0]], (name, one)
            lost = [node.path for node in one.job.inputs() if not (directory.project.directory / node.path).exists()]
            assert lost == [], (name, lost)


def test_values_used_before_are_taken_over(jobs):
    blobs = jobs["AutoPick"]
    assert diameter_used(blobs) == 40.0
    assert mask_used(jobs["Select"]) == 60.0
    assert symmetry_used(jobs["InitialModel"]) == "D2"
    assert next_jobs(jobs["InitialModel"])[1].job.sym_name == "D2"
    extract = next_jobs(blobs)[0].job
    assert extract.extract_size * 2.0 >= 1.5 * 40.0  # px of 2 Å: half as much again as the particle


def test_masks_stay_within_the_box(jobs):
    assert next_jobs(jobs["Extract"])[0].job.particle_diameter <= 48.0


def test_without_history_a_usual_size_is_offered(project):
    from relionlab.jobs import CtfFind, Import
    from tests.workflows import whole_project as made

    first = project.add(Import(is_multiframe=False))
    made._ctfs(first.path)
    (first.path / "micrographs_ctf.star").rename(first.path / "micrographs.star")
    first.mark("finished")
    job = project.add(CtfFind(input_star_mics="Import/job001/micrographs.star"))
    made._ctfs(job.path)
    star = job.path / "micrographs_ctf.star"
    tables = read_star(star)
    write_star(star, [tables["optics"], tables["micrographs"].with_columns(rlnCtfMaxResolution=[4.0, 4.0, 4.0])])
    job.mark("finished")
    labels = [one.label for one in next_jobs(job)]
    assert labels == ["Pick by size", "Pick by hand"]
    assert "diameter" in next_jobs(job)[0].reason


def test_results_that_cannot_be_read_have_no_followers(project):
    from relionlab.jobs import Import

    job = project.add(Import())
    job.mark("finished")
    assert next_jobs(job) == ()


def test_nothing_is_extracted_before_a_pick_was_made(tmp_path):
    from relionlab.io.coordinates import X, Y, write_coordinates
    from relionlab.io.table import Table
    from relionlab.jobs import ManualPick
    from relionlab.project import Project

    project = Project.create(tmp_path / "project")
    whole_project(project)
    micrographs = "CtfFind/job003/micrographs_ctf.star"
    made = project.add(ManualPick(fn_in=micrographs))
    (made.path / "coords_suffix_manualpick.star").write_text(f"{micrographs}\n")
    made.mark("finished")
    assert [type(one.job).__name__ for one in next_jobs(made)] == ["AutoPick"]
    file = made.path / "Movies/a_manualpick.star"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_coordinates(file, Table({X: [20.0], Y: [30.0]}))
    assert [type(one.job).__name__ for one in next_jobs(made)] == ["Extract", "AutoPick"]
