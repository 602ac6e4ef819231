"""The small STAR commands: their lines, and what they say when something is missing."""

from __future__ import annotations

import pytest

from relionlab.cli import main
from relionlab.errors import InputError, NodeError, ParameterError, StarError
from relionlab.jobs.star import commands

TABLE = """
# version 30001

data_model_general

_rlnNrClasses   3
_rlnPixelSize   3.540000

data_model_classes

loop_
_rlnReferenceImage #1
_rlnClassDistribution #2
000001@a.mrcs  1.200000e-04
'two words'  0.500000

"""


@pytest.fixture
def star(here):
    (here / "model.star").write_text(TABLE)
    return "model.star"


def test_header_and_rows_make_a_star_file(here, capsys):
    from relionlab.io.star import read_star

    assert main(["star", "loopheader", "rlnImageName", "rlnDefocusU"]) == 0
    assert main(["star_datablock_stack", "3", "a.mrcs", "10000"]) == 0
    (here / "made.star").write_text(capsys.readouterr().out)
    table = read_star(here / "made.star")[""]
    assert table["rlnImageName"].tolist() == ["000001@a.mrcs", "000002@a.mrcs", "000003@a.mrcs"]
    assert table["rlnDefocusU"].tolist() == [10000.0] * 3


def test_single_files(here):
    for name in ("b.spi", "a.spi"):
        (here / name).touch()
    assert list(commands.single_file_rows(["*.spi", "2"])) == ["a.spi 2 ", "b.spi 2 "]
    with pytest.raises(NodeError, match=r"\*\.mrc matches no file"):
        list(commands.single_file_rows(["*.mrc"]))


def test_ctfdat_changes_signs(here):
    (here / "a.ctfparam").write_text(
        "voltage= 200\nspherical_aberration= 2\ndefocusU= -9000\ndefocusV= -9500\nazimuthal_angle= 30\nQ0= -0.1\n"
    )
    (here / "all.ctfdat").write_text("i1.spi a.ctfparam\ni2.spi a.ctfparam\n")
    assert list(commands.ctfdat_rows(["all.ctfdat"]))[1] == "i2.spi a.ctfparam 200 2 9000 9500 30 0.1"
    (here / "a.ctfparam").write_text("voltage= 200\n")
    with pytest.raises(InputError, match="no value spherical_aberration"):
        list(commands.ctfdat_rows(["all.ctfdat"]))


def test_tables_are_printed_as_they_stand(star):
    assert list(commands.table_rows([star, "data_model_classes"])) == [
        "000001@a.mrcs  1.200000e-04",
        "'two words'  0.500000",
    ]
    assert list(commands.table_rows([star, "data_model_classes", "rlnClassDistribution", "rlnReferenceImage"])) == [
        "1.200000e-04 000001@a.mrcs",
        "0.500000 'two words'",
    ]
    assert list(commands.table_rows([star, "model_general", "rlnPixelSize"])) == ["3.540000"]


def test_missing_tables_and_columns_are_said(star):
    with pytest.raises(StarError, match=r"no table data_x. It has: data_model_general, data_model_classes"):
        list(commands.table_rows([star, "x"]))
    with pytest.raises(StarError, match=r"no column rlnX. It has: rlnReferenceImage"):
        list(commands.table_rows([star, "model_classes", "rlnX"]))


def test_unknown_commands_are_said():
    with pytest.raises(ParameterError, match="loopheader"):
        commands.main(["nothing"])


def test_plots_have_titles_with_units(star, here, capsys):
    assert main(["star", "plottable", star, "model_classes", "rlnClassDistribution", "plot.png"]) == 0
    assert (here / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert main(["star", "plottable", star, "nothing", "rlnClassDistribution"]) == 1
    assert "has no table data_nothing" in capsys.readouterr().err
