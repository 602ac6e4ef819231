"""Rotations and RELION's Euler angles."""

from __future__ import annotations

import numpy as np

from relionlab.engine import rotations


def about_z(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def about_y(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def test_matrix_is_the_product_of_three_turns() -> None:
    matrix = rotations.matrix_from_euler(25.0, 70.0, -130.0)
    np.testing.assert_allclose(matrix, about_z(-130) @ about_y(70) @ about_z(25), atol=1e-15)


def test_angles_come_back() -> None:
    matrices = rotations.random_rotations(np.random.default_rng(0), 200)
    np.testing.assert_allclose(
        rotations.matrix_from_euler(*rotations.euler_from_matrix(matrices)), matrices, atol=1e-12
    )


def test_angles_at_the_poles_give_the_same_matrix() -> None:
    matrices = rotations.matrix_from_euler(np.array([20.0, 30.0]), np.array([0.0, 180.0]), np.array([10.0, 50.0]))
    rot, tilt, psi = rotations.euler_from_matrix(matrices)
    assert rot.tolist() == [0, 0]
    np.testing.assert_allclose(tilt, [0, 180])
    np.testing.assert_allclose(rotations.matrix_from_euler(rot, tilt, psi), matrices, atol=1e-12)


def test_random_rotations_cover_the_sphere_evenly() -> None:
    direction = rotations.random_rotations(np.random.default_rng(1), 4000)[:, 2]
    np.testing.assert_allclose(direction.T @ direction / 4000, np.eye(3) / 3, atol=0.02)
    np.testing.assert_allclose(direction.mean(axis=0), 0, atol=0.04)


def test_angle_between_is_the_turn() -> None:
    assert np.isclose(rotations.angle_between(np.eye(3), about_y(33)), 33)
