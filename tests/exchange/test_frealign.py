"""FREALIGN .par files in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ParameterError, StarError
from relionlab.exchange.frealign import read_par, write_par
from relionlab.io.particles import read_particles
from relionlab.jobs.context import PlainContext
from relionlab.jobs.star.frealign import Frealign

OPTICS = {
    "stack": "all.mrcs",
    "voltage": 300,
    "spherical_aberration": 2.7,
    "amplitude_contrast": 0.07,
    "pixel_size": 2.0,
}
V9 = """C           PSI   THETA     PHI       SHX       SHY     MAG  FILM      DF1      DF2  ANGAST     OCC      LogP      SIGMA   SCORE  CHANGE
      1   10.00   20.00   30.00      4.00     -6.00   10000     7  12000.0  11500.0   45.00  100.00     -1000     1.0000   12.00    0.00
      2   11.00   21.00   31.00      0.00      2.00   10000     8  13000.0  12500.0   46.00  100.00     -1000     1.0000   12.00    0.00
C  a remark at the end
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "particles.par"
    path.write_text(text)
    return path


def test_version_9_gives_angles_shifts_and_defocus(tmp_path: Path) -> None:
    particles = read_par(_write(tmp_path, V9), **OPTICS)
    rows = particles.particles
    assert rows["rlnImageName"].tolist() == ["000001@all.mrcs", "000002@all.mrcs"]
    assert rows["rlnMicrographName"].tolist() == ["film000007.mrc", "film000008.mrc"]
    assert rows["rlnAnglePsi"].tolist() == [10, 11]
    assert rows["rlnAngleRot"].tolist() == [30, 31]
    assert rows["rlnOriginXAngst"].tolist() == [-4, 0]
    assert rows["rlnOriginYAngst"].tolist() == [6, -2]
    assert rows["rlnDefocusU"].tolist() == [12000, 13000]
    assert particles.pixel_size == 2.0


def test_version_8_shifts_are_pixels(tmp_path: Path) -> None:
    particles = read_par(_write(tmp_path, "1 10 20 30 4 -6 10000 7 12000 11500 45 80 0\n"), **OPTICS)
    assert particles.particles["rlnOriginXAngst"].tolist() == [-8]


def test_cistem_phase_shift_is_in_degrees_afterwards(tmp_path: Path) -> None:
    line = f"1 10 20 30 4 -6 10000 7 12000 11500 45 {np.pi / 2} 100 0 1 0 0\n"
    assert read_par(_write(tmp_path, line), **OPTICS).particles["rlnPhaseShift"] == pytest.approx(90)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    particles = read_par(_write(tmp_path, V9), **OPTICS)
    write_par(tmp_path / "again.par", particles)
    again = read_par(tmp_path / "again.par", **OPTICS)
    for label in particles.particles.without("rlnMicrographName"):
        assert again.particles[label].tolist() == particles.particles[label].tolist(), label


def test_ragged_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(StarError, match="line 3: found 2 columns"):
        read_par(_write(tmp_path, V9.splitlines()[0] + "\n" + V9.splitlines()[1] + "\n1 2\n"), **OPTICS)


def test_particles_out_of_order_are_refused(tmp_path: Path) -> None:
    particles = read_par(_write(tmp_path, V9), **OPTICS)
    with pytest.raises(ParameterError, match="one stack"):
        write_par(tmp_path / "x.par", particles.rows([1, 0]))


def test_the_program_goes_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, V9)
    context = PlainContext(tmp_path, quiet=True)
    Frealign.from_flags(["--i", "particles.par", "--o", "in.star", "--stack", "all.mrcs", "--angpix", "2"]).run(context)
    Frealign(i="in.star", o="out.par").run(context)
    again = read_par(tmp_path / "out.par", **OPTICS).particles
    known = read_par(tmp_path / "particles.par", **OPTICS).particles
    assert all(again[label].tolist() == known[label].tolist() for label in ("rlnAnglePsi", "rlnOriginXAngst"))
    assert read_particles(tmp_path / "in.star").pixel_size == 2.0
    with pytest.raises(ParameterError, match=r"frealign: --stack \(Stack\) is missing"):
        Frealign(i="particles.par", o="in.star").check()
    with pytest.raises(ParameterError, match=r"--angpix \(Pixel size\) is empty"):
        Frealign(i="particles.par", o="in.star", stack="all.mrcs").check()
    with pytest.raises(ParameterError, match=r"expected one .par and one .star"):
        Frealign(i="a.star", o="b.star").check()
