"""Projections: geometry, and that the two bodies of the interpolation agree."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine import projection, rotations


def blob(n: int, centre: np.ndarray, width: float = 2.0) -> np.ndarray:
    z, y, x = np.indices((n,) * 3) - n // 2
    cx, cy, cz = centre
    return np.exp(-((x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2) / (2 * width**2))


@pytest.mark.parametrize("n", [31, 32])
def test_untilted_projection_is_the_sum_along_z(n: int) -> None:
    map_ = blob(n, np.array([3, -4, 2]))
    image = projection.project(map_, np.eye(3)[None], padding=6)[0]
    np.testing.assert_allclose(image, map_.sum(axis=0), atol=0.03)


@pytest.mark.parametrize("n", [31, 32])
def test_a_point_goes_where_its_rotated_coordinates_say(n: int) -> None:
    centre = np.array([5.0, -3.0, 2.0])
    matrices = rotations.random_rotations(np.random.default_rng(0), 5)
    shifts = np.random.default_rng(1).uniform(-6, 6, (5, 2))
    images = projection.project(blob(n, centre), matrices, shifts=shifts, pixel_size=2.0, padding=6)
    y, x = np.indices((n, n)) - n // 2
    for image, matrix, shift in zip(images, matrices, shifts, strict=True):
        expected = (matrix @ centre)[:2] + shift / 2.0
        found = np.array([(image * x).sum(), (image * y).sum()]) / image.sum()
        np.testing.assert_allclose(found, expected, atol=0.1)


def test_both_bodies_of_the_interpolation_agree() -> None:
    rng = np.random.default_rng(0)
    projector = projection.Projector.of_map(rng.normal(size=(20,) * 3))
    matrices = rotations.random_rotations(rng, 70)
    fast = projector.slices(matrices)
    plain = np.zeros_like(fast)
    projection.gather_slices(projector.transform, matrices[:, :2] * 2, projection._disc(20), out=plain)
    np.testing.assert_allclose(fast, plain, atol=1e-12 * np.abs(fast).max())


def test_more_padding_is_more_accurate() -> None:
    map_ = blob(24, np.array([1, 2, 3]), 1.5)
    tilted = rotations.matrix_from_euler(30.0, 40.0, 50.0)[None]
    exact = projection.project(map_, tilted, padding=6)
    errors = [np.abs(projection.project(map_, tilted, padding=p) - exact).max() for p in (1, 2, 4)]
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frequencies_that_a_magnification_takes_out_of_the_transform_are_zero(dtype: type) -> None:
    rng = np.random.default_rng(0)
    projector = projection.Projector.of_map(rng.normal(size=(20,) * 3).astype(dtype))
    matrices = rotations.random_rotations(rng, 70)
    matrices[:, :2] = np.array([[1.3, 0.1], [-0.1, 0.9]]) @ matrices[:, :2]
    fast = projector.slices(matrices)
    plain = np.zeros_like(fast)
    turns = (matrices[:, :2] * 2).astype(dtype)
    projection.gather_slices(projector.transform, turns, projection._disc(20), out=plain)
    np.testing.assert_allclose(fast, plain, atol=2e-5 if dtype == np.float32 else 1e-12)
    assert (fast[:, 0, 9] == 0).all()  # 9 px along x are 11.7 px of the map
    assert (fast[:, 0, 7] != 0).all()
