"""Offsets are searched around each particle's last origin itself, not around the pixel that is next to it."""

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.refine3d.grids import coarse_offsets, fine_offsets
from relionlab.engine.sampling import sampling
from tests.engine.refine3d_cases import PIXEL, case, column


@pytest.mark.parametrize("perturbation", [0.0, 0.45])
def test_origins_between_pixels_are_kept_by_searches_of_less_than_a_pixel(perturbation: float):
    """As the last iterations of an auto-refinement make them: around whole pixels most origins would be out of reach."""
    grid = sampling(2).perturbed(perturbation)
    made = case(count=40, snr=20.0, radius=11, sampling=grid, widths=4.0, offset_range=0.3, offset_step=0.2)
    made = replace(made, particles=made.truth)
    sums = made.run()
    found = np.stack([column(sums, "x"), column(sums, "y")], axis=1)[np.argsort(np.concatenate(sums.indices))]
    wanted = made.truth.origin / PIXEL
    between = np.abs(wanted - np.rint(wanted)) > 0.3
    assert between.sum() > 20
    error = found - wanted
    assert np.abs(error[between]).mean() < 1.3 * np.abs(error[~between]).mean()
    slope, middle = np.polyfit((wanted - np.rint(wanted)).ravel(), error.ravel(), 1)
    assert abs(slope) < 0.15
    assert abs(middle) < 0.03


@pytest.mark.parametrize("oversampling", [0, 1, 2])
def test_the_last_origin_is_one_of_the_finer_offsets(oversampling: int):
    search = replace(case().search, oversampling=oversampling, offset_range=5.0, offset_step=2.0)
    fine, coarse = fine_offsets(search), coarse_offsets(search)
    assert np.hypot(*fine.reshape(-1, 2).T).min() < 1e-9
    np.testing.assert_allclose(
        fine.mean(axis=1), coarse, atol=1e-9
    )  # each coarse one in the middle of those that it stands for
    assert np.abs(coarse).max() <= search.offset_range + search.offset_step / 2
