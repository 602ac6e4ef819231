"""Angular spectra in the rows of Turns, by matrix products."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.kernels.folding import mirrored_arrays, mirrored_parts, rows_of_arrays, to_rows
from relionlab.engine.likelihood.folding import Folding
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid, angular_samples, angular_spectrum, offset_phases

GRIDS = [PolarGrid(48, 15, 17.0), PolarGrid(32, 5, 9.0), PolarGrid(64, 31, 30.0)]


def samples(grid: PolarGrid, turns: Turns) -> np.ndarray:
    """Three images' samples, with the harmonics that a grid keeps."""
    rng = np.random.default_rng(0)
    shape = (3, grid.radius, grid.harmonics + 1)
    spectrum = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    spectrum[..., 0] = spectrum[..., 0].real
    return angular_samples(turns.unfolded(turns.folded(spectrum)), grid.n_angles).astype(np.complex64)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("count", [24, 61])
def test_spectra_at_offsets_are_those_of_fourier_transforms(grid: PolarGrid, count: int):
    turns = Turns(grid, count)
    given = samples(grid, turns)
    phases = offset_phases(grid, np.array([[0.0, 0.0], [1.3, -0.4]])).astype(np.complex64)
    moved = (given[:, None] * phases).reshape(-1, *given.shape[1:])
    expected = turns.folded(angular_spectrum(moved, grid.harmonics))
    plain, turned = Folding(grid, turns).moved(given, phases).view(np.complex64)
    np.testing.assert_allclose(plain, expected, atol=2e-6 * np.abs(expected).max())
    np.testing.assert_allclose(turned, 1j * turns.sign[:, None] * plain, atol=1e-6)


@pytest.mark.parametrize("grid", GRIDS)
def test_spectra_of_samples_as_they_are(grid: PolarGrid):
    turns = Turns(grid, 24)
    given = samples(grid, turns)
    expected = turns.folded(angular_spectrum(given, grid.harmonics))
    np.testing.assert_allclose(Folding(grid, turns).rows(given), expected, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("grid", GRIDS)
def test_bodies_of_whole_arrays_do_the_same(grid: PolarGrid):
    turns = Turns(grid, 24)
    given = samples(grid, turns)
    phases = offset_phases(grid, np.array([[0.7, 0.2], [1.3, -0.4]])).astype(np.complex64)
    for each in (None, phases):
        np.testing.assert_allclose(mirrored_parts(given, each), mirrored_arrays(given, each), atol=1e-5)
    spectra = np.random.default_rng(1).standard_normal((4, grid.radius, 5, grid.harmonics // 2 + 1)).astype(np.float32)
    harmonic = np.where(turns.filled, turns.harmonic, -1)
    found, expected = np.empty((2, 2, turns.rows, 5, 2 * turns.width), np.float32)
    to_rows(spectra, harmonic, turns.ring, turns.sign, found)
    rows_of_arrays(spectra, harmonic, turns.ring, turns.sign, expected)
    np.testing.assert_array_equal(found, expected)
