"""The NUFFT against direct sums, its inverse, and the angular harmonics."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.likelihood.cartesian import Nodes, direct_transform
from relionlab.engine.masks import soft_circle
from relionlab.engine.polar import PolarGrid, PolarSampler, angular_samples, angular_spectrum


def masked_noise(box: int, radius: float, *, count: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mask = soft_circle(box, radius - 4, 4)
    return rng.standard_normal((count, box, box)).astype(np.float32) * mask


@pytest.mark.parametrize("box", [32, 36, 50])
@pytest.mark.parametrize("scale", [1.0, 0.8, 1.25])
def test_samples_are_direct_sums(box: int, scale: float):
    grid = PolarGrid(box, int(box / 2 / max(scale, 1)) - 1, 0.4 * box)
    images = masked_noise(box, 0.4 * box)
    x, y = (values.ravel() for values in grid.frequencies())
    expected = direct_transform(images.astype(float), scale * x, scale * y)
    found = PolarSampler(grid, box, scale=scale).sample(images).reshape(len(images), -1)
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.linalg.norm(found - expected) < 3e-5 * np.linalg.norm(expected)


def test_a_shifted_point_has_the_phase_of_its_place():
    """Fixes signs and the origin: y points down, the origin is pixel n // 2."""
    grid = PolarGrid(24, 8, 10.0)
    image = np.zeros((1, 24, 24), np.float32)
    image[0, 12 - 3, 12 + 5] = 1
    x, y = grid.frequencies()
    expected = np.exp(-2j * np.pi / 24 * (5 * x - 3 * y)) / 24**2
    np.testing.assert_allclose(PolarSampler(grid, 24).sample(image)[0], expected, atol=3e-5 / 24**2)


@pytest.mark.parametrize("box", [32, 48])
def test_image_undoes_sample(box: int):
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:box, :box] - box // 2
    # nothing beyond the outermost ring; what remains is the sum over rings in place of the integral: 0.8 %
    images = np.zeros((2, box, box))
    for image in images:
        for _ in range(5):
            a, b = rng.uniform(-0.15 * box, 0.15 * box, 2)
            image += rng.uniform(-1, 1) * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 1.8**2))
    grid = PolarGrid(box, box // 2 - 1, 0.4 * box)
    sampler = PolarSampler(grid, box)
    back = sampler.image(sampler.sample(images.astype(np.float32)), images.mean(axis=(1, 2)))
    inside = np.hypot(x, y) < 0.4 * box
    assert np.linalg.norm((back - images)[:, inside]) < 1.5e-2 * np.linalg.norm(images[:, inside])


def test_spread_is_the_transpose_of_gather():
    """<image(p), i> = <p, sample(i)> over the full plane, up to the weights that image applies."""
    grid, rng = PolarGrid(32, 12, 13.0), np.random.default_rng(2)
    sampler = PolarSampler(grid, 32)
    images = masked_noise(32, 13.0, count=1)
    samples = rng.standard_normal((1, 12, grid.n_angles // 2)) + 1j * rng.standard_normal((1, 12, grid.n_angles // 2))
    left = (sampler.image(samples) * images).sum()
    right = 2 * 32**2 * (np.conj(samples) * sampler.sample(images) * grid.area[:, None]).sum().real
    assert left == pytest.approx(right, rel=1e-4)


def test_rings_stand_for_the_pixels_of_the_disc():
    grid = PolarGrid(64, 20, 25.0)
    assert grid.area.sum() * grid.n_angles == pytest.approx(np.pi * 20.5**2, rel=0.01)
    assert Nodes.pixels(64, 20).weight.sum() == pytest.approx(np.pi * 20.5**2 / 2, rel=0.01)


@pytest.mark.parametrize(("rings", "extent"), [(3, 5.0), (9, 8.0), (15, 14.0)])
def test_angular_spectrum_and_samples_are_inverse(rings: int, extent: float):
    grid, rng = PolarGrid(32, rings, extent), np.random.default_rng(3)
    harmonics = grid.harmonics
    spectrum = rng.standard_normal((2, rings, harmonics + 1)) + 1j * rng.standard_normal((2, rings, harmonics + 1))
    spectrum[..., 0] = spectrum[..., 0].real  # F(phi + pi) = conj F(phi)
    samples = angular_samples(spectrum, grid.n_angles)
    np.testing.assert_allclose(angular_spectrum(samples, harmonics), spectrum, atol=1e-12)
    single = angular_spectrum(samples.astype(np.complex64), harmonics)
    assert single.dtype == np.complex64
    assert np.abs(single - spectrum).max() < 1e-5


def test_angular_spectrum_is_the_fourier_series_of_the_full_circle():
    grid, rng = PolarGrid(32, 6, 9.0), np.random.default_rng(4)
    half = rng.standard_normal((6, grid.n_angles // 2)) + 1j * rng.standard_normal((6, grid.n_angles // 2))
    full = np.concatenate([half, np.conj(half)], axis=-1)
    angles = 2 * np.pi * np.arange(grid.n_angles) / grid.n_angles
    found = angular_spectrum(half, grid.harmonics)
    for q in range(grid.harmonics + 1):
        np.testing.assert_allclose(found[:, q], (full * np.exp(-1j * q * angles)).mean(axis=-1), atol=1e-12)


def test_turning_an_image_is_a_phase_of_its_harmonics():
    """exp(i q a) on the harmonics is F(phi + a): what the search over psi rests on."""
    box, grid = 36, PolarGrid(36, 12, 14.0)
    image, angle = masked_noise(box, 14.0, count=1).astype(float), 23.0
    nodes = Nodes.polar(grid)
    spectrum = angular_spectrum(PolarSampler(grid, box).sample(image.astype(np.float32)), grid.harmonics)
    turned = angular_samples(spectrum * np.exp(1j * np.radians(angle) * np.arange(grid.harmonics + 1)), grid.n_angles)
    expected = direct_transform(image, *nodes.turned(angle)).reshape(turned.shape)
    assert np.linalg.norm(turned - expected) < 1e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize(("box", "extent"), [(32, 13.0), (64, 20.0), (100, 45.0)])
def test_harmonics_that_are_cut_are_negligible(box: int, extent: float):
    """Before first_ring a harmonic has less than 1e-5 of the power; beyond ``harmonics`` there is as little."""
    images = masked_noise(box, extent)
    grid = PolarGrid(box, box // 2 - 1, extent)
    wide = PolarGrid(box, grid.radius, min(1.5 * extent, 1.5 * box))
    spectrum = angular_spectrum(PolarSampler(wide, box).sample(images), wide.harmonics)
    power = np.abs(spectrum).astype(float) ** 2
    power[..., 1:] *= 2
    total = power.sum()
    assert power[..., grid.harmonics + 1 :].sum() < 1e-5 * total
    cut = sum(power[:, : grid.first_ring(q), q].sum() for q in range(grid.harmonics + 1))
    assert cut < 1e-5 * total
    # and the cut is worth it: a third or more of the products are not made
    kept = sum(grid.radius - grid.first_ring(q) for q in range(grid.harmonics + 1))
    assert kept < 0.75 * grid.radius * (grid.harmonics + 1)


def test_samples_on_a_circle_are_even_and_enough():
    for radius in range(1, 60, 7):
        grid = PolarGrid(128, radius, 50.0)
        assert grid.n_angles % 2 == 0
        assert grid.n_angles > 2 * grid.harmonics
