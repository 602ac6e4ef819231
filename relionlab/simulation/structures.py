"""Atoms from a model file, and the density that an electron microscope sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.fourier import crop_rfft3, irfft3_centred, resize_map, rfft3_centred
from relionlab.engine.masks import radius_grid
from relionlab.errors import ImageError, InputError

ELECTRON_SCATTERING = {"H": 0.53, "C": 2.51, "N": 2.21, "O": 1.98, "P": 5.49, "S": 5.16}
"""Forward electron scattering factors in Å (International Tables C, table 4.3.1.1); other elements count as C × Z/6."""

SOLVENT = 0.6
"""Share of the protein's mean density that the displaced water takes away (flat bulk solvent)."""


SCATTERING_PER_GREY = 0.06 * 2.4
"""Forward electron scattering in Å per Å³ where a map has the grey value 1: heavy atoms in protein, times a mean factor."""


@dataclass(frozen=True, eq=False)
class Atoms:
    """Scatterers of a molecule.

    positions  (N, 3) x, y, z in Å
    weights    (N,) forward scattering, in arbitrary units
    """

    positions: np.ndarray
    weights: np.ndarray

    def centred(self) -> Atoms:
        """Return the atoms with their centre of scattering at the origin."""
        centre = np.average(self.positions, axis=0, weights=self.weights)
        return Atoms(self.positions - centre, self.weights)

    def moved(self, matrix: np.ndarray, by: np.ndarray | tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Atoms:
        """Return the atoms turned by a matrix (3, 3) and then moved by a vector (3,) in Å."""
        return Atoms(self.positions @ np.asarray(matrix).T + np.asarray(by), self.weights)

    def radius(self) -> float:
        """Return the distance of the farthest atom from the origin in Å."""
        return float(np.sqrt((self.positions**2).sum(axis=1).max()))

    @staticmethod
    def joined(parts: list[Atoms]) -> Atoms:
        """Return all atoms of several molecules."""
        return Atoms(np.concatenate([p.positions for p in parts]), np.concatenate([p.weights for p in parts]))


def read_atoms(path: str | Path, *, assembly: str | None = "1") -> Atoms:
    """Read the atoms of the first model of a PDB or mmCIF file, also compressed (.gz); waters are left out.

    assembly  the biological assembly to make, if the file describes it; ``None``: the atoms as they are in the file
    Returns the atoms about their centre. Raises InputError if the file cannot be read or holds no atom.
    """
    import gemmi

    try:
        structure = gemmi.read_structure(str(path))
    except (OSError, RuntimeError, ValueError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} cannot be read as a PDB or mmCIF file ({error}). Give a .pdb, .cif or .ent file, also .gz."
        ) from None
    structure.setup_entities()
    if assembly is not None and any(found.name == assembly for found in structure.assemblies):
        structure.transform_to_assembly(assembly, gemmi.HowToNameCopiedChain.Short)
    structure.remove_waters()
    structure.remove_alternative_conformations()
    if len(structure) == 0 or structure[0].count_atom_sites() == 0:
        raise InputError(f"{path} holds no atoms: give a PDB or mmCIF file of a molecule.")
    found = [(*atom.atom.pos.tolist(), _scattering(atom.atom.element)) for atom in structure[0].all()]
    table = np.array(found)
    return Atoms(table[:, :3], table[:, 3]).centred()


def density(atoms: Atoms, n: int, pixel_size: float, *, bfactor: float = 60.0, solvent: float = SOLVENT) -> np.ndarray:
    """Return the map (n, n, n), float32, of atoms about the origin.

    pixel_size  in Å
    bfactor     in Å²: blur of each atom, exp(-B s²/4); it includes the atom's own size
    solvent     contrast taken away by the water that the molecule displaces, at low resolution
    The mean grey value inside the molecule is of the order of 1. Raises ImageError if the molecule does not fit.
    """
    if atoms.radius() > n // 2 * pixel_size:
        raise ImageError(
            f"The molecule has a radius of {atoms.radius():.0f} Å, but a box of {n} px of {pixel_size:g} Å only holds "
            f"{n // 2 * pixel_size:.0f} Å: use a box of at least {2 * int(np.ceil(atoms.radius() / pixel_size)) + 4} px."
        )
    fine = 2 * n
    transform = rfft3_centred(_splat(atoms, fine, pixel_size / 2))
    transform /= _kernel(fine)
    transform = crop_rfft3(transform, n) * _blur(n, pixel_size, bfactor, solvent)
    return (irfft3_centred(transform, n) * (8 / pixel_size**3 / SCATTERING_PER_GREY)).astype(np.float32)


def diameter_of(molecules: Sequence[Atoms | np.ndarray], pixel_size: float) -> float:
    """Return the size of the largest molecule in Å, rounded up to 5 Å; of maps, where they exceed 15 % of the maximum."""
    radii = [
        molecule.radius()
        if isinstance(molecule, Atoms)
        else radius_grid(molecule.shape[0], 3)[molecule > 0.15 * molecule.max()].max() * pixel_size
        for molecule in molecules
    ]
    return float(np.ceil(2 * max(radii) / 5) * 5)


def _scattering(element: object) -> float:
    name, number = element.name, element.atomic_number  # type: ignore[attr-defined]
    return ELECTRON_SCATTERING.get(name, 2.51 * max(number, 1) / 6)


def _splat(atoms: Atoms, n: int, pixel_size: float) -> np.ndarray:
    """Share each atom out between the eight grid points around it."""
    grid = np.zeros(n**3)
    position = atoms.positions[:, ::-1] / pixel_size + n // 2  # z, y, x
    corner = np.floor(position).astype(np.int64)
    fraction = position - corner
    for step in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(step, fraction, 1 - fraction), axis=1) * atoms.weights
        point = np.clip(corner + step, 0, n - 1)
        grid += np.bincount((point[:, 0] * n + point[:, 1]) * n + point[:, 2], weights=weight, minlength=n**3)
    return grid.reshape(n, n, n).astype(np.float32)


def _kernel(n: int) -> np.ndarray:
    """Return the transform of the linear splat, a sinc² along each axis."""
    line = np.sinc(np.where(np.arange(n) <= n // 2, np.arange(n), np.arange(n) - n) / n).astype(np.float32) ** 2
    return line[:, None, None] * line[None, :, None] * line[None, None, : n // 2 + 1]


def _blur(n: int, pixel_size: float, bfactor: float, solvent: float) -> np.ndarray:
    line = (np.where(np.arange(n) <= n // 2, np.arange(n), np.arange(n) - n) / (n * pixel_size)) ** 2
    square = (line[:, None, None] + line[None, :, None] + line[None, None, : n // 2 + 1]).astype(np.float32)
    falloff = np.exp(-bfactor / 4 * square) * (1 - solvent * np.exp(-300 / 4 * square))
    return falloff * (square <= (0.5 / pixel_size) ** 2)


def read_molecule(path: str | Path, n: int, pixel_size: float, *, bfactor: float = 60.0) -> np.ndarray:
    """Return the map (n, n, n) at this pixel size (Å) of a PDB or mmCIF file, or of a map file (.mrc, .map, also .gz).

    bfactor  in Å², for atoms; a map is taken as it is, rescaled in Fourier space to better than 0.1 % and windowed
    Raises InputError or ImageError as :func:`read_atoms` and :func:`density` do.
    """
    from relionlab.io.images import read_map

    name = str(path).lower()
    if any(name.removesuffix(".gz").endswith(ending) for ending in (".pdb", ".ent", ".cif", ".mmcif")):
        return density(read_atoms(path), n, pixel_size, bfactor=bfactor)
    map_, own_pixel_size = read_map(path)
    if own_pixel_size is None:
        raise ImageError(
            f"{path} does not say its pixel size: write it into the header (relion_image_handler --angpix)."
        )
    if len(set(map_.shape)) != 1:
        raise ImageError(f"{path} has {'×'.join(map(str, map_.shape))} px; expected a cube. Window it to one first.")
    return rescaled(map_, own_pixel_size / pixel_size, n)


def rescaled(map_: np.ndarray, factor: float, n: int) -> np.ndarray:
    """Return a map (m, m, m) enlarged by a factor and windowed, or padded with zeros, to (n, n, n)."""
    m = map_.shape[0]
    start = m + m % 2
    sizes = np.arange(start, start + 200, 2)  # padded to which size does an even number of new pixels fit best?
    new = 2 * np.round(sizes * factor / 2).astype(int)
    best = int(np.argmin(np.abs(new / (sizes * factor) - 1) + 1e-5 * (sizes - start) / start))
    padded = windowed(map_ - _rim(map_), int(sizes[best]))
    return windowed(resize_map(padded, int(new[best])), n).astype(np.float32)


def windowed(map_: np.ndarray, n: int) -> np.ndarray:
    """Cut a map (m, m, m) down, or pad it with zeros, to (n, n, n) about the origin."""
    m = map_.shape[0]
    out = np.zeros((n,) * 3, map_.dtype)
    low, high = max(n // 2 - m // 2, 0), min(n // 2 - m // 2 + m, n)
    first = low - (n // 2 - m // 2)
    out[(slice(low, high),) * 3] = map_[(slice(first, first + high - low),) * 3]
    return out


def _rim(map_: np.ndarray) -> float:
    """Return the grey value at the map's faces: the solvent, which becomes 0."""
    return float(
        np.median(np.concatenate([map_[0].ravel(), map_[-1].ravel(), map_[:, 0].ravel(), map_[:, -1].ravel()]))
    )
