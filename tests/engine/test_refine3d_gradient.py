"""Running averages of batches, and the maps that follow from them."""

import numpy as np
import pytest

from relionlab.engine.refine3d.gradient import blended
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.volume import Lattice


def sums_of(value: float, *, radius: int = 4, count: int = 10) -> Sums:
    sums = Sums.zeros(Lattice(16, radius), classes=1, directions=3, groups=2, shells=9)
    sums.maps[0].array[...] = value * count
    sums.share += count
    sums.residual += value * count / 2
    sums.members += count // 2
    return sums


def test_the_first_batch_makes_the_averages():
    found = blended(None, sums_of(2.0), Lattice(16, 4), step=0.3)
    np.testing.assert_allclose(found.arrays[0], 2.0)
    np.testing.assert_allclose(found.residual, 2.0)
    assert found.particles == 10


def test_a_batch_counts_by_its_step():
    lattice = Lattice(16, 4)
    found = blended(blended(None, sums_of(2.0), lattice, step=1.0), sums_of(6.0), lattice, step=0.25)
    np.testing.assert_allclose(found.arrays[0], 0.75 * 2 + 0.25 * 6)
    assert found.share == pytest.approx(1.0)


def test_equal_steps_are_worth_the_memory_they_have():
    """With constant steps the averages are worth (2 - step) / step batches."""
    lattice, found = Lattice(16, 4), None
    for _ in range(60):
        found = blended(found, sums_of(1.0), lattice, step=0.3)
    assert found.particles == pytest.approx(10 * (2 - 0.3) / 0.3, rel=1e-3)


def test_steps_of_one_over_n_average_all_batches_alike():
    lattice, found = Lattice(16, 4), None
    for n, value in enumerate((1.0, 4.0, 7.0), start=1):
        found = blended(found, sums_of(value), lattice, step=1 / n)
    np.testing.assert_allclose(found.arrays[0], 4.0, rtol=1e-6)
    assert found.particles == pytest.approx(30)


def test_batches_of_fewer_shells_lie_at_the_same_frequencies():
    wide = blended(None, sums_of(1.0, radius=3), Lattice(16, 5), step=1.0).arrays[0]
    assert wide.shape == (*Lattice(16, 5).shape, 3)
    z, y, x = Lattice(16, 5).origin
    assert wide[z, y, x, 0] == pytest.approx(1.0)
    assert wide.sum() == pytest.approx(sums_of(1.0, radius=3).maps[0].array.sum() / 10, rel=1e-5)
    with pytest.raises(ValueError, match="beyond"):
        blended(None, sums_of(1.0, radius=6), Lattice(16, 5), step=1.0)
