"""Bringing one map onto another: the turn, the shift and the hand that were put in come out."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.axes.moving import moved
from relionlab.engine.axes.placing import place_on
from relionlab.engine.maps.alterations import inverted_hand
from relionlab.engine.rotations import angle_between, matrix_from_euler
from relionlab.simulation import d2_assembly, density

SIDE, PIXEL = 32, 8.0


@pytest.fixture(scope="module")
def target() -> np.ndarray:
    return density(d2_assembly("missing_subunit"), SIDE, PIXEL).astype(np.float32)


@pytest.mark.parametrize("other_hand", [False, True])
def test_a_moved_map_comes_back(target: np.ndarray, other_hand: bool):
    noise = np.random.default_rng(1).normal(0, 0.3 * target.std(), target.shape)
    turned = moved(target, matrix_from_euler(40, 65, -110), np.array([1.3, -0.8, 0.5]))
    found = place_on((inverted_hand(turned) if other_hand else turned) + noise, target)
    assert found.mirrored == other_hand
    assert found.score > found.other + 0.1
    back = found.applied(inverted_hand(turned) if other_hand else turned)
    assert np.corrcoef(back.ravel(), target.ravel())[0, 1] > 0.98
    # an image's pose in the moved map is its pose in the target
    true = matrix_from_euler(np.array([10.0, -70]), np.array([30.0, 80]), np.array([5.0, 60]))
    turn = matrix_from_euler(40, 65, -110)
    poses = true @ turn.T  # moved(R x) = target(x)
    if other_hand:
        poses = np.diag([1.0, 1, -1]) @ poses @ np.diag([-1.0, 1, 1])
    assert angle_between(found.poses(poses), true).max() < 2
