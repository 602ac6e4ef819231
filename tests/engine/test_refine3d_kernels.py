"""The whole-array bodies of the 3D kernels, which a GPU runs, against the loops that the CPU runs."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.kernels import known_poses, views
from relionlab.engine.likelihood.cartesian import Nodes
from relionlab.engine.likelihood.pixels import Pixels
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid
from relionlab.engine.rotations import matrix_from_euler, random_euler
from relionlab.engine.volume import Lattice


def noise(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def test_pixels_are_those_of_half_the_plane_ring_by_ring():
    pixels, plain = Pixels.up_to(9), Nodes.pixels(24, 9)
    assert {*zip(pixels.x, pixels.y, strict=True)} == {*zip(plain.x, plain.y, strict=True)}
    rings = np.floor(np.hypot(pixels.x, pixels.y) + 0.5)
    np.testing.assert_array_equal(rings, np.repeat(np.arange(1, 10), pixels.counts))
    fewer = Pixels.up_to(5)
    np.testing.assert_array_equal(pixels.x[: len(fewer.x)], fewer.x)


@pytest.fixture
def planes() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    pixels, more = Pixels.up_to(6), Pixels.up_to(8)
    turns = (matrix_from_euler(*random_euler(rng, 5))[:, :2] * 2).astype(np.float32)
    points = np.stack([pixels.x, pixels.y], axis=1).astype(np.float32)
    transfer = rng.standard_normal((5, len(more.x))).astype(np.float32)
    return turns, points, pixels.first, noise(rng, 5, len(more.x)), transfer


def test_compare_bodies_agree(planes: tuple[np.ndarray, ...]):
    rng = np.random.default_rng(1)
    volumes = rng.standard_normal((*Lattice(24, 6).shape, 3, 2)).astype(np.float32)
    for found, expected in zip(
        known_poses.compare_arrays(volumes, *planes), known_poses.compare(volumes, *planes), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_insert_bodies_agree(planes: tuple[np.ndarray, ...]):
    rng = np.random.default_rng(2)
    towards, weight = rng.uniform(0, 1, (2, 5, 6)).astype(np.float32)
    towards[3], weight[3] = 0, 0
    both = [np.zeros((*Lattice(24, 6).shape, 3), np.float32) for _ in range(2)]
    for sums, body in zip(both, (known_poses.insert_arrays, known_poses.insert), strict=True):
        body(sums, *planes, towards, weight)
    assert np.abs(both[1]).max() > 0.1
    np.testing.assert_allclose(both[0], both[1], rtol=1e-4, atol=1e-4)


def test_view_bodies_agree():
    rng = np.random.default_rng(3)
    turns = Turns(PolarGrid(24, 6, 9.0), 12)
    spectra = noise(rng, 7, turns.rows, turns.width) * turns.filled
    index = np.array([5, 0, 5, 2])
    turn = np.exp(2j * np.pi * rng.uniform(size=(4, 1)) * np.arange(turns.harmonic.max() + 1)).astype(np.complex64)
    found, expected = (
        body(spectra, index, turn, turns.harmonic) for body in (views.gather_arrays, views.gather_turned)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    parts = rng.standard_normal(expected.shape).astype(np.float32) * np.repeat(turns.filled, 2, axis=1)[:, None]
    results = []
    for body in (views.scatter_arrays, views.scatter_turned):
        sums, cross = np.zeros_like(spectra), np.zeros(6)
        body(sums, parts, expected, index, turn, turns.harmonic, turns.ring, cross)
        results.append((sums, cross))
    for one, other in zip(*results, strict=True):
        assert np.abs(other).max() > 0.1
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
