"""The 3D searches against the plain double-precision E-step, on a dozen particles each.

On the nodes of the polar grid both compute the same sums. What differs is single precision, the NUFFT, and how slices are
read off the maps (1e-3) and put back (1e-2); the tolerances are about twice what was measured.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.refine3d.tables import Room
from relionlab.engine.rotations import angle_between, matrix_from_euler
from relionlab.engine.sampling import Widths, sampling
from tests.engine.refine3d_cases import PIXEL, Case, back_projections, case, column, plain_back_projections

TILTED = Aberrations(tilt_mrad=(10.0, -6.0), even=(0.3, 20.0, -10.0, 15.0))
SEARCHES = {
    "plain": {},
    "SNR 1": {"snr": 1.0},
    "three classes": {"classes": 3, "count": 8},
    "classes of known sizes": {"classes": 2, "size_prior": True},
    "D2": {"symmetry": "D2"},
    "no oversampling": {"oversampling": 0},
    "around known poses": {"widths": 12.0},
    "around known poses of two classes": {"widths": 20.0, "classes": 2},
    "around poses that may be turned by C2": {"widths": 12.0, "relaxed": "C2"},
    "tilt known": {"widths": Widths(0, 10.0, 0)},
    "rot known, of a group": {"widths": Widths(10.0, 0, 0), "symmetry": "C3"},
    "in-plane angle known, of a group": {"widths": Widths(0, 0, 12.0), "symmetry": "D2"},
    "tilt and in-plane angle known": {"widths": Widths(0, 8.0, 12.0), "classes": 2},
    "particles expected where they were": {"step_sigma": 0.8},
    "around known poses and origins": {"widths": 12.0, "step_sigma": 0.8},
    "resolution limit": {"radius_limit": 5},
    "low-resolution limit": {"first_shell": 3},
    "two pixel sizes": {"groups": ((PIXEL, 24), (3.2, 30))},
    "two extents, with aberrations": {"groups": ((PIXEL, 24), (PIXEL, 28)), "aberrations": (TILTED,)},
}


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def everything(tops: np.ndarray, fraction: float) -> tuple[np.ndarray, float]:
    """Choose all poses that have any prior."""
    return np.flatnonzero(tops > -1e29), -np.inf


@pytest.fixture
def exhaustive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the fine pass look at every pose."""
    for module in ("candidates", "local"):
        monkeypatch.setattr(f"relionlab.engine.refine3d.{module}.significant", everything)


STEP = 15.0
"""Degrees between directions of the coarse grids here; of the finer ones half of it."""


def check_sums(found: Sums, expected: Sums) -> None:
    assert relative(found.share, expected.share) < 2e-3
    assert relative(found.directions, expected.directions) < 3e-3
    for name in ("residual", "cross", "auto"):
        assert relative(getattr(found, name), getattr(expected, name)) < 3e-4, name
    assert found.offset2 == pytest.approx(expected.offset2, rel=2e-3)
    np.testing.assert_array_equal(found.members, expected.members)
    assert np.abs(column(found, "log_likelihood") - column(expected, "log_likelihood")).max() < 0.03  # of hundreds
    assert np.abs(column(found, "best_weight") - column(expected, "best_weight")).max() < 0.01
    assert relative(column(found, "chi2"), column(expected, "chi2")) < 3e-4
    # ours are means of the posterior around the best pose, those of the plain reference are the best poses of the grid
    first, second = (
        matrix_from_euler(*(column(sums, name) for name in ("rot", "tilt", "psi"))) for sums in (found, expected)
    )
    moved = np.hypot(*(column(found, name) - column(expected, name) for name in ("x", "y")))
    same = (angle_between(first, second) < 2 * STEP) & (moved < 2.0)
    same &= column(found, "class") == column(expected, "class")
    assert same.mean() > 0.9  # two poses may tie


def check_maps(made: Case, found: Sums, tolerance: float) -> None:
    result = made.plain.run()
    for c, map_ in enumerate(found.maps):
        numerators, weights = zip(back_projections(made, map_), plain_back_projections(made, result, c), strict=True)
        assert np.linalg.norm(np.subtract(*numerators)) < tolerance * np.linalg.norm(numerators[1])
        if made.group.order == 1:  # turning sums leaves out what reaches over the last shell: most of it weights
            assert np.linalg.norm(np.subtract(*weights)) < tolerance * np.linalg.norm(weights[1])


@pytest.mark.usefixtures("exhaustive")
@pytest.mark.parametrize("name", list(SEARCHES))
def test_sums_are_those_of_double_precision(name: str):
    made = case(**{"count": 12, **SEARCHES[name]})
    check_sums(made.run(), made.plain.run().sums)


@pytest.mark.usefixtures("exhaustive")
def test_priors_of_their_own_count_instead_of_the_last_angles():
    made = case(count=12, widths=Widths(0, 10.0, 12.0))
    prior = np.full((12, 3), np.nan)
    prior[:, 1], prior[:9, 2] = 90.0, made.particles.psi[:9] + 60
    held = replace(made, particles=replace(made.particles, prior=prior))
    found = held.run()
    check_sums(found, held.plain.run().sums)
    assert np.abs(column(found, "tilt") - 90).max() < 3 * 10.0 + STEP * 2
    assert np.abs(column(made.run(), "tilt") - 90).max() > 3 * 10.0 + STEP * 2


@pytest.mark.usefixtures("exhaustive")
@pytest.mark.parametrize(
    ("name", "tolerance"), [("plain", 0.03), ("D2", 0.08), ("three classes", 0.03), ("around known poses", 0.03)]
)
def test_maps_are_those_of_double_precision(name: str, tolerance: float):
    made = case(**{"count": 8, **SEARCHES[name]})
    check_maps(made, made.run(), tolerance)


def test_views_that_are_made_when_asked_for_give_the_same_sums():
    made = case(count=8, classes=2)
    held = made.run()
    made_anew = made.run(room=Room(held=1 << 18))
    assert relative(made_anew.share, held.share) < 0.02  # linear interpolation
    assert relative(made_anew.residual, held.residual) < 0.01
    assert np.abs(column(made_anew, "log_likelihood") - column(held, "log_likelihood")).max() < 1


def test_shards_of_any_size_give_the_same_sums():
    made = case(count=12, classes=2, fraction=0.999)
    one, many = made.run(size=12), made.run(size=5)
    for name in ("share", "directions", "residual", "cross", "auto"):
        assert relative(getattr(many, name), getattr(one, name)) < 1e-5, name
    np.testing.assert_array_equal(many.indices[0], np.arange(12))
    np.testing.assert_allclose(many.poses[0], one.poses[0], rtol=1e-4, atol=1e-4)
    assert relative(many.maps[1].array, one.maps[1].array) < 1e-5


@pytest.mark.parametrize(
    ("options", "mean", "least"),
    [
        ({"snr": 0.1, "sampling": sampling(1)}, 0.998, 0.98),
        ({"snr": 0.1, "sampling": sampling(2)}, 0.999, 0.99),
        ({"snr": 0.3, "sampling": sampling(2)}, 0.96, 0.88),
        ({"snr": 0.3, "sampling": sampling(3), "widths": 5.0, "radius": 10}, 0.98, 0.88),
    ],
)
def test_candidates_keep_the_posterior(options: dict, mean: float, least: float, request: pytest.FixtureRequest):
    """The adaptive pass against the exhaustive one: the more certain a pose, the more a coarse grid misses of it.

    One particle in some dozens falls between the coarse poses: the tenth that keeps the least begins above ``least``.
    """
    adaptive = case(count=24, fraction=0.999, **options).run()
    request.getfixturevalue("exhaustive")
    complete = case(count=24, **options).run()
    kept = np.exp(column(adaptive, "log_likelihood") - column(complete, "log_likelihood"))
    assert kept.mean() > mean
    assert np.quantile(kept, 0.1) > least
    assert kept.max() < 1 + 1e-3
    assert (column(adaptive, "significant") < column(complete, "significant")).all()


def test_significant_poses_hold_the_fraction_asked_for(exhaustive: None):
    found = case(count=12, fraction=0.99).run()
    expected = case(count=12, fraction=0.99).plain.run().sums
    # the engine keeps whole bins of equal weight: never fewer, and not many more
    kept = column(found, "significant") / column(expected, "significant")
    assert kept.min() > 0.98
    assert np.median(kept) < 1.2
