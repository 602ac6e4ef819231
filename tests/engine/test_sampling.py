"""Grids of orientations: equal areas, nested points, units of symmetry, perturbation, oversampling, local priors."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.rotations import angle_between, euler_from_matrix, matrix_from_euler, random_rotations
from relionlab.engine.sampling import Widths, healpix, neighbourhood, neighbourhoods, next_perturbation, sampling
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.errors import ParameterError


@pytest.mark.parametrize("order", range(6))
def test_points_are_spread_evenly(order: int) -> None:
    vectors = unit_vectors(*healpix.points(order))
    assert len(vectors) == 12 * 4**order
    np.testing.assert_allclose(vectors.sum(axis=0), 0, atol=1e-9)
    # equal areas: spherical harmonics of low degree vanish in the sum
    np.testing.assert_allclose(vectors.T @ vectors / len(vectors), np.eye(3) / 3, atol=0.04 / 4**order)


def test_children_surround_their_parent() -> None:
    coarse, fine = (unit_vectors(*healpix.points(order)) for order in (2, 3))
    distance = np.degrees(np.arccos(np.sum(np.repeat(coarse, 4, axis=0) * fine, axis=1).clip(-1, 1)))
    assert distance.max() < healpix.spacing(2) * 0.6


def test_orders_beyond_are_refused() -> None:
    with pytest.raises(ParameterError, match="order 9; expected 0"):
        sampling(9)


@pytest.mark.parametrize("group", ["C1", "C4", "D2", "D7", "T", "O", "I2", "I4"])
def test_a_unit_covers_every_pose(group: str) -> None:
    grid = sampling(3, group=group)
    assert len(grid) * grid.group.order == pytest.approx(768, rel=0.25)
    poses = random_rotations(np.random.default_rng(0), 100)
    near = neighbourhood(grid.perturbed(0.4), poses, sigma=1.5)
    best = np.array([near.start[i] + near.prior[near.start[i] : near.start[i + 1]].argmax() for i in range(100)])
    psis = near.psi_prior(grid.psi, 1.5)[best].argmax(axis=1)
    found = grid.perturbed(0.4).orientations(near.direction[best], psis)
    assert grid.group.angle_between(poses, found).max() < 1.6 * grid.step  # units are thinned at their rims


def test_priors_are_probabilities_and_fall_off() -> None:
    grid = sampling(4, group="D2")
    poses = random_rotations(np.random.default_rng(1), 20)
    near = neighbourhood(grid, poses, sigma=3.0)
    np.testing.assert_allclose(np.add.reduceat(near.prior, near.start[:-1]), 1)
    np.testing.assert_allclose(near.psi_prior(grid.psi, 3.0).sum(axis=1), 1)
    narrow = neighbourhood(grid, poses, sigma=0.01)  # finer than the grid: the nearest direction alone
    np.testing.assert_array_equal(np.diff(narrow.start), 1)


def test_a_free_angle_is_searched_everywhere() -> None:
    grid = sampling(2).perturbed(0.3)
    poses = random_rotations(np.random.default_rng(2), 30)
    rot, tilt, psi = euler_from_matrix(poses)
    its_rot, its_tilt, its_psi = euler_from_matrix(grid.directions())
    for widths, known, its in ((Widths(0, 6.0, 0), tilt, its_tilt), (Widths(6.0, 0, 9.0), rot, its_rot)):
        (near,) = neighbourhoods(grid, poses, widths=widths)
        np.testing.assert_allclose(np.add.reduceat(near.prior, near.start[:-1]), 1)
        for n in range(len(poses)):
            entries = slice(near.start[n], near.start[n + 1])
            away = np.abs((its - known[n] + 180) % 360 - 180)
            np.testing.assert_array_equal(near.direction[entries], np.flatnonzero(away <= 18))
            best = near.direction[entries][near.prior[entries].argmax()]
            assert away[best] == pytest.approx(away.min(), abs=1e-6)
            np.testing.assert_allclose(near.psi[entries] + its_psi[near.direction[entries]], psi[n])
        assert np.diff(near.start).mean() < 1.1 * widths.share * len(grid)
    (every,) = neighbourhoods(grid, poses, widths=Widths(0, 0, 5.0))
    np.testing.assert_array_equal(np.diff(every.start), len(grid))


def test_equivalents_whose_limited_angles_differ_count_together() -> None:
    poses = random_rotations(np.random.default_rng(3), 5)
    lists = {
        (group, widths): len(neighbourhoods(sampling(1, group=group), poses, widths=widths))
        for group in ("C1", "C4", "D4")
        for widths in (Widths(0, 5.0, 5.0), Widths(5.0, 0, 5.0), Widths(5.0, 5.0, 0), Widths(0, 0, 5.0))
    }
    assert [lists["C4", Widths(*some, 5.0)] for some in ((0, 5.0), (5.0, 0), (0, 0))] == [1, 4, 1]
    assert [lists["D4", Widths(*some, 5.0)] for some in ((0, 5.0), (5.0, 0), (0, 0))] == [2, 8, 2]
    assert {lists[group, Widths(5.0, 5.0, 0)] for group in ("C1", "C4", "D4")} == {1}


def test_oversampled_poses_lie_around_theirs() -> None:
    grid = sampling(2, group="C2").perturbed(-0.3)
    direction, psi = np.array([3, 50]), np.array([7, 23])
    coarse, fine = grid.orientations(direction, psi), grid.oversampled(direction, psi, 1)
    assert fine.shape == (2, 4, 2, 3, 3)
    assert angle_between(fine, coarse[:, None, None]).max() < grid.step
    turned = grid.directions()[3] @ grid.turn.T
    np.testing.assert_allclose(turned, matrix_from_euler(grid.rot[3], grid.tilt[3], 0.0), atol=1e-12)


def test_tilts_can_be_limited() -> None:
    side, top = sampling(2, tilt_limit=60), sampling(2, tilt_limit=-60)
    assert side.tilt.min() >= 60
    assert side.tilt.max() <= 120
    assert np.minimum(top.tilt, 180 - top.tilt).max() <= 60 + 1e-9


def test_perturbations_stay_small_and_differ() -> None:
    rng = np.random.default_rng(0)
    values = [0.0]
    for _ in range(50):
        values.append(next_perturbation(values[-1], rng))
    assert np.abs(values).max() <= 0.5
    assert np.abs(np.diff(values)).min() > 0.1
    assert next_perturbation(0.2, rng, factor=0) == 0


RELIONS = {
    "C2": (96, 384, 1536, 6176, 24640),
    "C3": (60, 248, 1003, 4086, 16406),
    "D2": (48, 192, 768, 3072, 12384),
    "D7": (13, 53, 218, 864, 3493),
    "T": (14, 59, 250, 1009, 4075),
    "O": (7, 32, 126, 507, 2037),
    "I1": (3, 12, 49, 199, 807),
}
"""How many directions relion_refine 3.1.3 lists (`--iter 0 --sym GROUP --healpix_order ORDER`), orders 2 to 6."""


@pytest.mark.parametrize("group", RELIONS)
def test_there_are_as_many_directions_as_relion_lists(group: str) -> None:
    assert tuple(len(sampling(order, group=group)) for order in range(2, 7)) == RELIONS[group]


@pytest.mark.parametrize("order", range(1, 5))
def test_no_direction_is_farther_from_a_point_than_its_reach(order: int) -> None:
    points = unit_vectors(*healpix.points(order))
    finest = unit_vectors(*healpix.points(order + 4))  # as if drawn at random
    cosine = np.sum(np.repeat(points, 4**4, axis=0) * finest, axis=1)
    farthest = np.arccos(cosine.clip(-1, 1).min())
    assert 0.9 * healpix.reach(order) < farthest <= healpix.reach(order)
