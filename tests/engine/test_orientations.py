"""How views cover Fourier space, against what is known of some distributions."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.orientations import fourier_coverage, view_counts
from relionlab.engine.rotations import random_euler
from relionlab.engine.sampling import healpix
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.engine.symmetry import point_group
from relionlab.errors import InputError


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_even_views_cover_everything_evenly(rng):
    rot, tilt, _ = random_euler(rng, 50_000)
    coverage = fourier_coverage(rot, tilt)
    assert coverage.scf == pytest.approx(1.0, abs=0.01)
    assert coverage.empty == 0


@pytest.mark.parametrize("count", [100, 400, 2000])
def test_few_even_views_are_not_mistaken_for_preferred_ones(rng, count):
    rot, tilt, _ = random_euler(rng, count)
    assert fourier_coverage(rot, tilt).scf > 0.95


def test_side_views_have_the_published_factor(rng):
    """Baldwin & Lyumkis 2020: sampling is 2 / (π sin α), and its factor 8 / π² = 0.81."""
    rot = rng.uniform(-180, 180, 50_000)
    coverage = fourier_coverage(rot, np.full_like(rot, 90.0))
    assert coverage.scf == pytest.approx(8 / np.pi**2, abs=0.01)
    away = (coverage.tilt > 20) & (coverage.tilt < 160)
    expected = 2 / (np.pi * np.sin(np.radians(coverage.tilt[away])))
    assert np.sqrt(np.mean((coverage.sampling[away] / expected - 1) ** 2)) < 0.06  # views are counted on a grid


def test_one_view_measures_one_plane():
    coverage = fourier_coverage(np.zeros(5000), np.zeros(5000))
    assert coverage.scf == 0
    thickness = np.sin(np.radians(coverage.width))  # of a band about the equator, over the sphere's area
    assert coverage.empty == pytest.approx(1 - thickness, abs=0.02)


@pytest.mark.parametrize("tilt", [30.0, 45.0, 60.0])
def test_tilted_stage_leaves_a_cone(rng, tilt):
    """Views on a cone about the axis leave two caps of half angle 90° - tilt empty, 1 - sin(tilt) of the sphere."""
    rot = rng.uniform(-180, 180, 50_000)
    coverage = fourier_coverage(rot, np.full_like(rot, tilt))
    edge = np.radians(90 - tilt - coverage.width)  # the band reaches into them
    assert coverage.empty == pytest.approx(1 - np.cos(edge), abs=0.02)
    assert coverage.scf == 0


def test_symmetry_completes_views():
    """One view per axis of an octahedron measures three planes; a single one of them measures one."""
    alone = fourier_coverage(np.zeros(4000), np.zeros(4000))
    cubic = fourier_coverage(np.zeros(4000), np.zeros(4000), symmetry="O")
    assert 2.5 < (1 - cubic.empty) / (1 - alone.empty) < 3.5


def test_counts_are_as_symmetric_as_the_group(rng):
    rot, tilt = rng.uniform(-20, 20, 3000), rng.uniform(30, 60, 3000)
    group = point_group("D2")
    counts = view_counts(rot, tilt, symmetry="D2", order=2)
    assert counts.sum() == 3000 * group.order
    every = np.concatenate([unit_vectors(rot, tilt) @ operation for operation in group.operations])
    assert np.allclose(every.mean(axis=0), 0, atol=1e-12)  # D2 leaves no direction preferred
    again = view_counts(*(np.degrees([np.arctan2(every[:, 1], every[:, 0]), np.arccos(every[:, 2])])), order=2)
    assert np.abs(counts - again).max() <= 12  # views on a border between two points


def test_weights_count(rng):
    """Side views that do not count leave the top view alone."""
    rot, tilt = rng.uniform(-180, 180, 4000), np.where(np.arange(4000) < 2000, 90.0, 0.0)
    weights = np.where(tilt == 90, 1.0, 0.0)
    assert fourier_coverage(rot, tilt, weights=weights).scf == pytest.approx(8 / np.pi**2, abs=0.02)


def test_no_views_are_refused():
    with pytest.raises(InputError, match="no views"):
        fourier_coverage(np.zeros(0), np.zeros(0))


def test_grid_of_a_coarse_search_is_no_preference():
    """All 192 directions 15° apart, as often each: their gaps come from the search."""
    rot, tilt = (np.repeat(angles, 20) for angles in healpix.points(2))
    assert fourier_coverage(rot, tilt, step=15.0).scf > 0.98
    assert fourier_coverage(rot, tilt).scf < fourier_coverage(rot, tilt, step=15.0).scf


def test_very_many_views_give_what_many_give(rng):
    """A million particles are counted before they are turned."""
    rot, tilt = rng.uniform(-180, 180, 250_000), np.degrees(np.arccos(rng.uniform(-0.3, 0.3, 250_000)))
    every = fourier_coverage(rot, tilt, symmetry="D2")
    some = fourier_coverage(rot[:150_000], tilt[:150_000], symmetry="D2")
    assert every.scf == pytest.approx(some.scf, abs=0.01)
    assert view_counts(rot, tilt, symmetry="D2").sum() == 4 * 250_000
