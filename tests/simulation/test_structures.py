"""Atoms and their density."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ImageError, InputError
from relionlab.io.images import write_map
from relionlab.simulation.structures import Atoms, density, read_atoms, read_molecule, windowed

PDB = """\
CRYST1   50.000   50.000   50.000  90.00  90.00  90.00 P 1
ATOM      1  N   GLY A   1      10.000  10.000  10.000  1.00 20.00           N
ATOM      2  CA  GLY A   1      11.458  10.000  10.000  1.00 20.00           C
ATOM      3  C   GLY A   1      12.009  11.420  10.000  1.00 20.00           C
ATOM      4  O   GLY A   1      11.251  12.390  10.000  1.00 20.00           O
HETATM    5  O   HOH A   2      30.000  30.000  30.000  1.00 20.00           O
END
"""


def test_an_atom_lies_where_it_should_and_is_as_wide_as_its_bfactor() -> None:
    n, pixel_size, bfactor = 32, 1.5, 400.0
    map_ = density(Atoms(np.array([[4.2, -6.1, 3.3]]), np.ones(1)), n, pixel_size, bfactor=bfactor, solvent=0).astype(
        float
    )
    z, y, x = (np.indices((n,) * 3) - n // 2) * pixel_size
    centre = np.array([(axis * map_).sum() for axis in (x, y, z)]) / map_.sum()
    np.testing.assert_allclose(centre, [4.2, -6.1, 3.3], atol=0.02)
    variance = ((x - centre[0]) ** 2 * map_).sum() / map_.sum()
    assert variance == pytest.approx(bfactor / (8 * np.pi**2), rel=0.02)


def test_density_does_not_depend_on_the_pixel_size() -> None:
    rng = np.random.default_rng(0)
    atoms = Atoms(rng.normal(size=(200, 3)) * 5, np.ones(200))
    coarse, fine = density(atoms, 24, 3.0, bfactor=600), density(atoms, 48, 1.5, bfactor=600)
    np.testing.assert_allclose(coarse, fine[::2, ::2, ::2], atol=0.02 * coarse.max())


def test_water_is_left_out_and_compressed_files_are_read(tmp_path: Path) -> None:
    plain, packed = tmp_path / "gly.pdb", tmp_path / "gly.pdb.gz"
    plain.write_text(PDB)
    packed.write_bytes(gzip.compress(PDB.encode()))
    atoms = read_atoms(plain)
    assert len(atoms.weights) == 4
    np.testing.assert_allclose(np.average(atoms.positions, axis=0, weights=atoms.weights), 0, atol=1e-9)
    np.testing.assert_array_equal(read_atoms(packed).positions, atoms.positions)


def test_faults_are_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pdb"
    empty.write_text("END\n")
    with pytest.raises(InputError, match="holds no atoms"):
        read_atoms(empty)
    with pytest.raises(InputError, match="cannot be read"):
        read_atoms(tmp_path / "absent.cif")
    with pytest.raises(ImageError, match="use a box of at least"):
        density(Atoms(np.array([[100.0, 0, 0]]), np.ones(1)), 32, 2.0)


def test_real_molecules_are_read(shared_data: Path) -> None:
    galactosidase, ferritin = read_atoms(shared_data / "pdb/5a1a.cif.gz"), read_atoms(shared_data / "pdb/6z6u.pdb.gz")
    assert 30_000 < len(galactosidase.weights) < 36_000
    assert 85 < galactosidase.radius() < 95
    assert 55 < ferritin.radius() < 75  # 24 subunits, made by the file's symmetry


def test_a_map_is_brought_to_another_pixel_size(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    atoms = Atoms(rng.normal(size=(200, 3)) * 8, np.ones(200))
    write_map(tmp_path / "map.mrc", density(atoms, 48, 1.9, bfactor=900), pixel_size=1.9)
    found = read_molecule(tmp_path / "map.mrc", 32, 3.3)
    expected = density(atoms, 32, 3.3, bfactor=900)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999
    assert found.max() == pytest.approx(expected.max(), rel=0.03)


def test_windows_keep_the_origin() -> None:
    map_ = np.zeros((7, 7, 7))
    map_[3, 3, 3] = 1
    for n in (4, 5, 10, 11):
        assert windowed(map_, n)[n // 2, n // 2, n // 2] == 1
        assert windowed(map_, n).sum() == 1
