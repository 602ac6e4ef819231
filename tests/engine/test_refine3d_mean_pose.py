"""The mean of a posterior around its best pose."""

import numpy as np
import pytest

from relionlab.engine.refine3d.mean_pose import Near, heavier, mean_pose, rotation_of
from relionlab.engine.rotations import angle_between, matrix_from_euler


def near(weight, offset=None):
    count = len(weight)
    offset = np.zeros((count, 2)) if offset is None else np.asarray(offset, float)
    return Near(np.asarray(weight, float), np.arange(count), np.zeros(count, int), offset)


def test_rotations_about_z_are_in_plane_angles():
    np.testing.assert_allclose(rotation_of(np.radians([0, 0, 20.0])), matrix_from_euler(0.0, 0.0, 20.0), atol=1e-12)
    np.testing.assert_allclose(rotation_of(np.zeros(3)), np.eye(3))


def test_two_equal_poses_meet_in_the_middle():
    first, second = matrix_from_euler(30.0, 60.0, 10.0), matrix_from_euler(32.0, 61.0, 9.0)
    found, offset = mean_pose(first, np.stack([first, second]), near([1, 1], [[0, 0], [1, 2]]), step=2.0)
    half = angle_between(first, second) / 2
    assert angle_between(found, first) == pytest.approx(half, rel=1e-3)
    assert angle_between(found, second) == pytest.approx(half, rel=1e-3)
    np.testing.assert_allclose(offset, [0.5, 1.0])


def test_poses_of_another_mode_do_not_count():
    first, other = matrix_from_euler(30.0, 60.0, 10.0), matrix_from_euler(30.0, 60.0, 100.0)
    found, offset = mean_pose(first, np.stack([first, other]), near([1, 0.9], [[0, 0], [4, 4]]), step=2.0)
    np.testing.assert_allclose(found, first, atol=1e-12)
    np.testing.assert_allclose(offset, 0)


def test_only_poses_with_weight_are_kept():
    table = np.array([[0.5, 0.001], [0.02, 0.4]], np.float32)
    np.testing.assert_array_equal(heavier(table, 0.5), [0, 2, 3])
