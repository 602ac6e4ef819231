"""Running averages of the sums of small batches, in two dimensions."""

import numpy as np
import pytest

from relionlab.engine.classify2d.gradient import blended
from relionlab.engine.likelihood.estimates import worth
from tests.engine.classify2d_cases import case


def batches(made, *parts):
    step = made.step()
    step.prepare()
    return [step.conclude(step.process(np.asarray(part))) for part in parts]


def test_equal_batches_average_to_all_particles():
    """Two halves of the particles, blended half and half, are what all of them are in one pass."""
    made = case(count=16)
    first, second, both = batches(made, range(8), range(8, 16), range(16))
    averages, _ = blended(None, first, step=1.0, particles=8)
    averages, seen = blended(averages, second, step=0.5, particles=16)
    np.testing.assert_allclose(seen.numerator, both.numerator, rtol=1e-4, atol=1e-6 * np.abs(both.numerator).max())
    np.testing.assert_allclose(seen.denominator, both.denominator, rtol=1e-4)
    np.testing.assert_allclose(seen.share, both.share, rtol=1e-5)
    np.testing.assert_array_equal(seen.indices[0], np.arange(8, 16))  # the poses are those of the last batch


def test_averages_are_worth_the_batches_that_they_remember():
    value = worth(0.0, 100, 1.0)
    assert value == 100
    assert worth(value, 100, 0.5) == pytest.approx(200)
    for _ in range(60):
        value = worth(value, 100, 0.3)
    assert value == pytest.approx(100 * (2 - 0.3) / 0.3, rel=1e-3)
