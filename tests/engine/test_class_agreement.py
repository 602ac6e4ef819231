"""Agreement of classifications: by definition, whatever classes are called."""

import itertools

import numpy as np
import pytest

from relionlab.engine.class_agreement import adjusted_rand_index


def test_names_of_classes_do_not_matter():
    classes = np.array([1, 1, 2, 2, 2, 3])
    assert adjusted_rand_index(classes, np.array([7, 7, 1, 1, 1, 4])) == pytest.approx(1)
    assert adjusted_rand_index(np.ones(5), np.ones(5)) == 1


def test_it_is_the_share_of_pairs_beyond_chance():
    first, second = np.array([1, 1, 1, 2, 2, 2, 3, 3]), np.array([1, 1, 2, 2, 2, 1, 3, 3])
    pairs = list(itertools.combinations(range(8), 2))
    a, b = (np.array([each[i] == each[j] for i, j in pairs]) for each in (first, second))
    expected = a.sum() * b.sum() / len(pairs)
    index = ((a & b).sum() - expected) / ((a.sum() + b.sum()) / 2 - expected)
    assert adjusted_rand_index(first, second) == pytest.approx(index)
    assert adjusted_rand_index(second, first) == pytest.approx(index)


def test_chance_is_about_0():
    rng = np.random.default_rng(1)
    assert abs(adjusted_rand_index(rng.integers(0, 4, 4000), rng.integers(0, 3, 4000))) < 0.01
