"""Coordinates of every picker are read and written, and found for each micrograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relionlab.errors import InputError, StarError
from relionlab.io.coordinate_files import (
    CoordinateFiles,
    read_coordinate_files,
    write_coordinate_list,
    write_coords_suffix,
)
from relionlab.io.coordinates import read_coordinates, write_coordinates
from relionlab.io.table import Table


def places(table: Table) -> list[tuple[float, float]]:
    return list(zip(table["rlnCoordinateX"].tolist(), table["rlnCoordinateY"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.box", "50\t40\t20\t20\t0.5\n10 20 21 21\n-3 -4 20 20\n", [(60, 50), (20, 30), (7, 6)]),
        ("a.pik", " x y density\n 50 40 100.0\n 12.6 20.2 50\n", [(50, 40), (12.6, 20.2)]),
        ("a.coords", "x y density\n50 40 1\n", [(50, 40)]),
        ("a.pos", "# <X position> <Y position>\n 50 40\n 12 20\n", [(50, 40), (12, 20)]),
        ("a.pos", ("# XMIPP_STAR_1 *\ndata_header\nloop_\n _state\nManual\ndata_particles\nloop_\n _enabled\n _xcoor\n _ycoor\n"
         " 1 50 40\n -1 3 3\n 1 12 20\n"), [(50, 40), (12, 20)]),
        ("a.txt", "50, 40\n\n12 20 # noted\n", [(50, 40), (12, 20)]),
        ("a.star", "data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1.5 2.5\n", [(1.5, 2.5)]),
        ("a.star", "data_\n", []),
        ("a.star", "", []),
        ("a.box", "", []),
    ],
)  # fmt: skip
def test_every_format_is_read(tmp_path: Path, name: str, text: str, expected: list):
    (tmp_path / name).write_text(text)
    assert places(read_coordinates(tmp_path / name)) == expected


@pytest.mark.parametrize("ending", [".star", ".box", ".pos", ".pik", ".coords", ".txt"])
@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(-50, 9000), st.integers(-50, 9000)), max_size=8))
def test_what_is_written_is_read_again(tmp_path_factory, ending: str, points: list):
    path = tmp_path_factory.mktemp("coordinates") / f"mic{ending}"
    x, y = (np.array([point[axis] for point in points], dtype=float) for axis in (0, 1))
    table = Table({"rlnCoordinateX": x, "rlnCoordinateY": y, "rlnAutopickFigureOfMerit": x / 7})
    write_coordinates(path, table, box=181)
    again = read_coordinates(path)
    assert places(again) == places(table)
    if ending in (".star", ".box") and points:
        np.testing.assert_allclose(again["rlnAutopickFigureOfMerit"], x / 7)


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("a.star", "data_\nloop_\n_rlnImageName\nx\n", StarError, "rlnCoordinateX.*rlnImageName"),
        ("a.box", "1 2 30 30\n1 2 3\n", InputError, "line 2.*width height"),
        ("a.box", "1 2 0 0\n", InputError, "0 px"),
        ("a.txt", "x y\n1 2\nthree four\n", InputError, "line 3.*two numbers"),
        ("b.box", None, InputError, "does not exist"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(tmp_path: Path, name: str, text, error, message: str):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        read_coordinates(tmp_path / name)


def test_endings_that_cannot_be_written(tmp_path: Path):
    table = Table({"rlnCoordinateX": [1.0], "rlnCoordinateY": [2.0]})
    with pytest.raises(InputError, match=r"\.cbox"):
        write_coordinates(tmp_path / "a.cbox", table)
    with pytest.raises(InputError, match="side in px"):
        write_coordinates(tmp_path / "a.box", table)


def test_files_are_looked_up_below_the_job_or_beside_the_micrograph():
    files = CoordinateFiles("AutoPick/job006/", "_autopick.star")
    assert files.path_of("MotionCorr/job002/Movies/a.mrc") == "AutoPick/job006/Movies/a_autopick.star"
    assert CoordinateFiles(suffix=".box").path_of("MotionCorr/job002/Movies/a.mrc") == "MotionCorr/job002/Movies/a.box"


def test_nodes_of_both_kinds(tmp_path: Path):
    write_coords_suffix(tmp_path / "AutoPick/job006/coords_suffix_autopick.star", "CtfFind/job003/micrographs_ctf.star")
    found = read_coordinate_files("AutoPick/job006/coords_suffix_autopick.star", directory=tmp_path)
    assert (found.directory, found.suffix) == ("AutoPick/job006/", "_autopick.star")
    assert found.micrographs == "CtfFind/job003/micrographs_ctf.star"
    write_coordinate_list(tmp_path / "autopick.star", [("MotionCorr/job002/Movies/a.mrc", "AutoPick/job008/a.star")])
    found = read_coordinate_files("autopick.star", directory=tmp_path)
    assert found.path_of("MotionCorr/job002/Movies/a.mrc") == "AutoPick/job008/a.star"
    assert found.path_of("MotionCorr/job009/Movies/a.mrc") == "AutoPick/job008/a.star"
    assert found.path_of("Movies/b.mrc") is None
    (tmp_path / "wrong.star").write_text("data_\nloop_\n_rlnImageName\nx\n")
    with pytest.raises(StarError, match="tells no coordinate files"):
        read_coordinate_files("wrong.star", directory=tmp_path)


def test_real_picks_of_other_programs(shared_data: Path, tmp_path: Path):
    """REPIC's .box files of crYOLO, DeepPicker and Topaz keep every particle and score: written again they are the same bytes."""
    files = sorted((shared_data / "picks_10017_repic").rglob("*.box"))
    assert len(files) >= 36
    for path in files:
        table = read_coordinates(path)
        rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
        assert len(table) == len(rows)
        assert "rlnAutopickFigureOfMerit" in table
        write_coordinates(tmp_path / "again.box", table, box=int(rows[0][2]))
        assert (tmp_path / "again.box").read_bytes() == path.read_bytes()


def test_real_picks_of_relion_5(shared_data: Path, tmp_path: Path):
    folder = shared_data / "empiar10204_betagal_relion5"
    files = read_coordinate_files("AutoPick/job008/autopick.star", directory=folder)
    total = 0
    for name in files.listed:
        table = read_coordinates(folder / files.path_of(name))
        total += len(table)
        write_coordinates(tmp_path / "again.star", table)
        assert read_coordinates(tmp_path / "again.star") == table
    assert total == 2374


def test_movies_named_as_in_relion_2_have_the_coordinates_of_their_micrograph(tmp_path):
    files = CoordinateFiles("AutoPick/job006/", "_autopick.star")
    name, folder = "MotionCorr/job002/Movies/mic001_movie.mrc", tmp_path / "AutoPick/job006/Movies"
    own, other = "AutoPick/job006/Movies/mic001_movie_autopick.star", "AutoPick/job006/Movies/mic001_autopick.star"
    assert files.path_of(name, project=tmp_path) == own
    folder.mkdir(parents=True)
    (tmp_path / other).touch()
    assert files.path_of(name, project=tmp_path) == other
    assert files.path_of(name) == own
    (tmp_path / own).touch()
    assert files.path_of(name, project=tmp_path) == own
