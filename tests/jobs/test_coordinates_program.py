"""The program that turns coordinate files into other formats."""

from __future__ import annotations

import pytest

from relionlab.errors import InputError, ParameterError
from relionlab.io.coordinates import read_coordinates, write_coordinates
from relionlab.io.table import Table
from relionlab.jobs.picking.coordinates_program import Coordinates

PLACES = {"m0": ([100.0, 210.5], [40.0, 61.0]), "m1": ([7.0], [9.0]), "empty": ([], [])}


@pytest.fixture
def picked(here):
    """Coordinates of three micrographs, one of them without particles."""
    for name, (x, y) in PLACES.items():
        (here / "A/Movies").mkdir(parents=True, exist_ok=True)
        columns = {"rlnCoordinateX": x, "rlnCoordinateY": y, "rlnAutopickFigureOfMerit": [0.5] * len(x)}
        write_coordinates(here / f"A/Movies/{name}_autopick.star", Table(columns))
    return here


def do(context, **values) -> None:
    Coordinates(**{"i": "A/Movies/*_autopick.star", **values}).run(context)


@pytest.mark.parametrize("ending", [".box", ".pos", ".pik", ".coords", ".txt", "_manualpick.star"])
def test_every_format_holds_the_same_places(picked, context, ending):
    do(context, to=ending, box=180)
    for name, (x, y) in PLACES.items():
        found = read_coordinates(picked / f"A/Movies/{name}{ending}")
        assert (found["rlnCoordinateX"].tolist(), found["rlnCoordinateY"].tolist()) == (x, y)
    assert (picked / "A/Movies/m1_autopick.star").exists()


def test_boxes_are_as_emans_and_come_back(picked, context):
    do(context, to=".box", box=180, odir="boxes")
    assert (picked / "boxes/m1.box").read_text() == "-83\t-81\t180\t180\t0.5\n"
    do(context, i="boxes/m1.box", to=".star")
    assert read_coordinates(picked / "boxes/m1.star")["rlnAutopickFigureOfMerit"].tolist() == [0.5]


def test_what_cannot_be_done_is_said_before_anything_is_written(picked, context):
    with pytest.raises(ParameterError, match=r"--box \(Box size\) is missing"):
        do(context, to=".box")
    with pytest.raises(ParameterError, match=r"--to \(New ending\) is '.cbox'; expected an ending of .star, .box"):
        do(context, to=".cbox")
    with pytest.raises(ParameterError, match="would be overwritten"):
        do(context, to="_autopick.star")
    (picked / "A/Other").mkdir()
    (picked / "A/Other/m1_autopick.star").write_text((picked / "A/Movies/m1_autopick.star").read_text())
    with pytest.raises(ParameterError, match=r"out/m1\.txt would be written twice"):
        do(context, i="A/*/*_autopick.star", to=".txt", odir="out")
    (picked / "A/Movies/zz_autopick.star").write_text("data_\nloop_\n_rlnImageName\nx\n")
    with pytest.raises(InputError, match=r"zz_autopick.star holds no coordinates"):
        do(context, to=".txt")
    assert not list(picked.glob("A/Movies/*.txt"))
