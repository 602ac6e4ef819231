"""The program compare_ctf, and results of other programs as its input."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import InputError, StarError
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.ctf.compare_program import CompareCtf
from relionlab.jobs.ctf.comparison import read_result
from tests.exchange.test_ctf_results import GCTF, TABLE
from tests.jobs.listening import Listening

NAMES = [f"MotionCorr/job002/Movies/mic{n}.mrc" for n in (1, 2, 3)]


@pytest.fixture
def here(tmp_path):
    write(tmp_path / "first.star", NAMES, defocus=[10864.0, 20137.0, 15000.0])
    return tmp_path


def write(path, names, defocus):
    optics = {
        "rlnOpticsGroupName": ["a"], "rlnOpticsGroup": [1], "rlnMicrographPixelSize": [1.0], "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    rows = {
        "rlnMicrographName": names, "rlnOpticsGroup": [1] * len(names), "rlnDefocusU": defocus,
        "rlnDefocusV": [value - 300 for value in defocus], "rlnDefocusAngle": [50.0] * len(names),
    }  # fmt: skip
    write_particles(path, Particles(Table(optics, name="optics"), Table(rows, name="micrographs"), "micrographs"))


def run(here, *flags) -> Listening:
    context = Listening(here)
    CompareCtf.from_flags(["--i", "first.star", *flags]).run(context)
    return context


def test_differences_and_those_that_agree(here):
    write(
        here / "second.star", ["CtfFind/job009/" + name.split("/", 2)[2] for name in NAMES], [10864.0, 22000.0, 15010.0]
    )
    run(here, "--with", "second.star", "--o", "Compared", "--agree_to", "3")
    (table,) = read_star(here / "Compared/ctf_differences.star").values()
    assert table["rlnMicrographName"].tolist() == NAMES
    assert np.allclose(table.numbers("relionlabDefocusDifference"), [0, 1863, 10])
    kept = read_particles(here / "Compared/micrographs_agreeing.star", kind="micrographs")
    assert kept.column("rlnMicrographName").tolist() == [NAMES[0], NAMES[2]]


def test_results_of_single_micrographs(here):
    (here / "other").mkdir()
    (here / "other/mic1_PS.txt").write_text(TABLE)
    (here / "other/mic2_gctf.log").write_text(GCTF)
    said = run(here, "--with", "other/mic*")
    (table,) = read_star(here / "CtfCompared/ctf_differences.star").values()
    assert table["rlnMicrographName"].tolist() == NAMES[:2]
    assert np.all(np.abs(table.numbers("relionlabDefocusDifference")) < 40)
    assert any("1 micrographs of first.star are not in" in line for line in said.said)
    assert read_result(here / "other/mic1_PS").defocus_u == pytest.approx(10863.857)
    assert read_result(here / "other/mic2").defocus_u == pytest.approx(20136.82)


def test_what_cannot_be_compared_is_told(here):
    write(here / "second.star", ["x.mrc"], [10864.0])
    with pytest.raises(InputError, match="no micrograph in common"):
        run(here, "--with", "second.star")
    (here / "none.star").write_text("data_\n\nloop_\n_rlnCoordinateX #1\n1\n")
    with pytest.raises(StarError, match="names no micrographs"):
        run(here, "--with", "none.star")
