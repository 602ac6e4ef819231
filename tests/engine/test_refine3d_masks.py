"""What a solvent mask does to references, and what is taken off a correlation that was measured inside it."""

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.maps.filters import filtered, radial
from relionlab.engine.maps.fsc import fourier_shell_correlation, transform
from relionlab.engine.masks import radius_grid, soft_sphere
from relionlab.engine.refine3d.halves import half_map_correlation
from relionlab.engine.refine3d.maximisation import Update, flattened
from tests.engine.refine3d_cases import BOX, case

SIDE, KNOWN = 48, 8


@pytest.fixture(scope="module")
def halves() -> np.ndarray:
    """Two half-maps (2, n, n, n) of one particle, alike up to a shell; beyond it each is noise, in the solvent too."""
    rng = np.random.default_rng(3)
    low = radial((SIDE,) * 3, lambda frequency: frequency * SIDE <= KNOWN)
    particle = filtered(rng.normal(size=(SIDE,) * 3) * soft_sphere(SIDE, 9, 3), low)
    noise = 0.3 * rng.normal(size=(2, SIDE, SIDE, SIDE)) * particle.std()
    return (particle + noise).astype(np.float32)


def masked_alone(halves: np.ndarray, mask: np.ndarray) -> np.ndarray:
    first, second = (transform(half * mask) for half in halves)
    return fourier_shell_correlation(first, second, SIDE)


def test_noise_inside_a_narrow_mask_correlates_until_it_is_corrected(halves):
    """A mask carries the strong correlation of the coarse shells into its neighbours; phases made random show how much."""
    mask = soft_sphere(SIDE, 4, 1)
    smeared = slice(KNOWN + 3, KNOWN + 6)
    masked, found = masked_alone(halves, mask), half_map_correlation(halves, mask)
    assert masked[smeared].mean() > 0.3
    assert abs(found[smeared].mean()) < 0.15
    np.testing.assert_allclose(found[:KNOWN], masked[:KNOWN], rtol=1e-6)


def test_inside_the_mask_there_is_less_solvent_noise(halves):
    """Where both hold signal the corrected correlation is above that of the whole box: the point of measuring it so."""
    mask = soft_sphere(SIDE, 11, 3)
    plain = half_map_correlation(halves, None)
    shells = slice(3, KNOWN + 1)
    assert np.all(half_map_correlation(halves, mask)[shells] > plain[shells])


def test_half_maps_that_correlate_everywhere_are_compared_within_the_mask_alone():
    map_ = np.random.default_rng(1).normal(size=(SIDE,) * 3).astype(np.float32)
    both = np.stack([map_, map_])
    np.testing.assert_allclose(half_map_correlation(both, soft_sphere(SIDE, 9, 3)), 1, atol=1e-5)


def test_soft_values_of_a_mask_weigh_what_is_above_the_solvent():
    """The mask decides what stays, the particle's sphere where the solvent's level is measured."""
    made = case()
    rng = np.random.default_rng(2)
    mask = rng.uniform(0, 1, (BOX,) * 3).astype(np.float32)
    sphere = soft_sphere(BOX, made.search.diameter / 2 / made.model.pixel_size, made.search.edge)
    outside = (sphere == 0) & (radius_grid(BOX, 3) <= BOX / 2)
    particle = rng.normal(size=(BOX,) * 3) * (sphere == 1)
    maps = np.where(outside | (sphere < 1), 0.7, particle)[None]
    found = flattened(maps, made.model, search=made.search, update=Update(mask=mask))
    np.testing.assert_allclose(found[0], (maps[0] - 0.7) * mask, atol=1e-5)


def test_inside_the_second_mask_the_density_is_its_average():
    made = case()
    maps = np.random.default_rng(4).normal(size=(1, BOX, BOX, BOX))
    hollow = (radius_grid(BOX, 3) < 4).astype(np.float32)
    update = Update(mask=soft_sphere(BOX, 9, 2))
    without = flattened(maps, made.model, search=made.search, update=update)[0]
    found = flattened(maps, made.model, search=made.search, update=replace(update, solvent=hollow))[0]
    np.testing.assert_allclose(found[hollow == 1], without[hollow == 1].mean(), atol=1e-5)
    np.testing.assert_array_equal(found[hollow == 0], without[hollow == 0])
