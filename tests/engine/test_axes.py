"""The axis finder: rotation and origin of a symmetry in noisy maps, and maps that have it not."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.axes import find_axes, moved
from relionlab.engine.rotations import angle_between, random_rotations
from relionlab.engine.symmetry import point_group

N = 40


def symmetric_map(name: str, rng: np.random.Generator) -> np.ndarray:
    z, y, x = np.indices((N,) * 3) - N // 2
    map_ = np.zeros((N,) * 3)
    for _ in range(7):
        place = rng.normal(size=3)
        place *= N * 0.3 * rng.uniform(0.4, 1) / np.linalg.norm(place)
        width = rng.uniform(0.04, 0.06) * N
        for operation in point_group(name).rotations:
            a = operation @ place
            map_ += np.exp(-((x - a[0]) ** 2 + (y - a[1]) ** 2 + (z - a[2]) ** 2) / (2 * width**2))
    return map_.astype(np.float32)


def hidden(name: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A noisy map of a symmetry, its frame's rotation and where its axes meet."""
    rng = np.random.default_rng(seed)
    map_ = symmetric_map(name, rng)
    frame, centre = random_rotations(rng, 1)[0], rng.uniform(-2, 2, 3)
    turned = moved(map_, frame.T, -frame @ centre)
    return turned + rng.normal(0, 0.5 * turned.std(), turned.shape).astype(np.float32), frame, centre


def worst_angle(name: str, frame: np.ndarray, found: np.ndarray) -> float:
    """How far the found operations, as they act in the map, are from the true ones at most, in degrees."""
    operations = point_group(name).rotations
    true, ours = frame.T @ operations @ frame, found.T @ operations @ found
    return max(float(angle_between(true, one).min()) for one in ours)


@pytest.mark.parametrize(
    "name", ["D2", "C3", *(pytest.param(n, marks=pytest.mark.full) for n in ("C2", "D7", "T", "O", "I1", "I2"))]
)
def test_axes_and_origin_are_found_in_noise(name: str) -> None:
    map_, frame, centre = hidden(name, seed=5)
    found = find_axes(map_, point_group(name))
    assert found.plausible
    assert found.score > 0.6
    assert worst_angle(name, frame, found.rotation) < 2.5
    off = found.centre - centre
    if name.startswith("C"):  # along the axis nothing is fixed
        axis = frame[2]
        off = off - axis * (axis @ off)
    assert np.linalg.norm(off) < 0.5


@pytest.mark.parametrize(
    ("true", "tested"),
    [
        ("C1", "D2"),
        *(pytest.param(*p, marks=pytest.mark.full) for p in (("D2", "D3"), ("D2", "T"), ("T", "O"), ("C1", "C2"))),
    ],
)
def test_a_map_without_the_symmetry_scores_low(true: str, tested: str) -> None:
    map_, _, _ = hidden(true, seed=1)
    found = find_axes(map_, point_group(tested))
    assert not found.plausible


def test_a_moved_map_is_where_it_should_be() -> None:
    z, y, x = np.indices((N,) * 3) - N // 2
    place = np.array([5.0, -3.0, 4.0])
    map_ = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2 + (z - place[2]) ** 2) / 8).astype(np.float32)
    rotation, centre = random_rotations(np.random.default_rng(2), 1)[0], np.array([1.0, 2.0, -1.0])
    out = moved(map_, rotation, centre)
    dense = np.where(out > 0.1 * out.max(), out, 0)
    found = np.array([(dense * axis).sum() for axis in (x, y, z)]) / dense.sum()
    np.testing.assert_allclose(found, rotation @ (place - centre), atol=0.1)
    assert out.max() == pytest.approx(map_.max(), rel=0.05)
