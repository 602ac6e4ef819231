"""Searches near what is known: no pass is global, not even that for the reference's grey scale; single angles, offsets alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.run3d import Run3D
from relionlab.jobs.refinement.run_options3d import saved_options3d
from relionlab.jobs.refinement.saved3d import read_iteration3d
from tests.jobs.class2d_runs import STAR, refine
from tests.jobs.refine3d_runs import arguments, result

LOCAL = {
    "Class3D": ("--K", "1", "--iter", "1", "--sigma_ang", "5"),
    "Refine3D": ("--auto_iter_max", "1", "--auto_local_healpix_order", "1"),
}


@pytest.mark.parametrize("kind", LOCAL)
def test_no_search_is_global(tiny, monkeypatch, kind):
    table, truth = read_particles(STAR), read_star("data/truth.star")["particles"]
    poses = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst")
    write_particles(STAR, table.with_columns({label: truth[label] for label in poses}))
    widths, expect = [], Run3D.expect

    def noted(run, model, particles, search, **more):
        widths.append(search.widths)
        return expect(run, model, particles, search, **more)

    monkeypatch.setattr(Run3D, "expect", noted)
    told = refine(tiny, arguments(kind, "--healpix_order", "1", *LOCAL[kind]))
    assert any("grey scale" in line for line in told.said)
    assert len(widths) > 1
    assert None not in widths
    assert len(set(widths)) == 1


POSES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst")


@pytest.fixture
def begun(tiny: Path) -> Particles:
    """The particles, listed with poses whose tilt and origins are not the true ones."""
    table, truth = read_particles(STAR), read_star("data/truth.star")["particles"]
    moved = np.random.default_rng(0).normal(0, 8, (2, len(table)))
    columns = {label: np.asarray(truth[label], float) for label in POSES}
    columns |= {"rlnAngleTilt": 90 + 0.3 * (columns["rlnAngleTilt"] - 90)}
    columns |= {label: columns[label] + by for label, by in zip(POSES[3:], moved, strict=True)}
    write_particles(STAR, table.with_columns(columns))
    return read_particles(STAR)


def ran(tiny: Path, *more: str) -> tuple[Particles, list[str]]:
    """Run two iterations of one class; return the particles and what was said."""
    common = ("--K", "1", "--iter", "2", "--perturb", "0", "--sym", "C1")
    told = refine(tiny, arguments("Class3D", *common, *more, without=("--norm", "--scale")))
    return result("Class3D", 2).particles, told.said


def test_one_angle_is_held_and_the_others_are_free(tiny, begun):
    found, said = ran(tiny, "--healpix_order", "1", "--sigma_tilt", "2")
    away = np.abs(found.column("rlnAngleTilt") - begun.column("rlnAngleTilt"))
    assert np.percentile(away, 90) < 30  # a step of the grid: so far may the nearest ring be, twice
    turned = np.abs((found.column("rlnAnglePsi") - begun.column("rlnAnglePsi") + 180) % 360 - 180)
    assert turned.max() > 60
    assert any("(local)" in line for line in said)
    options = saved_options3d(Refine(), read_iteration3d("Class3D/a/run_it002_optimiser.star", tiny))
    assert options.local_sigmas() == (0, 2, 0)


def test_offsets_are_searched_alone(tiny, begun):
    found, _ = ran(tiny, "--skip_rotate")
    for label in POSES[:3]:
        np.testing.assert_allclose(
            np.cos(np.radians(found.column(label) - begun.column(label))), 1, atol=1e-6, err_msg=label
        )
    moved = np.hypot(*(found.column(label) - begun.column(label) for label in POSES[3:]))
    assert np.median(moved) > 2
    options = saved_options3d(Refine(), read_iteration3d("Class3D/a/run_it002_optimiser.star", tiny))
    assert options.skip_rotate


def test_particles_may_be_expected_where_they_were(tiny, begun):
    def moved(*more: str) -> float:
        shifted, _ = ran(tiny, "--skip_rotate", "--offset", "8", "--fix_sigma_offset", *more)
        return float(np.hypot(*(shifted.column(label) - begun.column(label) for label in POSES[3:])).mean())

    assert moved("--local_offsets") < 0.9 * moved()
    options = saved_options3d(Refine(), read_iteration3d("Class3D/a/run_it002_optimiser.star", tiny))
    assert not options.local_offsets
    moved("--local_offsets")
    assert saved_options3d(Refine(), read_iteration3d("Class3D/a/run_it002_optimiser.star", tiny)).local_offsets
