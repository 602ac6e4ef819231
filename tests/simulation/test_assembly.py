"""The built-in molecule: size, symmetry, no clashes, and its conformations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from relionlab.simulation import assembly
from relionlab.simulation.assembly import D2, d2_assembly, kilodaltons, subunit
from relionlab.simulation.structures import density


def test_the_assembly_is_of_the_promised_size() -> None:
    atoms = d2_assembly()
    assert f"{kilodaltons():.0f} kDa" in str(assembly.__doc__)
    np.testing.assert_allclose(np.ptp(atoms.positions, axis=0), [98, 196, 159], atol=1)


def test_the_assembly_has_d2_symmetry() -> None:
    positions = d2_assembly().positions
    for turn in D2[1:]:
        distance, _ = cKDTree(positions).query(positions @ turn.T)
        assert distance.max() < 1e-9


def test_subunits_touch_and_do_not_clash() -> None:
    one = subunit().positions
    nearest = [cKDTree(one @ turn.T).query(one)[0].min() for turn in D2[1:]]
    assert min(nearest) > 1.5  # between beads of side chains
    assert sorted(nearest)[1] < 10  # at least two kinds of contact, else it would be two dimers


def test_conformations_differ_in_one_subunit() -> None:
    full = d2_assembly().positions
    moved, missing = d2_assembly("moved_subunit").positions, d2_assembly("missing_subunit").positions
    quarter = len(full) // 4
    np.testing.assert_array_equal(moved[: 3 * quarter], full[: 3 * quarter])
    np.testing.assert_array_equal(missing, full[: 3 * quarter])
    displacement = np.linalg.norm(moved - full, axis=1)[3 * quarter :]
    assert 10 < displacement.mean() < 40
    assert cKDTree(full[: 3 * quarter]).query(moved[3 * quarter :])[0].min() > 1.5


def test_its_density_has_inner_structure() -> None:
    map_ = density(d2_assembly(), 48, 5.0)
    inside = map_ > 0.25
    assert inside.mean() * 240**3 / (kilodaltons() * 1e3) == pytest.approx(1.21, rel=0.6)  # Å³ per dalton
    assert map_[inside].std() > 0.2 * map_[inside].mean()
