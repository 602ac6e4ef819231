"""The mean of a posterior around its best pose."""

import numpy as np
import pytest

from relionlab.engine.refine3d.mean_pose import Compared, rotation_of
from relionlab.engine.rotations import angle_between, matrix_from_euler


def compared(*directions, step=2.0, classes=None):
    rotations = np.stack([matrix_from_euler(rot, tilt, 0.0) for rot, tilt in directions])
    count = len(rotations)
    return Compared(rotations, np.zeros(count, int) if classes is None else np.array(classes), np.arange(count), step)


def test_rotations_about_z_are_in_plane_angles():
    np.testing.assert_allclose(rotation_of(np.radians([0, 0, 20.0])), matrix_from_euler(0.0, 0.0, 20.0), atol=1e-12)
    np.testing.assert_allclose(rotation_of(np.zeros(3)), np.eye(3))


def test_two_equal_poses_meet_in_the_middle():
    weights = np.zeros((2, 2, 2))
    weights[0, 0, 0] = weights[1, 1, 1] = 0.5
    found, offset = compared((30.0, 60.0), (32.0, 61.0)).mean(
        weights, best=(0, 10.0), around=np.array([0, 1]), angles=np.array([[10.0, 12.0], [7.0, 9.0]]),
        offsets=np.array([[0.0, 0.0], [1.0, 2.0]]),
    )  # fmt: skip
    first, second = matrix_from_euler(30.0, 60.0, 10.0), matrix_from_euler(32.0, 61.0, 9.0)
    half = angle_between(first, second) / 2
    assert angle_between(found, first) == pytest.approx(half, rel=1e-3)
    assert angle_between(found, second) == pytest.approx(half, rel=1e-3)
    np.testing.assert_allclose(offset, [0.5, 1.0])


def test_many_poses_have_the_mean_of_their_rotation_vectors():
    rng, views = np.random.default_rng(1), compared((30.0, 60.0), (31.0, 61.5), (29.0, 58.0))
    weights, angles = rng.uniform(0.5, 1.0, (3, 4, 5)), 5 + rng.uniform(-2, 2, (3, 4))
    weights[0, 0, 0] = 1.1
    offsets = rng.normal(0, 1, (5, 2))
    found, offset = views.mean(
        weights, best=(0, angles[0, 0]), around=np.arange(3), angles=angles, offsets=offsets
    )  # fmt: skip
    poses = matrix_from_euler(0.0, 0.0, angles) @ views.rotations[:, None]
    moved = poses @ found.T  # from the mean, the others' rotation vectors add up to nothing
    vectors = np.stack([moved[..., 1, 2] - moved[..., 2, 1], moved[..., 2, 0] - moved[..., 0, 2],
                        moved[..., 0, 1] - moved[..., 1, 0]]) / 2  # fmt: skip
    share = weights.sum(axis=2) / weights.sum()
    assert np.abs((vectors * share).sum(axis=(1, 2))).max() < 0.02 * np.abs(vectors).max()
    np.testing.assert_allclose(offset, weights.sum(axis=(0, 1)) @ offsets / weights.sum())


@pytest.mark.parametrize("other", [100.0, -170.0])
def test_poses_of_another_mode_do_not_count(other):
    first = matrix_from_euler(30.0, 60.0, 10.0)
    found, offset = compared((30.0, 60.0)).mean(
        np.array([[[1.0, 0.0], [0.0, 0.9]]]), best=(0, 10.0), around=np.array([0]), angles=np.array([[10.0, other]]),
        offsets=np.array([[0.0, 0.0], [4.0, 4.0]]),
    )  # fmt: skip
    np.testing.assert_allclose(found, first, atol=1e-12)
    np.testing.assert_allclose(offset, 0)


def test_light_poses_do_not_count():
    found, _ = compared((30.0, 60.0)).mean(
        np.array([[[1.0], [0.01]]]), best=(0, 10.0), around=np.array([0]), angles=np.array([[10.0, 12.0]]),
        offsets=np.zeros((1, 2)),
    )  # fmt: skip
    np.testing.assert_allclose(found, matrix_from_euler(30.0, 60.0, 10.0), atol=1e-12)


def test_directions_beside_one_are_all_that_may_belong_to_its_mode():
    rotations = matrix_from_euler(*np.random.default_rng(1).uniform(0, 180, (3, 4000)))
    every = Compared(rotations, np.arange(4000) % 2, np.arange(4000), 7.5)
    near = every.beside(0)
    one_mode = np.flatnonzero((angle_between(rotations[0], rotations) <= 3 * 7.5) & (every.classes == 0))
    assert set(one_mode) < set(near)
    assert len(near) < 4000 / 10
    assert not every.classes[near].any()
