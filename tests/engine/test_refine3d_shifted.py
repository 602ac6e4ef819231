"""Classes and offsets in known angles: against the plain double-precision E-step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.aberrations import Aberrations
from tests.engine.refine3d_cases import PIXEL, back_projections, case, column, plain_back_projections
from tests.engine.test_refine3d_cartesian import relative

TILTED = Aberrations(tilt_mrad=(10.0, -6.0), even=(0.3, 20.0, -10.0, 15.0))
STRETCHED = Aberrations(magnification=((1.02, 0.01), (-0.01, 0.985)))
CASES = {
    "one class": {},
    "two classes": {"classes": 2},
    "classes of known sizes": {"classes": 3, "size_prior": True, "snr": 0.05},
    "D2": {"classes": 2, "symmetry": "D2"},
    "no oversampling": {"oversampling": 0},
    "expected where they were": {"classes": 2, "step_sigma": 0.6},
    "limits": {"classes": 2, "radius_limit": 6, "first_shell": 3},
    "two pixel sizes, with aberrations": {"groups": ((PIXEL, 24), (3.2, 30)), "aberrations": (TILTED,)},
    "stretched images": {"classes": 2, "aberrations": (STRETCHED,)},
    "a fraction": {"classes": 2, "snr": 0.05, "fraction": 0.8},
}


@pytest.mark.parametrize("name", list(CASES))
def test_sums_are_those_of_double_precision(name: str):
    made = case(count=20, rotate=False, **{"snr": 0.1, **CASES[name]})
    found, result = made.run(), made.plain.run()
    expected = result.sums
    # slices are interpolated linearly: see test_refine3d_fixed
    assert np.abs(column(found, "log_likelihood") - column(expected, "log_likelihood")).max() < 0.6
    assert np.abs(column(found, "best_weight") - column(expected, "best_weight")).max() < 0.06
    assert relative(found.share, expected.share) < 0.02
    assert relative(found.directions, expected.directions) < 0.06
    for field in ("residual", "cross", "auto"):
        assert relative(getattr(found, field), getattr(expected, field)) < 0.015, field
    assert found.offset2 == pytest.approx(expected.offset2, rel=0.01)
    assert relative(column(found, "chi2"), column(expected, "chi2")) < 3e-3
    for angle in ("rot", "tilt", "psi"):
        np.testing.assert_allclose(column(found, angle), getattr(made.particles, angle))
    same = np.hypot(*(column(found, axis) - column(expected, axis) for axis in ("x", "y"))) < 1e-6
    assert (same & (column(found, "class") == column(expected, "class"))).mean() > 0.9  # two may tie
    for c, map_ in enumerate(found.maps):
        for ours, plain in zip(back_projections(made, map_), plain_back_projections(made, result, c), strict=True):
            assert np.linalg.norm(ours - plain) < (0.1 if made.group.order == 1 else 0.3) * np.linalg.norm(plain)


def test_origins_are_found_and_angles_kept():
    made = case(count=30, rotate=False, snr=2.0, offset_range=3.0, offset_step=0.5, radius=10)
    made = replace(made, particles=replace(made.particles, origin=made.truth.origin + PIXEL * np.array([1.2, -0.8])))
    found = made.run()
    origins = np.stack([column(found, "x"), column(found, "y")], axis=1)
    truth, before = made.truth.origin / PIXEL, made.particles.origin / PIXEL
    away, was = (np.hypot(*(some - truth).T) for some in (origins, before))
    assert was.min() > 1.4
    assert np.median(away) < 0.25
    np.testing.assert_allclose(column(found, "psi"), made.particles.psi)


def test_shards_of_any_size_give_the_same_sums():
    made = case(count=12, classes=2, rotate=False)
    one, many = made.run(size=12), made.run(size=5)
    for name in ("share", "directions", "residual", "cross", "auto"):
        assert relative(getattr(many, name), getattr(one, name)) < 1e-5, name
    np.testing.assert_allclose(many.poses[0], one.poses[0], rtol=1e-4, atol=1e-4)
