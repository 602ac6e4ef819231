"""Pictures of movies' motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.display.logfile import pictures, write_logfile
from relionlab.display.motion import motion_track
from relionlab.display.plots import plots_of
from relionlab.io.motion import Motion, write_motion
from relionlab.io.star import write_star
from relionlab.io.table import Table


def some_job(directory: Path, count: int = 3) -> Path:
    job = directory / "MotionCorr/job002"
    (job / "Movies").mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = [f"MotionCorr/job002/Movies/m{n}" for n in range(count)]
    for n, name in enumerate(names):
        shifts = np.cumsum(rng.normal(size=(8, 2)), axis=0)
        local = n > 0
        motion = Motion(
            f"Movies/m{n}.tiff", (8, 400, 500), shifts - shifts[0], 1.2, rng.normal(size=(2, 6, 3)) * 0.01 if local else None,
            patches=np.array([[100.0, 100], [300, 300]]) if local else None, patch_frames=np.arange(1, 9),
            patch_shifts=rng.normal(size=(2, 8, 2)) if local else np.zeros((0, 0, 2)),
        )  # fmt: skip
        write_motion(directory / f"{name}.star", motion)
    optics = Table({"rlnOpticsGroupName": ["g"], "rlnOpticsGroup": [1], "rlnMicrographPixelSize": [1.2]}, "optics")
    rows = {
        "rlnMicrographName": [f"{name}.mrc" for name in names], "rlnMicrographMetadata": [f"{name}.star" for name in names],
        "rlnOpticsGroup": [1] * count, "rlnAccumMotionTotal": [3.0 + 6 * (n % 2) + n for n in range(count)], "rlnAccumMotionEarly": [1.0] * count,
        "rlnAccumMotionLate": [2.0 + 6 * (n % 2) + n for n in range(count)],
    }  # fmt: skip
    write_star(job / "corrected_micrographs.star", [optics, Table(rows, "micrographs")])
    return job


def test_a_job_has_totals_and_sheets_of_tracks(tmp_path: Path):
    job = some_job(tmp_path, 14)
    titles = [picture.title for picture in pictures(job)]
    assert titles == [
        "Motion of all movies",
        "Tracks 1 to 12 of 14, longest first",
        "Tracks 13 to 14 of 14, longest first",
    ]
    assert write_logfile(job) == job / "logfile.pdf"
    assert (job / "logfile.pdf").stat().st_size > 5000


def test_tracks_are_plotted_movie_by_movie(tmp_path: Path):
    track, totals = plots_of(some_job(tmp_path))
    assert len(track.members) == 3
    assert track.draw(1)[0].title == track.members[1]
    assert totals.draw(0)[0].title == "Motion of all movies"


def test_nothing_is_drawn_again_that_is_drawn(tmp_path: Path):
    job = some_job(tmp_path)
    write_logfile(job)
    drawn = (job / "logfile.pdf").stat().st_mtime_ns
    write_logfile(job)
    assert (job / "logfile.pdf").stat().st_mtime_ns == drawn
    listed = job / "corrected_micrographs.star"
    listed.write_text(listed.read_text())
    write_logfile(job)
    assert (job / "logfile.pdf").stat().st_mtime_ns > drawn


def test_a_damaged_movie_does_not_hide_the_others(tmp_path: Path):
    job = some_job(tmp_path)
    (job / "Movies/m1.star").write_text("data_general\n")
    assert [picture.title for picture in pictures(job)] == ["Motion of all movies", "Tracks 1 to 2 of 3, longest first"]


def test_real_motion_is_drawn(shared_data: Path):
    job = shared_data / "relion31_tutorial_meta/MotionCorr/job002"
    picture = motion_track(job / "Movies/20170629_00021_frameImage.star")
    assert "16.4 px" in picture.caption
