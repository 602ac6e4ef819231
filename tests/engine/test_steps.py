"""Steps: partial results merge in any grouping, and shards cover every particle once."""

from __future__ import annotations

import copy
from dataclasses import fields

import numpy as np
import pytest

from relionlab.engine.classify2d.expectation import Expectation, Sums
from relionlab.engine.likelihood.first_look import FirstLook
from relionlab.engine.steps import InlineExecutor, shards
from tests.engine.classify2d_cases import case

SMALL = {"box": 32, "groups": ((3.5, 32), (2.8, 40)), "psi_step": 30.0, "radius": 9, "count": 48}


@pytest.fixture(scope="module")
def step() -> Expectation:
    made = case(**SMALL, perturbation=0.2).step()
    made.prepare()
    return made


def flat(sums: object) -> dict[str, np.ndarray]:
    values = {}
    for item in fields(sums):  # type: ignore[arg-type]
        value = getattr(sums, item.name)
        values[item.name] = np.concatenate(value) if isinstance(value, list) else np.asarray(value)
    return values


def assert_same(first: object, second: object, *, rtol: float = 0.0) -> None:
    one, other = flat(first), flat(second)
    for name, value in one.items():
        scale = np.abs(value).max() if value.size else 0.0
        np.testing.assert_allclose(value, other[name], rtol=0, atol=rtol * scale, err_msg=name)


@pytest.mark.parametrize(("count", "size"), [(10, 3), (9, 3), (1, 5), (0, 4)])
def test_shards_cover_every_particle_once(count: int, size: int):
    pieces = shards(count, size)
    assert [int(i) for piece in pieces for i in piece] == list(range(count))
    assert all(len(piece) == size for piece in pieces[:-1])


def test_merge_is_associative(step: Expectation):
    parts = [step.process(piece) for piece in shards(48, 16)]
    a, b, c = (copy.deepcopy(part) for part in parts)
    left = step.merge(step.merge(a, b), c)
    a, b, c = (copy.deepcopy(part) for part in parts)
    right = step.merge(a, step.merge(b, c))
    assert_same(step.conclude(left), step.conclude(right), rtol=1e-14)


def test_the_first_look_merges_associatively(step: Expectation):
    look = FirstLook(step.model, step.particles, step.groups, search=step.search, load=step.load)
    look.prepare()
    parts = [look.process(piece) for piece in shards(48, 16)]
    a, b, c = (copy.deepcopy(part) for part in parts)
    left = look.merge(look.merge(a, b), c)
    a, b, c = (copy.deepcopy(part) for part in parts)
    assert_same(left, look.merge(a, look.merge(b, c)), rtol=1e-14)
    assert left.members.sum() == 48


def test_the_same_shards_give_the_same_bits_twice(step: Expectation):
    runs = [InlineExecutor().run(step, shards(48, 16)) for _ in range(2)]
    assert_same(*runs)


def test_the_size_of_shards_changes_rounding_only(step: Expectation):
    whole, cut = (InlineExecutor().run(step, shards(48, size)) for size in (48, 7))
    assert_same(whole, cut, rtol=2e-5)
    np.testing.assert_array_equal(whole.indices[0], np.arange(48))


def test_progress_is_told_shard_by_shard(step: Expectation):
    told: list[tuple[int, int]] = []
    result = InlineExecutor().run(step, shards(48, 20), lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert isinstance(result, Sums)
