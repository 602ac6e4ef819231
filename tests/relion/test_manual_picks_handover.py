"""Picks by hand against RELION itself: it reads our files, extracts what was picked, and leaves out what was dropped."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import read_stack, write_image
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star
from relionlab.project import Project
from relionlab.workflows.hand_picking_sources import open_hand_picking
from tests.jobs.test_extraction import mics

pytestmark = pytest.mark.relion

NAMES = [f"MotionCorr/job002/Movies/mic{number}.mrc" for number in range(3)]
PLACES = [[(60, 50), (90, 70)], [(40, 45), (100, 60), (50, 110)], [(70, 70)]]
"""(x, y) in px of what is picked in each micrograph; there a pixel is bright."""


@pytest.fixture
def picked(tmp_path: Path):
    """A project with three micrographs: particles picked in each, one taken back, the last micrograph dropped."""
    project = Project.create(tmp_path)
    for number, name in enumerate(NAMES):
        image = np.random.default_rng(number).normal(size=(150, 180)).astype(np.float32)
        for x, y in PLACES[number]:
            image[y, x] = 100
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / name, image, pixel_size=2.0)
    mics(tmp_path, NAMES)
    picking = open_hand_picking("mics.star", project=project)
    for name, places in zip(NAMES, PLACES, strict=True):
        for x, y in places:
            picking.add(name, x, y)
        picking.add(name, 5, 5)
        picking.undo(name)
    picking.drop(NAMES[2])
    assert picking.job.wait(60) == "finished"
    picking.close()
    return picking


def run(relion: Path, picking, program: str, *flags: str) -> str:
    done = subprocess.run(
        [relion / program, *flags], cwd=picking.directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_relion_extracts_what_was_picked(picked, relion: Path) -> None:
    folder = picked.folder
    listed = ("--i", f"{folder}micrographs_selected.star", "--coord_dir", folder, "--coord_suffix", "_manualpick.star")
    out = ("--extract", "--extract_size", "16", "--part_dir", "Extract/job009/", "--part_star", "Extract/job009/p.star")
    run(relion, picked, "relion_preprocess", *listed, *out)
    particles = read_particles(picked.directory / "Extract/job009/p.star").particles
    found = [
        (Path(name).name, x, y)
        for name, x, y in zip(
            particles["rlnMicrographName"].tolist(),
            particles["rlnCoordinateX"].tolist(),
            particles["rlnCoordinateY"].tolist(),
            strict=True,
        )
    ]
    assert found == [(f"mic{number}.mrc", x, y) for number in (0, 1) for x, y in PLACES[number]]
    for number in (0, 1):
        boxes = read_stack(picked.directory / f"Extract/job009/Movies/mic{number}.mrcs")
        assert np.unravel_index(boxes.reshape(len(boxes), -1).argmax(axis=1), (16, 16)) == (
            pytest.approx(8),
            pytest.approx(8),
        )  # the bright pixel is in the middle of each box


def test_relion_reads_the_list_of_kept_micrographs(picked, relion: Path) -> None:
    chosen = ("--select", "rlnDefocusU", "--minval", "1", "--maxval", "1000000")
    run(
        relion,
        picked,
        "relion_star_handler",
        "--i",
        f"{picked.folder}micrographs_selected.star",
        "--o",
        "kept.star",
        *chosen,
    )
    kept = read_star(picked.directory / "kept.star")["micrographs"]
    assert kept["rlnMicrographName"].tolist() == NAMES[:2]


def test_relion_cuts_segments_along_filaments_that_were_picked(tmp_path: Path, relion: Path) -> None:
    """Ends two by two: segments every 20 Å (10 px) on each line, its direction as their prior; half a filament is left out."""
    project = Project.create(tmp_path)
    image = np.random.default_rng(1).normal(size=(150, 180)).astype(np.float32)
    (tmp_path / NAMES[0]).parent.mkdir(parents=True)
    write_image(tmp_path / NAMES[0], image, pixel_size=2.0)
    mics(tmp_path, NAMES[:1])
    picking = open_hand_picking("mics.star", project=project, filaments=True)
    for place in [(30, 40), (130, 40), (20, 20), (25, 25), (60, 130), (60, 60), (100, 100)]:
        picking.add(NAMES[0], *place)
    picking.remove(NAMES[0], 25, 25)  # takes (20, 20) along
    assert picking.job.wait(60) == "finished"
    assert picking.job.job.do_startend
    picking.close()
    folder = picking.folder
    listed = ("--i", "mics.star", "--coord_dir", folder, "--coord_suffix", "_manualpick.star")
    out = ("--extract", "--extract_size", "16", "--part_dir", "Extract/job009/", "--part_star", "Extract/job009/p.star")
    helix = (
        "--helix",
        "--helical_tubes",
        "--helical_cut_into_segments",
        "--helical_nr_asu",
        "1",
        "--helical_rise",
        "20",
    )
    run(relion, picking, "relion_preprocess", *listed, *out, *helix, "--helical_outer_diameter", "20")
    segments = read_particles(tmp_path / "Extract/job009/p.star").particles
    x, y, tube = (segments.numbers(name) for name in ("rlnCoordinateX", "rlnCoordinateY", "rlnHelicalTubeID"))
    assert set(tube) == {1, 2}
    for number, across, along, psi in ((1, y, x, 0.0), (2, x, y, 90.0)):
        mine = tube == number
        assert np.ptp(across[mine]) == 0
        assert np.allclose(np.abs(np.diff(along[mine])), 10, atol=1e-3)
        turned = np.abs(segments.numbers("rlnAnglePsiPrior")[mine] - psi) % 180
        assert np.allclose(np.minimum(turned, 180 - turned), 0, atol=1e-3)
