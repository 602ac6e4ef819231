"""Maps in Fourier space: slices in and out are transposes, accuracies, and the map comes back."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.kernels import volumes, weights
from relionlab.engine.polar import PolarGrid
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import random_rotations
from relionlab.engine.symmetry import point_group
from relionlab.engine.volume import (
    KAISER_BESSEL,
    LINEAR,
    FourierSums,
    Lattice,
    PolarSlicer,
    reconstruct,
    weight_spectrum,
)
from tests.engine.volume_cases import Blobs, shell_correlation

N = 32
GRID = PolarGrid(N, 14, 13.0)


def in_plane(rotations: np.ndarray) -> np.ndarray:
    """The polar samples' frequencies (N, P, 3) in space."""
    x, y = (part.ravel() for part in GRID.frequencies())
    return np.stack([x, y], axis=1) @ rotations[:, :2]


@pytest.mark.parametrize(("taps", "allowed"), [(LINEAR, 2.5e-2), (KAISER_BESSEL, 1e-3), (6, 2e-5)])
def test_slices_are_as_exact_as_their_kernel(taps: int, allowed: float) -> None:
    blobs, rotations = Blobs(N), random_rotations(np.random.default_rng(0), 5)
    found = PolarSlicer.of_map(blobs.map(), GRID, taps=taps).slices(rotations).reshape(5, -1)
    exact = blobs.transform(in_plane(rotations))
    assert np.linalg.norm(found - exact) < allowed * np.linalg.norm(exact)


def test_spectra_are_those_of_the_slices() -> None:
    from relionlab.engine.polar import angular_samples

    slicer = PolarSlicer.of_map(Blobs(N).map(), GRID)
    rotations = random_rotations(np.random.default_rng(1), 3)
    again = angular_samples(slicer.spectra(rotations), GRID.n_angles)
    slices = slicer.slices(rotations)
    assert np.linalg.norm(again - slices) < 2e-3 * np.linalg.norm(slices)


@pytest.mark.parametrize("taps", [LINEAR, KAISER_BESSEL])
def test_putting_in_is_the_transpose_of_taking_out(taps: int) -> None:
    rng = np.random.default_rng(2)
    lattice, rotations = Lattice(N, 14, 2, taps), random_rotations(rng, 6)
    slices = rng.normal(size=(6, 14, GRID.n_angles // 2)) + 1j * rng.normal(size=(6, 14, GRID.n_angles // 2))
    sums = FourierSums.zeros(lattice)
    sums.insert_polar(slices, np.abs(slices), rotations, grid=GRID)
    volume = rng.normal(size=(*lattice.shape, 2)).astype(np.float32)
    x, y = (part.ravel() for part in GRID.frequencies())
    points, turns = np.stack([x, y], axis=1), rotations[:, :2] * 2
    taken = volumes.gather_slices(volume, turns, points, table=lattice.table, taps=taps)
    area = np.repeat(GRID.area, GRID.n_angles // 2)
    flat = slices.reshape(6, -1) * area
    left = np.sum(taken[..., 0] * flat.real + taken[..., 1] * flat.imag)
    right = np.sum(volume.astype(np.float64) * sums.array[..., :2])
    assert left == pytest.approx(right, rel=1e-4)
    assert sums.array[..., 2].sum() == pytest.approx(np.abs(flat).sum(), rel=1e-3)


@pytest.mark.parametrize("taps", [LINEAR, KAISER_BESSEL])
def test_both_bodies_of_the_loops_agree(taps: int) -> None:
    rng = np.random.default_rng(3)
    lattice, rotations = Lattice(12, 5, 2, taps), random_rotations(rng, 4)
    points = rng.uniform(-3.4, 3.4, (30, 2))
    volume = rng.normal(size=(*lattice.shape, 2))
    turns = rotations[:, :2] * 2
    fast = volumes.gather_slices(volume, turns, points, table=lattice.table, taps=taps)
    np.testing.assert_allclose(fast, volumes.gather_arrays(volume, turns, points, lattice.table, taps), atol=1e-10)
    values = rng.normal(size=(4, 30, 3))
    one, two = np.zeros((*lattice.shape, 3)), np.zeros((*lattice.shape, 3))
    volumes.spread_slices(one, turns, points, values, table=lattice.table, taps=taps)
    volumes.spread_arrays(two, turns, points, values, lattice.table, taps)
    np.testing.assert_allclose(one, two, atol=1e-10)


def test_both_bodies_of_symmetrising_agree_and_group_is_kept() -> None:
    rng = np.random.default_rng(4)
    sums = FourierSums(Lattice(12, 5), rng.normal(size=(*Lattice(12, 5).shape, 3)))
    sums.array[[0, -1]], sums.array[:, [0, -1]], sums.array[:, :, [0, -1]] = 0, 0, 0
    completed = sums.completed()
    group = point_group("D3")
    turned = volumes.symmetrise(completed, group.operations)
    np.testing.assert_allclose(turned, volumes.symmetrise_arrays(completed, group.operations), atol=1e-10)
    exact = sums.completed(point_group("O"))  # its operations move lattice points onto lattice points
    again = volumes.symmetrise(exact, point_group("O").operations) / 24
    np.testing.assert_allclose(again, exact, atol=1e-10)


def test_smoothing_is_a_convolution_in_the_whole_space() -> None:
    from scipy.ndimage import convolve1d

    rng = np.random.default_rng(5)
    half = rng.random((11, 11, 6))
    half[:, :, 0] += half[::-1, ::-1, 0]
    whole = np.pad(np.concatenate([half[::-1, ::-1, :0:-1], half], axis=2), 1)
    for axis in range(3):
        whole = convolve1d(whole, [0.25, 0.5, 0.25], axis=axis, mode="constant")
    np.testing.assert_allclose(weights.smooth(half), whole[1:-1, 1:-1, 6:-1], atol=1e-12)


def test_both_bodies_count_the_points_that_reach_a_weight() -> None:
    rng = np.random.default_rng(12)
    weight, least = rng.random((21, 21, 11)), np.linspace(0.1, 0.9, 6)
    found = weights.shell_shares(weight, least, padding=2)
    np.testing.assert_allclose(found, 1 - least, atol=0.25)
    assert np.array_equal(found, weights.shell_shares_of_arrays(weight, least, 2))


@pytest.mark.parametrize(("n", "radius"), [(32, 16), (32, 12), (27, 13)])
def test_a_map_comes_back_from_its_projections(n: int, radius: int) -> None:
    map_ = Blobs(n).map()
    rotations = random_rotations(np.random.default_rng(6), 600)
    slices = Projector.of_map(map_, padding=3).slices(rotations)
    sums = FourierSums.zeros(Lattice(n, radius))
    sums.insert_planes(slices, np.ones(slices.shape, np.float32), rotations)
    found = reconstruct(sums)
    assert shell_correlation(found, map_)[: radius - 1].min() > 0.985
    assert np.sum(found * map_) / np.sum(map_**2) == pytest.approx(1, abs=0.03)


def test_polar_slices_give_the_same_map_as_planes() -> None:
    map_, rotations = Blobs(N).map(), random_rotations(np.random.default_rng(7), 500)
    slicer = PolarSlicer.of_map(map_, GRID)
    polar = slicer.slices(rotations)
    sums = FourierSums.zeros(Lattice(N, 14, 2, KAISER_BESSEL))
    origin = np.full(500, map_.sum() / N**2 + 0j)
    sums.insert_polar(polar, np.ones(polar.shape), rotations, grid=GRID, at_origin=(origin, np.ones(500)))
    found = reconstruct(sums)
    assert shell_correlation(found, map_)[:13].min() > 0.99
    assert np.sum(found * map_) / np.sum(map_**2) == pytest.approx(1, abs=0.05)


def test_images_of_another_pixel_size_fit_in() -> None:
    """Boxes of 32 px and of 48 px at two thirds of the pixel size cover the same field."""
    from relionlab.engine.fourier import crop_rfft2

    map_, rotations = Blobs(N).map(), random_rotations(np.random.default_rng(8), 300)
    slices = Projector.of_map(map_, padding=3).slices(rotations)
    finer = crop_rfft2(slices, 48)
    one, two = (FourierSums.zeros(Lattice(N, 15)) for _ in range(2))
    one.insert_planes(slices, np.ones(slices.shape, np.float32), rotations)
    two.insert_planes(finer, np.ones(finer.shape, np.float32), rotations)
    np.testing.assert_allclose(one.array, two.array, atol=1e-6 * np.abs(one.array).max())


def test_symmetry_adds_up_and_weights_count_the_particles() -> None:
    map_, rotations = Blobs(N).map(), random_rotations(np.random.default_rng(9), 400)
    slices = Projector.of_map(map_).slices(rotations)
    sums = FourierSums.zeros(Lattice(N, 15))
    sums.insert_planes(slices, np.ones(slices.shape, np.float32), rotations)
    plain, fourfold = (weight_spectrum(sums.completed(group), sums.lattice) for group in (None, point_group("D2")))
    np.testing.assert_allclose(fourfold[3:14], 4 * plain[3:14], rtol=0.05)
    shells = np.arange(3, 14)
    np.testing.assert_allclose(plain[3:14], 400 / (2 * shells), rtol=0.15)  # rings of 2 pi k over shells of 4 pi k²


def test_the_prior_damps_what_is_not_known() -> None:
    map_, rotations = Blobs(N).map(), random_rotations(np.random.default_rng(10), 300)
    slices = Projector.of_map(map_).slices(rotations)
    sums = FourierSums.zeros(Lattice(N, 15))
    sums.insert_planes(slices, np.ones(slices.shape, np.float32), rotations)
    half = reconstruct(sums, inverse_tau2=weight_spectrum(sums.completed(), sums.lattice), masked=False)
    whole = reconstruct(sums, masked=False)
    assert np.sum(half * whole) / np.sum(whole**2) == pytest.approx(0.5, abs=0.05)


def test_merging_is_adding_in_double_precision() -> None:
    rng = np.random.default_rng(11)
    parts = [
        FourierSums(Lattice(8, 3), rng.normal(size=(*Lattice(8, 3).shape, 3)).astype(np.float32)) for _ in range(3)
    ]
    arrays = [part.array.copy() for part in parts]
    total = parts[0].merged(parts[1]).merged(parts[2])
    assert total.array.dtype == np.float64
    np.testing.assert_allclose(total.array, np.sum(np.array(arrays, np.float64), axis=0), atol=1e-12)
