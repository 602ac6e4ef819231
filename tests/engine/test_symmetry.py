"""Point groups: they are groups, their units tile the sphere, and equivalent poses look alike."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.projection import Projector
from relionlab.engine.rotations import angle_between, random_rotations
from relionlab.engine.symmetry import point_group, turn
from relionlab.errors import ParameterError

ORDERS = {
    "C1": 1, "c2": 2, "C7": 7, "C12": 12, "Ci": 2, "Cs": 2, "C3v": 6, "C3h": 6, "S4": 4, "S6": 6, "D1": 2, "D2": 4, "D3": 6,
    "D7": 14, "D2v": 8, "D3v": 12, "D2h": 8, "D3h": 12, "T": 12, "Td": 24, "Th": 24, "O": 24, "Oh": 48, "I": 60, "I1": 60,
    "I2": 60, "I3": 60, "I4": 60, "IH": 120, "I1h": 120, "I3H": 120, "I4H": 120,
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_a_group_is_closed_and_its_unit_holds_each_direction_once(name: str) -> None:
    group = point_group(name)
    assert group.order == ORDERS[name]
    assert np.array_equal(group.operations[0], np.eye(3))
    products = group.operations[:, None] @ group.operations[None]
    apart = np.abs(products[:, :, None] - group.operations).max(axis=(3, 4)).min(axis=2)
    assert apart.max() < 1e-9
    vectors = np.random.default_rng(3).normal(size=(2000, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    inside = group.contains(np.einsum("gij,nj->ngi", group.operations, vectors)).sum(axis=1)
    assert (inside == 1).mean() > 0.999
    assert inside.min() == 1


@pytest.mark.parametrize("name", ["I5", "S5", "C0", "D0", "Dv", "XYZ", "", "C3x", "T1"])
def test_other_names_are_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(ParameterError, match="point group"):
        point_group(name)


@pytest.mark.parametrize("name", ["C3", "D2", "T", "O", "I3", "Td", "Th", "C2v", "S4"])
def test_equivalent_poses_give_the_same_projection(name: str) -> None:
    group, n = point_group(name), 32
    z, y, x = np.indices((n,) * 3) - n // 2
    map_ = np.zeros((n,) * 3)
    for operation in group.operations:
        a = operation @ np.array([6.0, 2.5, 4.0])
        map_ += np.exp(-((x - a[0]) ** 2 + (y - a[1]) ** 2 + (z - a[2]) ** 2) / 5)
    pose = random_rotations(np.random.default_rng(0), 1)
    images = Projector.of_map(map_, padding=3).images(group.equivalent_poses(pose)[0])
    assert np.abs(images - images[0]).max() < 0.02 * images[0].max()


def test_angles_count_up_to_symmetry() -> None:
    group = point_group("D3")
    poses = random_rotations(np.random.default_rng(1), 4)
    other = poses @ group.operations[4] @ turn([1, 2, 3], 5.0)
    np.testing.assert_allclose(group.angle_between(poses @ turn([1, 2, 3], 5.0).T, poses), 5.0, atol=1e-6)
    assert group.angle_between(other, poses).max() <= angle_between(other, poses).max()
