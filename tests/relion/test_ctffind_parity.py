"""RELION takes our CTF results for CTFFIND's, and goes on from them."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from relionlab.io.particles import read_particles
from tests.jobs.test_ctffind import here, image, result, run  # noqa: F401 - fixtures

pytestmark = pytest.mark.relion


@pytest.mark.parametrize("way", ["--only_make_star", "--only_do_unfinished"])
def test_relion_lists_our_results(relion, here, way):  # noqa: F811
    run(here)
    ours = result(here)
    command = [relion / "relion_run_ctffind", "--i", "mics.star", "--o", "CtfFind/job003/", way, "--is_ctffind4"]
    subprocess.run([*command, "--ctffind_exe", "/bin/false"], cwd=here, check=True, capture_output=True)
    theirs = read_particles(here / "CtfFind/job003/micrographs_ctf.star", kind="micrographs")
    assert list(theirs.particles.labels) == list(ours.particles.labels)
    assert theirs.particles["rlnCtfImage"].tolist() == ours.particles["rlnCtfImage"].tolist()
    for label in ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle", "rlnCtfFigureOfMerit", "rlnCtfMaxResolution"):
        assert np.allclose(theirs.particles[label], ours.particles[label], atol=2e-3)
