"""Point groups in RELION's axes: their operations, and one asymmetric unit of directions.

Axes (x, y, z of the map), as `relion_refine --print_symmetry_ops` shows them:

Cn          the axis is z
CnV, CnH    a mirror with normal y; with normal z
Ci, Cs      the inversion; the mirror with normal z
S2n         Cn and the inversion. That is RELION's group of this name; Schoenflies' S2n is another one for even n
Dn          the n-fold axis is z, a two-fold axis is x
DnV, DnH    a mirror with normal x; with normal z
T           a three-fold axis is z, a two-fold axis lies between y and z; Td adds the mirror x, Th the inversion
O           four-fold axes are x, y, z; Oh adds the inversion
I = I2      two-fold axes are x, y, z, five-fold axes in the xz plane near z; I1 is I2 turned by 90° about z
I3, I4      a five-fold axis is z, another lies at -x, +z (I3) or at +x, +z (I4)
IH, I1H …   with the inversion

Molecules are chiral, so groups with mirrors occur only at resolutions that do not show it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from relionlab.engine.rotations import angle_between
from relionlab.errors import ParameterError

_GOLDEN = (1 + 5**0.5) / 2
_TOLERANCE = 1e-6
_X, _Y, _Z = np.eye(3)
_MIRROR_X, _MIRROR_Y, _MIRROR_Z = (np.diag(1 - 2 * axis) for axis in np.eye(3))
_INVERSION = -np.eye(3)
_PLANAR = re.compile(r"([CDS])(\d+)([VH]?)")
_SOLID = re.compile(r"T[DH]?|OH?|I[1-4]?H?")
_OPEN_SIDES = {"T": 2, "O": 0}  # as RELION's directions show
_KNOWN = "C1, C2 …, D2, D3 …, T, O, I (= I2), I1, I3, I4, and with mirrors Ci, Cs, CnV, CnH, S2n, DnV, DnH, Td, Th, Oh, I1H … I4H"


@dataclass(frozen=True, eq=False)
class PointGroup:
    """A point group.

    name        as "D2", in capitals
    operations  (m, 3, 3) what leaves a map as it is: map(R x) = map(x). The first is the identity, the proper ones
                come first; those with mirrors have determinant -1
    sides       (k, 3) normals of the great circles around the asymmetric unit of directions: a direction inside has no
                negative product with any of them
    open_side   number of a side whose own points do not belong to the unit, -1: all do
    """

    name: str
    operations: np.ndarray
    sides: np.ndarray
    open_side: int = -1

    @property
    def order(self) -> int:
        """How many operations the group has, the identity included."""
        return len(self.operations)

    @property
    def rotations(self) -> np.ndarray:
        """(m, 3, 3) the proper rotations among the operations."""
        return self.operations[np.linalg.det(self.operations) > 0]

    @property
    def is_chiral(self) -> bool:
        """Whether the group has no mirrors, as that of every molecule."""
        return len(self.rotations) == self.order

    def equivalent_poses(self, matrices: np.ndarray) -> np.ndarray:
        """Return the poses (N, m, 3, 3) in which the group's object looks as in poses (N, 3, 3); the first are these.

        A projection along -z is the mirror image of that along z, so a mirror in the group is made good by one along
        the beam.
        """
        turned = matrices[:, None] @ self.operations[None]
        mirrored = np.linalg.det(self.operations) < 0
        turned[:, mirrored] = _MIRROR_Z @ turned[:, mirrored]
        return turned

    def angle_between(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the smallest angle in degrees from poses (N, 3, 3) to others or their equivalents, (N,)."""
        return angle_between(self.equivalent_poses(first), second[:, None]).min(axis=1)

    def contains(self, directions: np.ndarray) -> np.ndarray:
        """Say which unit vectors (…, 3) lie in the asymmetric unit, its border included."""
        least = np.full(len(self.sides), -_TOLERANCE)
        if self.open_side >= 0:
            least[self.open_side] = _TOLERANCE
        return (directions @ self.sides.T > least).all(axis=-1)


@lru_cache(maxsize=64)
def point_group(name: str) -> PointGroup:
    """Return the group of a name in capitals or small letters.

    Raises ParameterError where RELION has no group of this name.
    """
    given = name.strip().upper()
    planar = _PLANAR.fullmatch(given)
    if given in ("CI", "CS"):
        generators, sides = [_INVERSION if given == "CI" else _MIRROR_Z], [_Z]
    elif planar is not None and int(planar[2]) > 0:
        generators, sides = _planar(planar[1], int(planar[2]), planar[3], name)
    elif _SOLID.fullmatch(given):
        generators, sides = _solid(given)
    else:
        raise ParameterError(f"{name!r} is not a point group; expected one of {_KNOWN}.")
    operations = _closed(generators)
    operations.setflags(write=False)
    return PointGroup(given, operations, np.array(sides).reshape(-1, 3), _OPEN_SIDES.get(given, -1))


# --- groups around one axis -------------------------------------------------------------------------------------


def _planar(letter: str, n: int, mirror: str, name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return generators and sides of Cn, CnV, CnH, S2n, Dn, DnV, DnH."""
    if letter == "S":
        if n % 2 or mirror:
            raise ParameterError(f"{name!r} is not a point group: S takes an even number and nothing after it, as S4.")
        return [turn(_Z, 360 / (n // 2)), _INVERSION], [*_wedge(n // 2, 0), _Z]
    generators = [turn(_Z, 360 / n)]
    if letter == "C":
        if mirror:
            generators.append(_MIRROR_Y if mirror == "V" else _MIRROR_Z)
        return generators, [*_wedge(n, 0), *{"V": [_Y], "H": [_Z], "": []}[mirror]]
    generators.append(turn(_X, 180))
    if mirror == "H":  # which makes y a mirror too
        return [*generators, _MIRROR_Z], [*_wedge(n, 0), _Y, _Z]
    if mirror == "V":
        return [*generators, _MIRROR_X], [*_wedge(n, 90), -_X, _Z]
    return generators, [*_wedge(n, 90), _Z]


def _wedge(n: int, middle: float) -> list[np.ndarray]:
    """Return the sides of the directions whose azimuth lies within 180°/n of ``middle`` degrees."""
    if n == 1:
        return []
    low, high = np.radians([middle - 180 / n, middle + 180 / n])
    first, last = np.array([-np.sin(low), np.cos(low), 0]), np.array([np.sin(high), -np.cos(high), 0])
    return [first, last]


# --- tetrahedron, octahedron, icosahedron -----------------------------------------------------------------------

_AROUND_I2 = ((1, 0, _GOLDEN), (0, 1 / _GOLDEN**2, 1), (-1, 0, _GOLDEN))
_CORNERS = {
    # of the triangle that is RELION's asymmetric unit; the plane through the second that halves it is a mirror of Td, Oh, Ih
    "T": ((0, 0, 1), (-(6**0.5), 2**0.5, 1), (0, 8**0.5, -1)),
    "TH": ((0, 2**0.5, 1), (0, 0, 1), (1.5**0.5, -(0.5**0.5), 1)),
    "O": ((1, 1, 1), (0, 0, 1), (-1, 1, 1)),
    "I1": ((-_GOLDEN, 0, 1), (-(_GOLDEN**2), 1, 0), (-_GOLDEN, 0, -1)),
    "I2": _AROUND_I2,
}
"""As (x, y, z) of any length."""


def _solid(name: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return generators and sides of T, O, I and those with mirrors."""
    plain = name[:-1] if name[-1] in "DH" else name
    plain = "I2" if plain == "I" else plain
    if plain == "T":
        generators, corners = [turn(_Z, 120), turn([0, 2**0.5, 1], 180)], _unit(_CORNERS["TH" if name == "TH" else "T"])
    elif plain == "O":
        generators, corners = [turn(_Z, 90), turn([1, 1, 1], 120)], _unit(_CORNERS["O"])
    else:
        generators, corners = _icosahedron(plain)
    sides = [np.cross(corners[i], corners[(i + 1) % 3]) for i in range(3)]
    inwards = np.sign(corners[0] @ np.cross(corners[1], corners[2]))
    sides = [side * inwards / np.linalg.norm(side) for side in sides]
    if name == plain or name == "I":
        return generators, sides
    if name != "TH":
        between = corners[0] - corners[2]
        sides.append(between / np.linalg.norm(between))
    return [*generators, _MIRROR_X if name == "TD" else _INVERSION], sides


def _icosahedron(name: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return generators and the triangle's corners of I1 … I4."""
    tilt = np.degrees(np.arctan(1 / _GOLDEN))  # of the five-fold axes of I2
    frame = {"I1": turn(_Z, 90), "I2": np.eye(3), "I3": turn(_Y, -tilt), "I4": turn(_Y, tilt)}[name]
    generators = [turn(frame @ _AROUND_I2[0], 72), turn(frame @ _Z, 180)]
    if name in _CORNERS:
        return generators, _unit(_CORNERS[name])
    if name == "I3":
        return generators, _unit(_AROUND_I2) @ frame.T
    five = np.array(
        [2, 0, 1]
    )  # turned about z, it is the five-fold axes to either side of -x; a three-fold one is below
    return generators, _unit([turn(_Z, 144) @ five, (-2 * _GOLDEN**2, 0, 1), turn(_Z, -144) @ five])


def _unit(vectors: Sequence[Sequence[float]]) -> np.ndarray:
    array = np.array(vectors, float)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


# --- operations -------------------------------------------------------------------------------------------------


def turn(axis: Any, degrees: float) -> np.ndarray:
    """Return the rotation (3, 3) of coordinates by an angle about an axis (x, y, z) of any length (Rodrigues)."""
    u = np.asarray(axis, float) / np.linalg.norm(axis)
    cross = np.array([[0, -u[2], u[1]], [u[2], 0, -u[0]], [-u[1], u[0], 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _closed(generators: Sequence[np.ndarray]) -> np.ndarray:
    """Return all products of the generators: the identity first, proper rotations before improper ones."""
    found, new = [np.eye(3)], [np.eye(3)]
    while new:
        products = [product @ generator for product in new for generator in generators]
        new = []
        for candidate in products:
            if not any(np.abs(candidate - known).max() < _TOLERANCE for known in found):
                found.append(candidate)
                new.append(candidate)
    exact = np.array(found)
    for value in (0.0, 0.5, 1.0):  # what is exact stays exact: such operations move voxels onto voxels
        exact = np.where(np.abs(np.abs(exact) - value) < 1e-12, np.copysign(value, exact), exact) + 0.0
    return exact[np.argsort(np.linalg.det(exact) < 0, kind="stable")]
