"""The course of a run as columns of charts, and the results of single micrographs."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.class_tiles import four_of, read_class_tiles
from relionlab.display.live_charts import bars
from relionlab.display.live_course import course_columns, course_figure, curve_columns, curve_figure, read_point
from relionlab.display.newest.kinds import KINDS
from relionlab.jobs.refinement.rounds import rounds
from tests.display.runs3d import write_run
from tests.workflows.whole_project import whole_project


def test_points_tell_what_the_files_do(tmp_path):
    path = write_run(tmp_path / "Class3D" / "job001", kind="Class3D", classes=3)
    points = [read_point(one) for one in rounds(path)]
    columns = course_columns(points)
    assert columns["iteration"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(columns["resolution"], [40, 20, 40 / 3, 10])
    assert np.isnan(columns["changed"][0]) or columns["changed"][0] == 100
    np.testing.assert_allclose(columns["changed"][1:], [30, 15, 10])
    np.testing.assert_allclose(columns["size0"], 50)  # the largest of shares 1/6, 1/3, 1/2
    assert np.isnan(columns["size3"]).all()
    figure = course_figure(three=True, several=True)
    assert set(columns) == set(figure.select_one({"name": "course"}).data)


def test_curves_of_half_maps_and_of_others(tmp_path):
    halves = [read_point(one) for one in rounds(write_run(tmp_path / "Refine3D" / "job001", kind="Refine3D"))]
    assert not halves[0].halves
    assert all(point.halves for point in halves[1:])
    assert [point.iteration for point in halves] == [0, 1, 2, 3, 4]
    drawn = curve_columns([point for point in halves if point.halves])
    assert np.isnan(drawn["newest"][0][-1])  # lines do not run into each other
    assert len(drawn["before"][0]) > len(drawn["first"][0])
    for kind in (True, False):
        assert curve_figure(halves=kind).select_one({"name": "newest"}) is not None


def test_maps_are_shown_as_squares_of_four(tmp_path):
    path = write_run(tmp_path / "Class3D" / "job001", kind="Class3D", classes=2)
    found = read_class_tiles(rounds(path)[-1])
    assert found.images.shape == (2, 48, 48)
    assert found.share.tolist() == pytest.approx([1 / 3, 2 / 3])
    halves = read_class_tiles(rounds(write_run(tmp_path / "Refine3D" / "job002", kind="Refine3D"))[-2])
    assert (halves.what, len(halves)) == ("Half-maps", 2)


def test_the_quarters_are_slices_and_a_projection():
    volume = np.zeros((8, 8, 8), np.float32)
    volume[4, 1, 2] = 1  # z, y, x
    square = four_of(volume)
    assert square[1, 2] > square[6, 6]  # slice along z: y down, x right
    assert square[8 + 1, 8 + 2] > square[8 + 6, 8 + 6]  # projection along z


def test_histograms_count_what_is_known():
    found = bars(np.array([1.0, 2.0, np.nan, 2.0]))
    assert found["top"].sum() == 3
    assert bars(np.array([np.nan]))["top"].size == 0
    assert bars(np.array([5.0]))["top"].sum() == 1


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    from relionlab.project import Project

    return whole_project(Project.create(tmp_path_factory.mktemp("whole") / "project"))


def test_motion_of_one_movie(jobs):
    kind = KINDS["MotionCorr"]
    path = jobs["MotionCorr"].path / "Movies" / "b.star"
    found = kind.values(path)
    assert found["way"][0] == pytest.approx(7 * 0.6 * np.sqrt(2))
    assert found["drift"][0] == pytest.approx(found["way"][0])
    result = kind.result(path)
    assert result.image.startswith(b"\x89PNG")
    assert result.chart is not None


def test_picks_of_one_micrograph(jobs):
    kind = KINDS["AutoPick"]
    path = jobs["AutoPick"].path / "Movies" / "a_autopick.star"
    assert kind.values(path)["count"][0] == 9
    assert len(kind.values(path)["fom"]) == 9
    result = kind.result(path)
    assert "circles of 40 Å" in result.caption
    assert result.image.startswith(b"\x89PNG")


def test_particles_of_one_micrograph(jobs):
    kind = KINDS["Extract"]
    path = jobs["Extract"].path / "Movies" / "a.mrcs"
    assert kind.values(path)["count"][0] == 16
    assert "16 particles in boxes of 12 px of 4 Å" in kind.result(path).caption


def test_ctf_of_one_micrograph(tmp_path):
    kind = KINDS["CtfFind"]
    path = tmp_path / "mic_ctffind4.log"
    path.write_text(
        "Estimated defocus values        : 15409.11 , 15399.97 Angstroms\nEstimated azimuth of astigmatism: 47.50 degrees\n"
        "Estimated phase shift           : 0.00 degrees\nScore                           : 0.31719\n"
        "Thon rings with good fit up to  : 3.17 Angstroms\nPixel size for fitting          : 1.5 Angstroms\n"
    )
    found = kind.values(path)
    assert found["limit"][0] == 3.17
    assert found["defocus"][0] == pytest.approx(1.540454)
    assert "rings fit to 3.2 Å" in kind.result(path).caption
