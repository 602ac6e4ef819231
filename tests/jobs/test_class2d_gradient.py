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


def test_a_continued_run_goes_on_by_batches_to_classes_as_good(tiny):
    refine(tiny, arguments(*GRADIENT, "--iter", "20", root="Class2D/again/run"))
    undisturbed = likelihood(tiny, "Class2D/again/run", 20)
    before = likelihood(tiny, "Class2D/again/run", 10)
    more = ["--continue", "Class2D/again/run_it010_optimiser.star", "--o", "Class2D/again/run"]
    told = refine(tiny, more)
    assert any("running averages" in line and "anew" in line for line in told.said)
    written = sorted(path.name for path in (tiny / "Class2D/again").glob("run_ct10_*_data.star"))
    assert written == [
        "run_ct10_it015_data.star",
        "run_ct10_it020_data.star",
    ]  # of every pass over all, each is written
    went_on = [likelihood(tiny, "Class2D/again/run_ct10", number) for number in (15, 20)]
    assert went_on[1] > undisturbed - 0.3 * (undisturbed - before)
    unmoved = read_particles(tiny / "Class2D/again/run_it010_data.star").column("rlnAnglePsi")
    moved = read_particles(tiny / "Class2D/again/run_ct10_it015_data.star").column("rlnAnglePsi")
    assert 0 < np.mean(moved != unmoved) <= 1


def test_a_run_is_continued_with_more_iterations(tiny):
    """The stages follow from the new total; the last iteration sees all particles again."""
    refine(tiny, arguments(*GRADIENT, "--iter", "6", root="Class2D/longer/run"))
    told = refine(
        tiny, ["--continue", "Class2D/longer/run_it006_optimiser.star", "--o", "Class2D/longer/run", "--iter", "11"]
    )
    assert any("running averages" in line for line in told.said)
    written = sorted(path.name for path in (tiny / "Class2D/longer").glob("run_ct6_*_data.star"))
    assert written == ["run_ct6_it010_data.star", "run_ct6_it011_data.star"]
