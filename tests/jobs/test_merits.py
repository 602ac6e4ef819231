"""Where picks explode: told from the figures of merit alone, and silent where nothing can be told."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.jobs.picking.merits import Merits


def merits(*groups: np.ndarray) -> Merits:
    values = np.sort(np.concatenate(groups))[::-1]
    return Merits(values, values > 0.5, np.zeros(0))


def normal(mean: float, spread: float, count: int) -> np.ndarray:
    return np.random.default_rng(count).normal(mean, spread, count)


@pytest.mark.parametrize(("noise", "particles"), [(400, 300), (5000, 300), (3000, 1000)])
def test_noise_below_a_gap(noise, particles):
    found = merits(normal(-1, 0.25, noise), normal(1.5, 0.4, particles)).explodes(-9)
    assert -0.85 < found < 0.5
    both = merits(normal(-1, 0.25, noise), normal(1.5, 0.4, particles))
    assert both.explodes(0.6) is None
    assert both.explodes(-0.9) == found
    assert both.count(found) < 1.35 * particles


def test_noise_that_overlaps_with_particles():
    noise, particles = normal(-0.7, 0.5, 5000), normal(1.0, 0.6, 1500)
    found = merits(noise, particles).explodes(-9)
    share = (noise >= found).sum() / ((noise >= found).sum() + (particles >= found).sum())
    assert 0.1 < share < 0.35


def test_nothing_is_said_where_nothing_stands_out():
    assert merits(normal(0, 1, 15)).explodes(-9) is None
    assert merits(np.zeros(0)).explodes(0.0) is None
    uniform = merits(np.linspace(0, 1, 300))
    assert uniform.span == (pytest.approx(0.02, abs=0.01), 1.0)


def test_contamination_does_not_stretch_the_range():
    low, high = merits(normal(0, 1, 1000), np.full(5, 200.0)).span
    assert -3 < low < 0
    assert 3 < high < 10
    together = Merits.together([merits(normal(0, 1, 50)), merits(normal(1, 1, 60))])
    assert len(together.values) == 110
    assert (np.diff(together.values) <= 0).all()
    assert together.count(0.5) == together.picked.sum()
