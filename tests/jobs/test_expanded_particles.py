"""Symmetry-expanded particles: classified where they stand, refined around where they stand, copies in one half-set."""

import numpy as np
import pytest

from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.symmetry import point_group
from relionlab.io.particles import read_particles, write_particles
from relionlab.jobs.reconstruction.symmetry_expand import ParticleSymmetryExpand
from relionlab.jobs.refinement.auto_refine import halves_of
from tests.jobs.class2d_runs import Quiet, refine
from tests.jobs.refine3d_runs import Result, arguments, result

COUNT = 24
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")


@pytest.fixture
def expanded(tiny) -> str:
    """Some true poses, each in its four equivalents."""
    write_particles("data/some.star", read_particles("data/truth.star").rows(slice(0, COUNT)))
    ParticleSymmetryExpand.from_flags(["--i", "data/some.star", "--o", "data/expanded.star", "--sym", "D2"]).run(
        Quiet(tiny)
    )
    return "data/expanded.star"


def test_copies_are_classified_in_their_own_poses(tiny, expanded):
    refine(tiny, arguments("Class3D", "--skip_align", "--sym", "C1", "--iter", "1", star=expanded))
    found = result("Class3D", 1).particles.particles
    given = read_particles(expanded).particles
    assert len(found) == 4 * COUNT
    assert np.array_equal(found["rlnImageName"], given["rlnImageName"])
    for label in ANGLES:
        assert np.allclose(found[label], given[label], atol=1e-5)


def test_copies_are_refined_near_their_own_poses_in_one_half_set(tiny, expanded):
    table = read_particles(expanded)

    flags = ("--sym", "C1", "--sigma_ang", "3", "--healpix_order", "2", "--auto_iter_max", "1")
    refine(tiny, arguments("Refine3D", *flags, star=expanded))
    found = Result("Refine3D/a/run").particles.particles
    before, after = (
        matrix_from_euler(*(np.asarray(each[label], float) for label in ANGLES)) for each in (table.particles, found)
    )
    assert (
        np.max(point_group("C1").angle_between(before, after)) < 30
    )  # three deviations and a step; a copy is 180° off
    halves = np.asarray(found["rlnRandomSubset"]).reshape(COUNT, 4)
    assert np.all(halves == halves[:, :1])


def test_half_sets_are_drawn_by_image(tiny):
    from relionlab.jobs.refinement.input import poses_of

    table = read_particles("data/particles.star")
    poses = poses_of(table.rows(np.repeat(np.arange(20), 3)), np.zeros(60, int))
    images = np.repeat(table.particles["rlnImageName"][:20], 3)
    halves = halves_of(poses, 5, images=images)
    assert np.all(halves.reshape(20, 3) == halves[::3, None])
    assert np.bincount(halves).tolist() == [0, 30, 30]
    # where there are no copies the names change nothing
    alone = poses.rows(np.arange(0, 60, 3))
    assert np.array_equal(halves_of(alone, 5, images=images[::3]), halves_of(alone, 5))
