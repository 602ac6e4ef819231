"""Class2D by small batches (VDAM)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from relionlab.io.particles import read_particles
from tests.jobs.class2d_runs import COUNT, arguments, refine

GRADIENT = ("--grad", "--grad_write_iter", "5", "--grad_ini_subset", "50", "--grad_fin_subset", "100")


def likelihood(directory: Path, root: str, iteration: int) -> float:
    found = read_particles(directory / f"{root}_it{iteration:03d}_data.star")
    return float(np.mean(found.column("rlnLogLikeliContribution")))


def test_batches_bring_the_classes_as_far_as_passes_over_all_particles(tiny):
    refine(tiny, arguments(*GRADIENT, "--iter", "20", root="Class2D/batches/run"))
    refine(tiny, arguments("--iter", "2", root="Class2D/few/run"))
    refine(tiny, arguments("--iter", "10", root="Class2D/many/run"))
    few, many = likelihood(tiny, "Class2D/few/run", 2), likelihood(tiny, "Class2D/many/run", 10)
    assert likelihood(tiny, "Class2D/batches/run", 20) > few + 0.5 * (many - few)


def test_the_last_iteration_places_every_particle_and_the_others_are_written_as_asked(tiny):
    refine(tiny, arguments(*GRADIENT, "--iter", "12", root="Class2D/written/run"))
    written = sorted(path.name for path in (tiny / "Class2D/written").glob("*_data.star"))
    assert written == [f"run_it{number:03d}_data.star" for number in (0, 5, 10, 12)]
    last = read_particles(tiny / "Class2D/written/run_it012_data.star")
    assert len(last) == COUNT
    assert np.all(last.column("rlnMaxValueProbDistribution") > 0)


def test_a_continued_run_ends(tiny):
    refine(tiny, arguments(*GRADIENT, "--iter", "12", root="Class2D/again/run"))
    more = ["--continue", "Class2D/again/run_it010_optimiser.star", "--o", "Class2D/again/run", "--iter", "12"]
    refine(tiny, more)
    assert (tiny / "Class2D/again/run_ct10_it012_optimiser.star").is_file()
