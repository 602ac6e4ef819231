"""A choice made by eye becomes a Select job, in RELION's files."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import ParameterError
from relionlab.io.star import read_star
from relionlab.workflows.selections import ranges, save_selection, selection_job
from tests.linked_project import make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_project(tmp_path_factory.mktemp("selections") / "project")


def test_particles_are_kept(project):
    chosen = np.zeros(60, dtype=bool)
    chosen[[3, 4, 41]] = True
    job = save_selection(project, "Extract/job002/particles.star", chosen, what="particles")
    assert job.wait() == "finished", job.message
    assert read_star(job.path / "backup_selection.star")[""]["rlnSelected"].tolist() == chosen.astype(int).tolist()
    kept = read_star(job.path / "particles.star")
    assert "optics" in kept
    names = read_star(project.directory / "Extract/job002/particles.star")["particles"]["rlnImageName"]
    assert kept["particles"]["rlnImageName"].tolist() == names[chosen].tolist()
    assert [node.path for node in job.inputs] == ["Extract/job002/particles.star"]


def test_micrographs_are_kept(project):
    source = project.directory / "CtfFind/job001/micrographs_ctf.star"
    job = save_selection(project, source, np.array([True, False, True]), what="micrographs")
    assert job.wait() == "finished", job.message
    assert read_star(job.path / "micrographs.star")["micrographs"]["rlnDefocusU"].tolist() == [9000.0, 12000.0]


def test_a_choice_too_long_for_a_field_stands_in_the_file(project):
    chosen = np.random.default_rng(1).random(60) < 0.5
    many = np.tile(chosen, 400)
    assert selection_job("x.star", many, what="particles").classes == "backup_selection.star"
    job = project.add(
        selection_job("Extract/job002/particles.star", chosen, what="particles").changed(
            classes="backup_selection.star"
        )
    )
    (job.path / "backup_selection.star").write_text(
        "data_\n\nloop_\n_rlnSelected #1\n" + "".join(f"{int(c)}\n" for c in chosen)
    )
    assert job.start().wait() == "finished", job.message
    assert len(read_star(job.path / "particles.star")["particles"]) == chosen.sum()


def test_a_file_that_does_not_fit_is_refused(project):
    job = project.add(
        selection_job("Extract/job002/particles.star", np.ones(60, bool), what="particles").changed(
            classes="backup_selection.star"
        )
    )
    assert job.start().wait() == "failed"
    assert "choose in the gallery" in job.message
    with pytest.raises(ParameterError, match="Nothing is chosen"):
        selection_job("x.star", np.zeros(5, dtype=bool), what="classes")


@pytest.mark.parametrize(
    ("numbers", "text"), [([1], "1"), ([1, 2, 3], "1-3"), ([1, 3, 5, 6, 7, 9], "1,3,5-7,9"), ([], "")]
)
def test_ranges(numbers, text):
    assert ranges(numbers) == text
