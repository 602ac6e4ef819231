"""What is said of particles and references before a 3D run begins."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.maps.filters import filtered, low_pass, radial
from relionlab.errors import ImageError, InputError
from relionlab.io.particles import Particles
from relionlab.io.table import Table
from relionlab.jobs.refinement.checks3d import check_search, finest_resolution, judge_references
from relionlab.jobs.refinement.program import Refine
from tests.jobs.class2d_runs import Quiet

N, PIXEL_SIZE = 48, 4.0
AUTO = "--auto_refine --split_random_halves --ref m.mrc"


def options(flags: str) -> Refine:
    return Refine.from_flags(["--i", "p.star", "--o", "run", *flags.split()])


def particles(**columns: object) -> Particles:
    optics = Table({"rlnOpticsGroup": [1], "rlnImagePixelSize": [PIXEL_SIZE]}, "optics")
    rows = {"rlnImageName": [f"{i + 1}@s.mrcs" for i in range(6)], "rlnOpticsGroup": np.ones(6, int), **columns}
    return Particles(optics, Table(rows, "particles"))


POSES = {label: np.arange(6.0) for label in ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")}
NO_POSES = {label: np.zeros(6) for label in POSES}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--ref m.mrc --skip_align", "--skip_align keeps"),
        ("--ref m.mrc --sigma_ang 1.5", "local searches"),
        (f"{AUTO} --healpix_order 4", "--healpix_order 4 is not below --auto_local_healpix_order 4"),
    ],
)
def test_searches_around_poses_need_poses(flags, words):
    for without in (particles(), particles(**NO_POSES)):
        with pytest.raises(InputError, match=words):
            check_search(without, options(flags), source="p.star")
    check_search(particles(**POSES), options(flags), source="p.star")


@pytest.mark.parametrize("flags", ["--ref m.mrc --K 3", AUTO, f"{AUTO} --healpix_order 3"])
def test_searches_of_all_angles_need_none(flags):
    check_search(particles(), options(flags), source="p.star")


@pytest.mark.parametrize(
    ("halves", "words"), [([1, 2, 1, 2, 3, 1], "is 3 for 1 particles"), ([1, 1, 1, 1, 1, 2], "have 5 and 1 particles")]
)
def test_halves_must_be_two(halves, words):
    with pytest.raises(InputError, match=words):
        check_search(particles(rlnRandomSubset=halves), options(AUTO), source="p.star")
    check_search(particles(rlnRandomSubset=halves), options("--ref m.mrc"), source="p.star")
    check_search(particles(rlnRandomSubset=[1, 2, 1, 2, 1, 2]), options(AUTO), source="p.star")


def test_too_few_particles_for_halves():
    with pytest.raises(InputError, match="two halves need at least 4"):
        check_search(particles().rows(np.arange(6) < 3), options(AUTO), source="p.star")


# --- references -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    """A map (n, n, n) with detail in every shell."""
    return np.random.default_rng(3).normal(size=(N, N, N)).astype(np.float32)


def coarser(map_: np.ndarray, resolution: float) -> np.ndarray:
    """The map low-pass filtered."""
    return filtered(map_, radial(map_.shape, low_pass(resolution, side=N, pixel_size=PIXEL_SIZE)))


@pytest.mark.parametrize("resolution", [16.0, 24.0, 48.0])
def test_the_finest_detail_of_a_map_is_found(sharp, resolution):
    filtered = coarser(sharp, resolution)
    shell = N * PIXEL_SIZE / resolution
    assert N * PIXEL_SIZE / finest_resolution(filtered, PIXEL_SIZE) == pytest.approx(shell, abs=2.5)
    assert finest_resolution(sharp, PIXEL_SIZE) == pytest.approx(2 * PIXEL_SIZE)


def warnings(maps: np.ndarray, flags: str, context: Quiet) -> list[str]:
    judge_references(maps[None], PIXEL_SIZE, options(flags), context, source="m.mrc")
    return context.warnings


def test_a_reference_with_detail_wants_a_filter(sharp, here):
    auto = f"{AUTO} --particle_diameter 180"
    (said,) = warnings(sharp, auto, Quiet(here))
    assert "detail up to 8.0 Å" in said
    assert "--ini_high" in said
    assert not warnings(sharp, f"{auto} --ini_high 50", Quiet(here))
    assert not warnings(coarser(sharp, 60.0), auto, Quiet(here))
    (said,) = warnings(sharp, f"{auto} --ini_high 5", Quiet(here))
    assert "filters nothing" in said


def test_references_that_hold_nothing_are_refused(sharp, here):
    broken = sharp.copy()
    broken[1, 2, 3] = np.nan
    for maps, words in ((broken, "NaN"), (np.zeros_like(sharp), "is empty")):
        with pytest.raises(ImageError, match=words):
            warnings(maps, AUTO, Quiet(here))
