"""Micrographs for the eye: binning, filters without seams, black and white."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.micrograph_views import band_passed, binned, greys, typical


@pytest.mark.parametrize("kind", [np.float32, np.int16, np.uint8, np.float16])
def test_binning_is_the_mean_of_squares(kind):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 100, size=(13, 2050)).astype(kind)
    expected = image[:12, :2049].astype(float).reshape(4, 3, 683, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(binned(image, 3), expected, rtol=1e-5)


def wave(n: int, cycles: float) -> np.ndarray:
    return np.broadcast_to(np.cos(np.pi * 2 * cycles * (np.arange(n) + 0.5) / n), (n, n)).astype(np.float32)


def test_filters_keep_the_band_and_nothing_else():
    n, pixel = 128, 4.0  # a cosine of k cycles has a wavelength of n * pixel / k
    coarse, middle, fine = (wave(n, k) for k in (2, 8, 40))  # 256, 64 and 12.8 Å
    image = 5 + coarse + middle + fine
    found = band_passed(image, pixel, low_pass=25, high_pass=150)
    np.testing.assert_allclose(found, 5 + middle, atol=1e-3)
    np.testing.assert_allclose(band_passed(image, pixel, low_pass=25), 5 + coarse + middle, atol=1e-3)
    np.testing.assert_array_equal(band_passed(image, pixel), image)


def test_a_bright_edge_throws_no_shadow_onto_the_opposite_one():
    image = np.zeros((64, 64), dtype=np.float32)
    image[:, :4] = 100
    assert np.abs(band_passed(image, 2.0, low_pass=20)[:, -8:]).max() < 2


def test_typical_is_blind_to_contamination():
    rng = np.random.default_rng(2)
    image = rng.normal(3, 2, size=(400, 400)).astype(np.float32)
    image[:60, :60] = -500
    middle, deviation = typical(image)
    assert middle == pytest.approx(3, abs=0.1)
    assert deviation == pytest.approx(2, rel=0.05)


def test_greys_cut_at_black_and_white():
    image = np.array([[-10, 0, 5, 10, 20, np.nan, np.inf]])
    assert greys(image, 0, 10).tolist() == [[0, 0, 127, 255, 255, 0, 255]]
    assert greys(image, 10, 0).tolist()[0][:5] == [255, 255, 127, 0, 0]
    assert set(greys(image, 4, 4).ravel()) == {128}
