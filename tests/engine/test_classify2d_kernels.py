"""The kernels' whole-array bodies, which a GPU runs, against the loops that the CPU runs."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.kernels.gridding import gather, gather_arrays, spread, spread_arrays
from relionlab.engine.kernels.posterior import weigh, weigh_arrays

ROWS, WIDTH, TAPS, SAMPLES = 17, 24, 6, 200


@pytest.fixture
def grid() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    first = rng.integers(0, ROWS - TAPS + 1, SAMPLES).astype(np.int32)
    columns = (rng.integers(0, WIDTH, SAMPLES)[:, None] + np.arange(TAPS)).astype(np.int32) % WIDTH
    return first, columns, *rng.uniform(0, 1, (2, SAMPLES, TAPS)).astype(np.float32)


def test_gather_bodies_agree(grid: tuple[np.ndarray, ...]):
    rng = np.random.default_rng(1)
    planes = (rng.standard_normal((3, ROWS, WIDTH)) + 1j * rng.standard_normal((3, ROWS, WIDTH))).astype(np.complex64)
    np.testing.assert_allclose(gather_arrays(planes, *grid), gather(planes, *grid), rtol=0, atol=1e-5)


def test_spread_bodies_agree(grid: tuple[np.ndarray, ...]):
    rng = np.random.default_rng(2)
    values = rng.standard_normal((3, SAMPLES)) + 1j * rng.standard_normal((3, SAMPLES))
    found, expected = (body(values, *grid, ROWS, WIDTH) for body in (spread_arrays, spread))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("fraction", [0.9, 0.999, 1.0])
@pytest.mark.parametrize("spread_of", [0.01, 3.0, 300.0])
def test_weigh_bodies_agree(fraction: float, spread_of: float):
    rng = np.random.default_rng(3)
    table = (spread_of * rng.standard_normal((3, 7, 5, 9)) + 4000).astype(np.float32)
    table[1, :, 2] = -1e30  # a particle that is held to other classes
    results = []
    for body in (weigh, weigh_arrays):
        weights, best, numbers = table.copy(), np.zeros((5, 3), np.int64), np.zeros((5, 4))
        active = np.zeros((3, 5, 9), bool)
        body(weights, fraction, best, numbers, active)
        results.append((weights, best, numbers, active))
    for found, expected in zip(results[1], results[0], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    weights = results[0][0].astype(float)
    np.testing.assert_allclose(weights.sum(axis=(0, 1, 3)), 1, rtol=1e-5)
    exact = np.exp(table.astype(float) - table.astype(float).max(axis=(0, 1, 3), keepdims=True)[..., :])
    exact /= exact.sum(axis=(0, 1, 3), keepdims=True)
    assert np.abs(weights - exact).sum(axis=(0, 1, 3)).max() < 2.1 * (1 - fraction) + 1e-5
