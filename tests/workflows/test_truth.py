"""Scores against the truth, on assignments whose score is known."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import ParameterError
from relionlab.simulation.scores.classes import score, spread, symmetry_matrices


def directions(rng: np.random.Generator, n: int) -> np.ndarray:
    found = rng.normal(size=(n, 3))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


@pytest.mark.parametrize(("symmetry", "count"), [("C1", 1), ("c4", 4), ("D2", 4), ("D7", 14)])
def test_symmetry_groups_are_closed(symmetry: str, count: int):
    group = symmetry_matrices(symmetry)
    assert len(group) == count
    products = np.einsum("aij,bjk->abik", group, group).reshape(-1, 9)
    distances = np.abs(products[:, None] - group.reshape(1, -1, 9)).max(axis=-1)
    assert np.allclose(distances.min(axis=1), 0, atol=1e-12)


def test_unknown_symmetry_is_named():
    with pytest.raises(ParameterError, match="'I2'"):
        symmetry_matrices("I2")


def test_mates_and_mirrors_are_one_view():
    axis = np.array([0.3, 0.5, np.sqrt(1 - 0.34)])
    mates = np.concatenate([symmetry_matrices("D2") @ axis, -(symmetry_matrices("D2") @ axis)])
    assert spread(np.tile(mates, (4, 1)), symmetry_matrices("D2")) < 1e-4
    assert spread(np.tile(mates, (4, 1)), symmetry_matrices("C1")) > 20


def test_spread_is_the_median_angle_to_the_centre():
    angles = np.radians(np.linspace(0, 40, 41))
    fan = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], axis=1)
    assert spread(fan, symmetry_matrices("C1")) == pytest.approx(10.0, abs=0.3)


def test_random_classes_score_as_random_and_perfect_ones_do_not():
    rng = np.random.default_rng(0)
    views = directions(rng, 2000)
    kinds = np.repeat([0, 1, 2], [200, 900, 900])
    chance = score(rng.integers(1, 6, 2000), views, kinds, symmetry="D2", junk=0)
    assert chance.mean_spread == pytest.approx(chance.random_spread, abs=2.5)
    assert chance.random_spread == pytest.approx(27, abs=2.5)  # of a D2 particle, as the peer's scoring finds it
    assert chance.purity == pytest.approx(chance.majority, abs=0.05)
    assert chance.junk == "no particle"
    perfect = score(kinds + 1, views, kinds, symmetry="D2", junk=0)
    assert perfect.purity == 1.0
    assert np.isnan(perfect.spread[0])  # junk has no view
    assert perfect.junk_apart == 1.0
    assert chance.junk_apart == 0.0


def test_small_and_empty_classes_are_not_scored():
    views = directions(np.random.default_rng(1), 100)
    classes = np.repeat([1, 3], [90, 10])
    found = score(classes, views, np.ones(100, dtype=int), count=4)
    assert list(np.isfinite(found.spread)) == [True, False, False, False]
    assert list(found.contents.sum(axis=1)) == [90, 0, 10, 0]
    assert found.kinds == ("conformation 1",)
