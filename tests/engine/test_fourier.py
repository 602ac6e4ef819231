"""Transforms of centred images: what they mean, and that cropping and shifting do what they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import fft

from relionlab.engine import fourier


@pytest.mark.parametrize("n", [7, 8, 32])
def test_transform_has_its_origin_in_the_middle_and_is_divided_by_the_number_of_pixels(n: int) -> None:
    images = np.random.default_rng(0).normal(size=(3, n, n))
    expected = fft.rfft2(fft.ifftshift(images, axes=(-2, -1))) / n**2
    np.testing.assert_allclose(fourier.rfft2_centred(images), expected, atol=1e-15)
    np.testing.assert_allclose(fourier.irfft2_centred(expected, n), images, atol=1e-13)


@pytest.mark.parametrize("n", [6, 7])
def test_three_dimensional_transform_goes_there_and_back(n: int) -> None:
    maps = np.random.default_rng(0).normal(size=(2, n, n, n))
    transform = fourier.rfft3_centred(maps)
    expected = fft.rfftn(fft.ifftshift(maps, axes=(-3, -2, -1)), axes=(-3, -2, -1)) / n**3
    np.testing.assert_allclose(transform, expected, atol=1e-15)
    np.testing.assert_allclose(fourier.irfft3_centred(transform, n), maps, atol=1e-13)


@pytest.mark.parametrize(("dtype", "complex_dtype"), [(np.float32, np.complex64), (np.float64, np.complex128)])
def test_precision_follows_the_input(dtype: type, complex_dtype: type) -> None:
    images = np.ones((2, 8, 8), dtype)
    transform = fourier.rfft2_centred(images)
    assert transform.dtype == complex_dtype
    assert fourier.irfft2_centred(transform, 8).dtype == dtype
    assert fourier.resize(images, 6).dtype == dtype
    assert fourier.shift(images, np.zeros((2, 2))).dtype == dtype


@pytest.mark.parametrize(("m", "n"), [(32, 20), (32, 21), (31, 20), (20, 32), (21, 33)])
def test_resizing_keeps_a_smooth_centred_object_where_it_is(m: int, n: int) -> None:
    def blob(size: int) -> np.ndarray:
        y, x = (np.indices((size, size)) - size // 2) / size
        return np.exp(-((x - 0.06) ** 2 + (y + 0.09) ** 2) / (2 * 0.1**2))

    np.testing.assert_allclose(fourier.resize(blob(m)[None], n)[0], blob(n), atol=1e-4)


def test_resizing_a_map_keeps_its_grey_values() -> None:
    z, y, x = (np.indices((24, 24, 24)) - 12) / 24
    smaller = fourier.resize_map(np.exp(-(x**2 + y**2 + z**2) / (2 * 0.1**2)), 16)
    z, y, x = (np.indices((16, 16, 16)) - 8) / 16
    np.testing.assert_allclose(smaller, np.exp(-(x**2 + y**2 + z**2) / (2 * 0.1**2)), atol=1e-4)


def test_positive_shift_moves_right_and_down() -> None:
    images = np.zeros((2, 9, 9))
    images[:, 4, 4] = 1
    moved = fourier.shift(images, np.array([[2.0, 1.0], [-3.0, 0.0]]))
    assert np.unravel_index(moved[0].argmax(), (9, 9)) == (5, 6)
    assert np.unravel_index(moved[1].argmax(), (9, 9)) == (4, 1)


def test_white_noise_has_a_flat_spectrum() -> None:
    n = 32
    images = np.random.default_rng(0).normal(size=(400, n, n))
    spectrum = fourier.radial_average(np.abs(fourier.rfft2_centred(images)) ** 2, n).mean(axis=0) * n**2
    np.testing.assert_allclose(spectrum, 1, atol=0.2)
    assert spectrum.shape == (n // 2 + 1,)


@pytest.mark.parametrize("n", [8, 9])
def test_weights_count_the_full_plane(n: int) -> None:
    images = np.random.default_rng(0).normal(size=(n, n))
    half = (np.abs(fourier.rfft2_centred(images)) ** 2 * fourier.hermitian_weights(n)).sum()
    assert half == pytest.approx((images**2).mean())


def test_shells_are_rounded_radii() -> None:
    index = fourier.radial_index(8)
    assert index.shape == (8, 5)
    assert index[0].tolist() == [0, 1, 2, 3, 4]
    assert index[7, 1] == 1
    assert index[4, 4] == 6
