"""What a folder holds is found, and leads to an Import job; practice data are simulated beside the kernel."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ParameterError
from relionlab.io.images import write_image, write_stack
from relionlab.project import Project
from relionlab.workflows.found_data import found_data, import_job, relion_projects
from relionlab.workflows.headline import rows_in
from relionlab.workflows.practice import KINDS, Practice, make_practice, start_practice

STAR = "data_particles\n\nloop_\n_rlnImageName #1\n_rlnDefocusU #2\n1@a.mrcs 1\n2@a.mrcs 1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("Movies", "Mics", "Class2D/job001", "References"):
        (tmp_path / name).mkdir(parents=True)
    frames = np.zeros((3, 256, 256), np.float32)
    for number in range(2):
        write_stack(tmp_path / f"Movies/movie{number}.mrcs", frames, pixel_size=1.25)
    for number in range(5):
        write_image(tmp_path / f"Mics/mic{number}.mrc", frames[0], pixel_size=0.885)
    write_image(tmp_path / "gain.mrc", frames[0], pixel_size=1)
    write_image(tmp_path / "References/small.mrc", frames[0, :64, :64], pixel_size=1)
    (tmp_path / "shiny.star").write_text(STAR)
    (tmp_path / "Class2D/job001/particles.star").write_text(STAR)
    (tmp_path / "Class2D/alias").symlink_to("job001")
    return tmp_path


def test_finds_movies_micrographs_and_particles_but_no_results_of_jobs(folder: Path):
    found = {data.kind: data for data in found_data(folder)}
    assert (found["movies"].pattern, found["movies"].count, found["movies"].frames) == ("Movies/*.mrcs", 2, 3)
    assert (found["micrographs"].pattern, found["micrographs"].count) == ("Mics/*.mrc", 5)
    assert (found["particles"].pattern, found["particles"].count) == ("shiny.star", 2)
    assert len(found_data(folder)) == 3


def test_leads_to_an_import_job_that_is_filled_in(folder: Path):
    movies, particles = import_job("movies", folder), import_job("particles", folder)
    assert (movies.fn_in_raw, movies.is_multiframe, movies.angpix) == ("Movies/*.mrcs", True, 1.25)
    assert not import_job("micrographs", folder).is_multiframe
    assert (particles.do_raw, particles.do_other, particles.fn_in_other) == (False, True, "shiny.star")
    assert all(job.problems() == [] for job in (movies, particles))


def test_empty_folder_leads_to_a_form_that_asks(tmp_path: Path):
    assert found_data(tmp_path) == []
    for kind in ("movies", "micrographs", "particles"):
        assert import_job(kind, tmp_path).problems() == []


def test_damaged_files_are_passed_over(tmp_path: Path):
    (tmp_path / "broken.mrc").write_bytes(b"no image")
    (tmp_path / "broken.star").write_bytes(b"\x00\xff_rlnImageName data_particles")
    assert [data for data in found_data(tmp_path) if data.count] == []


def test_finds_projects_near_by(tmp_path: Path):
    Project.create(tmp_path / "one")
    Project.create(tmp_path / "deep" / "two")
    assert relion_projects(tmp_path) == [tmp_path / "one", tmp_path / "deep" / "two"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (STAR, 2),
        ("data_\n\nloop_ \n_a #1 \n  x \n\n  y \n z\n\n# version 3\n\ndata_next\n_b 1\n", 3),
        ("data_\n_only 1\n", 0),
        ("data_\nloop_\n_a\n", 0),
    ],
)
def test_rows_are_counted_without_parsing(tmp_path: Path, text: str, count: int):
    (tmp_path / "table.star").write_text(text)
    assert rows_in(tmp_path / "table.star") == count


def test_practice_particles_are_made_by_a_process_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    project = Project.create(tmp_path)
    practice = start_practice(project, "particles")
    practice.wait(200)
    assert practice.job().problems() == []
    assert rows_in(tmp_path / practice.job().fn_in_other) == 2000
    assert start_practice(project, "particles").done  # not made again


@pytest.mark.parametrize("kind", ["micrographs", "movies"])
def test_practice_exposures_tell_their_optics(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("relionlab.workflows.practice._COUNT", 1)
    practice = Practice(Project.create(tmp_path), kind)
    practice.directory.mkdir(parents=True)
    make_practice(practice)
    job = practice.job()
    assert len(list(tmp_path.glob(job.fn_in_raw))) == 1
    assert (job.is_multiframe, job.angpix) == (kind == "movies", 2.0)


def test_practice_that_died_is_said(tmp_path: Path):
    practice = Practice(Project.create(tmp_path), "particles")
    practice.directory.mkdir(parents=True)
    gone = {"pid": 999_999_999, "host": socket.gethostname(), "started": 0, "since": 0}
    (practice.directory / ".process.json").write_text(json.dumps(gone))
    assert "without a word" in practice.failed
    with pytest.raises(ParameterError, match=next(iter(KINDS))):
        start_practice(practice.project, "tomograms")
