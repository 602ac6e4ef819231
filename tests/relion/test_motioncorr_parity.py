"""RELION and we on the same movies: each takes what the other made, and both find the same motion."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import read_stack, write_image, write_stack
from relionlab.io.motion import read_motion
from relionlab.io.particles import read_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.motion.program import RunMotionCorr
from relionlab.settings import settings
from tests.engine.motion_cases import movie

pytestmark = pytest.mark.relion
FLAGS = [
    "--i", "movies.star", "--use_own", "--bfactor", "100", "--dose_weighting", "--dose_per_frame", "1.5", "--patch_x", "3",
    "--patch_y", "3", "--gainref", "gain.mrc", "--grouping_for_ps", "2", "--ps_size", "128", "--save_noDW",
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, relion: Path) -> Path:
    case = movie(size=(320, 320), frames=6, drift=6.0, noise=0.5)
    for name in "ab":
        write_stack(tmp_path / f"Movies/{name}.mrcs", 50 * case.frames, pixel_size=1.5)
    write_image(tmp_path / "gain.mrc", np.ones((320, 320), np.float32), pixel_size=1.5)
    optics = {
        "rlnOpticsGroupName": ["g"], "rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [1.5], "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    rows = {"rlnMicrographMovieName": ["Movies/a.mrcs", "Movies/b.mrcs"], "rlnOpticsGroup": [1, 1]}
    write_star(tmp_path / "movies.star", [Table(optics, "optics"), Table(rows, "movies")])
    return tmp_path


def ours(directory: Path, *flags: str) -> None:
    context = PlainContext(directory, settings(executor="inline"), quiet=True)
    RunMotionCorr.from_flags([*FLAGS, *flags]).run(context)


def theirs(directory: Path, relion: Path, *flags: str) -> None:
    command = [str(relion / "relion_run_motioncorr"), *FLAGS, *flags]
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=120)


def test_both_find_the_same_motion_and_sum(project: Path, relion: Path):
    ours(project, "--o", "Ours/")
    theirs(project, relion, "--o", "Theirs/")
    one, other = (read_motion(project / f"{who}/Movies/a.star") for who in ("Ours", "Theirs"))
    assert np.abs(one.shifts - other.shifts).max() < 0.3
    assert one.size == other.size
    assert one.dose_per_frame == other.dose_per_frame
    for ending in (".mrc", "_noDW.mrc"):
        first, second = (
            read_stack(project / f"{who}/Movies/a{ending}")[0, 20:-20, 20:-20] for who in ("Ours", "Theirs")
        )
        assert first.mean() == pytest.approx(second.mean(), rel=1e-3)
        assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.95
    spectra = [read_stack(project / f"{who}/Movies/a_PS.mrc")[0] for who in ("Ours", "Theirs")]
    assert np.median(spectra[0]) == pytest.approx(np.median(spectra[1]), rel=0.1)
    lists = [
        read_particles(project / f"{who}/corrected_micrographs.star", kind="micrographs") for who in ("Ours", "Theirs")
    ]
    assert lists[0].particles.labels == lists[1].particles.labels
    for part in ("Early", "Late"):
        assert np.allclose(*(found.particles[f"rlnAccumMotion{part}"] for found in lists), atol=0.6)


def test_each_continues_what_the_other_began(project: Path, relion: Path):
    theirs(project, relion, "--o", "One/", "--do_at_most", "1")
    ours(project, "--o", "Two/", "--do_at_most", "1")
    kept = {who: (project / f"{who}/Movies/a.mrc").read_bytes() for who in ("One", "Two")}
    ours(project, "--o", "One/", "--only_do_unfinished")
    theirs(project, relion, "--o", "Two/", "--only_do_unfinished")
    for who, before in kept.items():
        assert (project / f"{who}/Movies/a.mrc").read_bytes() == before
        assert len(read_particles(project / f"{who}/corrected_micrographs.star", kind="micrographs")) == 2
