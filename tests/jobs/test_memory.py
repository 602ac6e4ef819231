"""The memory that a classification or refinement says it needs is what it takes."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from relionlab.simulation.conditions import Simulation
from relionlab.simulation.particles import simulate_particles
from tests.peak_memory import run_measured

REPOSITORY = Path(__file__).resolve().parents[2]
COMMON = (
    "refine --o run --i {source} --ctf --particle_diameter 190 --flatten_solvent --zero_mask --oversampling 1"
    " --offset_range 4 --offset_step 2 --norm --scale --preread_images --random_seed 1"
)
HEALPIX = " --healpix_order 1"
REFERENCE = HEALPIX + " --ref truth_class001.mrc --firstiter_cc --ini_high 30"
RUNS = {
    "refine3d": REFERENCE + " --auto_refine --split_random_halves --sym D2 --auto_iter_max 1",
    "class3d": REFERENCE + " --iter 2 --K 2 --sym C1",
    "known": REFERENCE + " --iter 2 --K 2 --sym C1 --skip_align",
    "class2d": " --psi_step 12 --iter 3 --K 20",
    "inimodel": HEALPIX
    + " --sgd --denovo_3dref --sgd_ini_iter 3 --sgd_inbetween_iter 1 --sgd_fin_iter 1 --sgd_ini_subset 40"
    " --sgd_fin_subset 80 --sym D2",
}
FORESEEN = "inimodel"
"""Its last pass comes to the shells that were said; a classification may end before, as a refinement of one iteration does."""


def peak_of(directory: Path, arguments: str, **settings: object) -> tuple[int, list[int]]:
    """Run the program; return its peak resident memory, and what it said it would need, in MB."""
    environment = {f"RELIONLAB_{name.upper()}": str(value) for name, value in settings.items()}
    text, peak = run_measured(
        [sys.executable, "-P", "-m", "relionlab", *arguments.split()],
        directory,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )
    return peak >> 20, [int(number) for number in re.findall(r"^Memory.*?about (\d+) MB", text, re.MULTILINE)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("memory")
    simulate_particles(directory, simulation=Simulation(count=80, box=96, pixel_size=2.36, snr=0.3))
    return directory


@pytest.mark.full
@pytest.mark.parametrize("kind", RUNS)
def test_a_run_takes_what_it_says(project: Path, kind: str):
    source = "truth.star" if kind == "known" else "particles.star"
    arguments = COMMON.format(source=source) + RUNS[kind]
    peak_of(project, arguments, workers=1)  # compiles, which takes memory of its own
    for workers in (1, 2):
        peak, (most, *passes) = peak_of(project, arguments, workers=workers, particles_per_shard=32)
        assert peak == pytest.approx(max(passes), rel=0.2)
        assert peak < 1.2 * most
        if kind == FORESEEN:
            assert peak == pytest.approx(most, rel=0.2)
