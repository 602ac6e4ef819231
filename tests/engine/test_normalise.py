"""Masks and background normalisation."""

from __future__ import annotations

import numpy as np

from relionlab.engine import masks, normalise


def images_on_a_slope(n: int = 32) -> np.ndarray:
    rng = np.random.default_rng(0)
    y, x = np.indices((n, n))
    disc = 5 * masks.soft_circle(n, 6, 2)
    return (rng.normal(size=(4, n, n)) * 3 + 100 + 0.4 * x - 0.3 * y + disc).astype(np.float32)


def test_background_becomes_zero_and_one_and_loses_its_slope() -> None:
    images = images_on_a_slope()
    result = normalise.normalise(images, background_radius=10)
    mean, deviation = normalise.background_statistics(result, background_radius=10)
    np.testing.assert_allclose(mean, 0, atol=1e-6)
    np.testing.assert_allclose(deviation, 1, atol=1e-6)
    y, x = np.indices((32, 32)) - 16
    background = np.hypot(x, y) > 10
    assert abs((result * x)[:, background].mean()) < 1e-4
    assert abs((result * y)[:, background].mean()) < 1e-4
    assert result.dtype == np.float32


def test_without_ramp_the_slope_stays() -> None:
    result = normalise.normalise(images_on_a_slope(), background_radius=10, ramp=False)
    assert result[:, :, -4:].mean() - result[:, :, :4].mean() > 1


def test_constant_images_are_only_shifted() -> None:
    assert np.abs(normalise.normalise(np.full((1, 16, 16), 7.0), background_radius=5)).max() < 1e-12


def test_dust_is_replaced_by_noise() -> None:
    images = np.random.default_rng(0).normal(size=(3, 32, 32))
    images[0, 2, 2], images[1, 3, 3] = 50, -50
    both = normalise.Dust(np.random.default_rng(1), white=5, black=5)
    cleaned = normalise.normalise(images, background_radius=10, dust=both)
    assert np.abs(cleaned).max() < 6
    undusted = normalise.normalise(images[2:], background_radius=10)
    np.testing.assert_allclose(cleaned[2:], undusted, atol=1e-12)
    only_white = normalise.normalise(
        images, background_radius=10, dust=normalise.Dust(np.random.default_rng(1), white=5)
    )
    assert only_white[1, 3, 3] < -10
    assert abs(only_white[0, 2, 2]) < 10


def test_images_need_not_be_square() -> None:
    images = images_on_a_slope()[:, :24]
    result = normalise.normalise(images, background_radius=8)
    y, x = np.indices((24, 32))
    background = (y - 12) ** 2 + (x - 16) ** 2 > 64
    np.testing.assert_allclose(result[:, background].std(axis=1), 1, atol=1e-6)


def test_soft_circle_is_one_inside_half_in_the_edge_and_zero_outside() -> None:
    mask = masks.soft_circle(32, 6, 4)
    assert mask[16, 16] == mask[16, 22] == 1
    assert np.isclose(mask[16, 24], 0.5)
    assert mask[16, 26] == 0
    assert masks.soft_sphere(16, 4, 2)[8, 8, 8] == 1
    assert masks.soft_circle(16, 4, 0).sum() == (masks.radius_grid(16) <= 4).sum()
