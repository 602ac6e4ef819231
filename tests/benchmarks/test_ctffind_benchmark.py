"""CTF estimation on 24 micrographs of known truth, and the scorer itself."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.io.star import write_star
from relionlab.io.table import Table
from tests.benchmarks.ctffind import score_files, simulated


def test_the_scorer_takes_means_of_particles(tmp_path):
    truth = {
        "rlnMicrographName": ["data/a.mrc"] * 2 + ["data/b.mrc"],
        "rlnDefocusU": [10100.0, 10300.0, 20000.0],
        "rlnDefocusV": [9900.0, 10100.0, 19500.0],
        "rlnDefocusAngle": [20.0, 20.0, 88.0],
    }
    found = {
        "rlnMicrographName": ["Other/a.mrc", "Other/b.mrc", "Other/c.mrc"],
        "rlnDefocusU": [10200.0, 20030.0, 1.0],
        "rlnDefocusV": [10000.0, 19570.0, 1.0],
        "rlnDefocusAngle": [25.0, -89.0, 0.0],
    }
    write_star(tmp_path / "truth.star", [Table(truth, name="particles")])
    write_star(tmp_path / "found.star", [Table(found, name="micrographs")])
    reached = score_files(tmp_path / "found.star", tmp_path / "truth.star")
    assert np.allclose(reached.defocus, [0, 50])
    assert np.allclose(reached.astigmatism, [0, -40])
    assert np.allclose(reached.angle, [5, 3])


def test_a_simulated_micrograph_is_fitted(tmp_path):
    """The way of the full test, on one small micrograph."""
    reached, _ = simulated(
        tmp_path, count=1, size=(768, 768), particles=20, contamination=0.0, astigmatism=0.0, tilt=0.0
    )
    assert abs(reached.defocus[0]) < 150


@pytest.mark.full
def test_24_micrographs_of_2k(tmp_path):
    """Issue 3's bar; measured: see the benchmarks' README."""
    reached, seconds = simulated(tmp_path)
    assert len(reached.defocus) == 24
    assert np.median(np.abs(reached.defocus)) <= 60, reached
    assert np.median(np.abs(reached.astigmatism)) <= 60, reached
    assert np.median(reached.angle) <= 10, reached
    assert seconds < 3
