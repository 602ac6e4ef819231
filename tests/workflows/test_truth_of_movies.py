"""Scores of motion, CTFs and picks against a truth, on cases whose score is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import NodeError
from relionlab.io.motion import Motion
from relionlab.io.particles import Particles, write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.simulation.scores.movies import ctf_truth, motion_errors
from relionlab.simulation.scores.picks import compare_picks


def truth_of(overall: np.ndarray, local: np.ndarray, places: np.ndarray, path: Path) -> Path:
    frames = np.arange(1, len(overall) + 1)
    rows = {"rlnMicrographFrameNumber": frames}
    whole = {**rows, "rlnMicrographShiftX": overall[:, 0], "rlnMicrographShiftY": overall[:, 1]}
    parts = {
        "rlnMicrographFrameNumber": np.repeat(frames, len(places)),
        "rlnCoordinateX": np.tile(places[:, 0], len(frames)),
        "rlnCoordinateY": np.tile(places[:, 1], len(frames)),
        "rlnMicrographShiftX": local[..., 0].ravel(),
        "rlnMicrographShiftY": local[..., 1].ravel(),
    }
    write_star(path, [Table(whole, name="global_shift"), Table(parts, name="local_shift")])
    return path


def test_motion_is_scored_relative_to_the_first_frame(tmp_path: Path):
    rng = np.random.default_rng(0)
    overall, places = rng.normal(size=(5, 2)), rng.uniform(0, 100, (6, 2))
    path = truth_of(overall, np.zeros((5, 6, 2)), places, tmp_path / "truth.star")
    right = Motion("m.tiff", (5, 100, 100), overall + 3.0, 1.0)
    assert motion_errors(right, path) == pytest.approx(
        (0, 0, np.sqrt(((overall - overall[0]) ** 2).sum(1).mean())), abs=1e-4
    )
    off = overall.copy()
    off[2:] += (3.0, 4.0)
    assert motion_errors(Motion("m.tiff", (5, 100, 100), off, 1.0), path)[0] == pytest.approx(
        5 * np.sqrt(3 / 5), abs=1e-4
    )


def test_local_motion_counts_at_its_places(tmp_path: Path):
    places = np.array([[0.0, 50.0], [100.0, 50.0]])
    model = np.zeros((2, 6, 3))
    model[0, 1, 0] = 2.0  # x moves by 2 u a frame: -1 and +1 at the edges
    local = np.zeros((4, 2, 2))
    local[:, 0, 0], local[:, 1, 0] = -np.arange(4.0), np.arange(4.0)
    path = truth_of(np.zeros((4, 2)), local, places, tmp_path / "truth.star")
    still = np.zeros((4, 2))
    assert motion_errors(Motion("m.tiff", (4, 100, 100), still, 1.0, model), path)[1] == pytest.approx(0, abs=1e-5)
    whole, everywhere, unmoved = motion_errors(Motion("m.tiff", (4, 100, 100), still, 1.0), path)
    assert whole == pytest.approx(0, abs=1e-5)
    assert everywhere == unmoved == pytest.approx(np.sqrt(np.mean(np.arange(4.0) ** 2)), rel=1e-4)


def test_ctfs_are_matched_by_name(tmp_path: Path):
    def listed(path: Path, names: list[str], u: list[float], v: list[float], **more: list[float]) -> Path:
        optics = Table(
            {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["g"], "rlnMicrographPixelSize": [1.0]}, name="optics"
        )
        columns = {"rlnMicrographName": names, "rlnOpticsGroup": [1] * len(names), "rlnDefocusU": u, "rlnDefocusV": v}
        rows = Table({**columns, "rlnDefocusAngle": [179.0] * len(names), **more}, name="micrographs")
        write_particles(path, Particles(optics, rows, "micrographs"))
        return path

    found = listed(tmp_path / "found.star", ["J/job1/b.mrc", "J/job1/a.mrc"], [10300.0, 20200.0], [10100.0, 20000.0])
    listed(tmp_path / "micrographs.star", ["S/a.mrc", "S/b.mrc"], [20000.0, 10000.0], [20000.0, 10000.0],
           relionlabMeanParticleDefocus=[20050.0, 10050.0])  # fmt: skip
    truth = ctf_truth(found, tmp_path)
    assert truth.names == ("b", "a")
    assert truth.defocus == pytest.approx([150, 50])
    assert truth.astigmatism == pytest.approx([200, 200])
    other = listed(tmp_path / "other.star", ["J/job1/z.mrc"], [1.0], [1.0])
    with pytest.raises(NodeError, match="None of the micrographs"):
        ctf_truth(other, tmp_path)


def test_picks_are_matched_one_to_one():
    truth = Table(
        {
            "rlnMicrographName": ["S/a.mrc", "S/a.mrc", "S/b.mrc"],
            "rlnCoordinateX": [50.0, 100.0, 50.0],
            "rlnCoordinateY": [50.0, 100.0, 50.0],
        }
    )
    names = np.array(["M/a.mrc", "M/a.mrc", "M/a.mrc", "M/c.mrc"], dtype=object)
    xy = 2.0 * np.array([[52.0, 50.0], [49.0, 50.0], [140.0, 100.0], [50.0, 50.0]])
    found = compare_picks(names, xy, truth, pixel_size=2.0, diameter=100.0)
    assert found.matched.tolist() == [-1, 0, -1, -1]  # two picks on one particle: the nearer one counts
    assert found.distance[1] == pytest.approx(2.0)
    assert (found.right, found.junk, found.particles) == (1, 3, 3)
    assert (found.precision, found.recall) == pytest.approx((0.25, 1 / 3))
    assert found.f1 == pytest.approx(2 / 7)
