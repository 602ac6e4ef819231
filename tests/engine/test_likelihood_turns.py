"""Folding angular harmonics onto the angles of a search."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid

GRID = PolarGrid(box=48, radius=15, extent=17.0)
COUNTS = [1, 2, 9, 24, 60, 61, 200]


def spectra(seed: int, count: int, turns: Turns) -> np.ndarray:
    """Random (n, k, q) spectra that are zero where a grid keeps no harmonics; harmonic 0 is real."""
    rng = np.random.default_rng(seed)
    shape = (count, GRID.radius, GRID.harmonics + 1)
    values = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    return turns.unfolded(turns.folded(values))


@pytest.mark.parametrize("count", COUNTS)
def test_every_kept_harmonic_has_one_place(count: int):
    turns = Turns(GRID, count)
    places = list(zip(turns.ring[turns.filled].tolist(), turns.harmonic[turns.filled].tolist(), strict=True))
    kept = {(k, q) for q in range(GRID.harmonics + 1) for k in range(GRID.first_ring(q), GRID.radius)}
    assert len(places) == len(kept)
    assert set(places) == kept
    assert turns.rows <= count // 2 + 2


@pytest.mark.parametrize("count", COUNTS)
def test_products_over_rows_are_those_of_the_harmonics(count: int):
    """Re sum over q of both signs of conj(Z) R exp(i q psi), from rows and directly."""
    turns = Turns(GRID, count)
    z, r = spectra(1, 3, turns), spectra(2, 1, turns)[0]
    rows_z, rows_r = turns.folded(z), turns.folded(r)
    both = np.stack([np.conj(rows_z) * rows_r[:, None], np.conj(1j * turns.sign[:, None] * rows_z) * rows_r[:, None]])
    products = both.real.sum(axis=-1).transpose(1, 0, 2).astype(np.float32)  # (row, 2, n)
    found = np.empty((count, 3), np.float32)
    turns.to_angles(products, found)
    angles = 2 * np.pi * np.arange(count) / count
    phase = np.exp(1j * np.outer(angles, np.arange(GRID.harmonics + 1)))
    twice = np.where(np.arange(GRID.harmonics + 1) == 0, 1, 2)
    expected = ((np.conj(z) * r).sum(axis=1) * twice @ phase.T).real.T
    np.testing.assert_allclose(found, expected, atol=3e-6 * np.abs(expected).max())


@pytest.mark.parametrize("count", COUNTS)
def test_harmonics_of_values_at_the_angles(count: int):
    turns = Turns(GRID, count)
    values = np.random.default_rng(3).standard_normal((count, 5)).astype(np.float32)
    rows = turns.from_angles(values)
    harmonics = np.arange(GRID.harmonics + 1)
    direct = np.exp(-2j * np.pi * np.outer(harmonics, np.arange(count)) / count) @ values
    np.testing.assert_allclose(turns.even_harmonics(rows), direct[0::2], atol=2e-4)
    np.testing.assert_allclose(turns.first_harmonic(rows), direct[1], atol=2e-4)


@pytest.mark.parametrize("count", COUNTS)
def test_even_harmonics_are_folded_as_the_others(count: int):
    turns = Turns(GRID, count)
    spectrum = spectra(4, 1, turns)[0, :, 0::2].sum(axis=0)[:, None].astype(np.complex64)  # (q / 2, 1)
    found = np.empty((count, 1), np.float32)
    turns.to_angles(turns.folded_even(spectrum), found)
    angles, even = 2 * np.pi * np.arange(count) / count, np.arange(0, GRID.harmonics + 1, 2)
    twice = np.where(even == 0, 1, 2)[:, None]
    expected = (np.exp(1j * np.outer(angles, even)) @ (twice * spectrum)).real
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_sums_over_harmonics_per_ring():
    turns = Turns(GRID, 24)
    z = spectra(5, 2, turns)
    expected = (np.abs(z) ** 2) @ np.where(np.arange(GRID.harmonics + 1) == 0, 1, 2)
    np.testing.assert_allclose(turns.ring_sums(np.abs(turns.folded(z)) ** 2), expected, rtol=1e-5)


def test_bands_hold_every_ring_that_is_wanted():
    turns = Turns(GRID, 24)
    for stop in (4, GRID.radius):
        bands = turns.bands_within(slice(0, stop))
        assert [low for low, _, _ in bands] == [0, *[high for _, high, _ in bands[:-1]]]
        assert bands[-1][1] == turns.rows
        for low, high, places in bands:
            beyond = turns.ring[low:high, places:][turns.filled[low:high, places:]]
            assert (beyond >= stop).all()
