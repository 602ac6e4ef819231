"""Viewing directions of a 3D reference: HEALPix pixels of the asymmetric part of the sphere.

Sources: Górski et al. (2005) Astrophys. J. 622, 759, equations 4 to 9 (ring scheme); the settings of the point groups
are RELION's, as `relion_refine --sym T --print_symmetry_ops` prints them (Heymann, Chagoyen & Belnap 2005).
"""

from __future__ import annotations

import re

import numpy as np

from relionlab.engine.rotations import matrix_from_euler
from relionlab.errors import ParameterError

_GOLDEN = (1 + 5**0.5) / 2
# A 5-fold and a neighbouring 2-fold of the icosahedron in each of the settings that RELION knows.
_ICOSAHEDRAL = {
    "I1": ((_GOLDEN, 0, 1), (1, 0, 0)),
    "I2": ((1, 0, _GOLDEN), (0, 0, 1)),
    "I3": ((0, 0, 1), (-1, 0, _GOLDEN)),
    "I4": ((0, 0, 1), (1, 0, _GOLDEN)),
}
HIGHEST_ORDER = 5
"""HEALPix order beyond which a search of a micrograph makes no sense: 12,288 directions 2° apart."""


def healpix_directions(order: int) -> np.ndarray:
    """Return the pixel centres of the whole sphere as rot and tilt in degrees, (12 · 4^order, 2), in ring order."""
    nside = 2**order
    pixel = np.arange(12 * nside**2)
    cap = 2 * nside * (nside - 1)  # pixels of the northern polar cap
    z, phi = np.empty(len(pixel)), np.empty(len(pixel))
    for count, mirrored in ((pixel[:cap], False), (pixel[len(pixel) - cap :], True)):
        number = len(pixel) - 1 - count if mirrored else count
        half = (number + 1) / 2
        ring = np.floor(np.sqrt(half - np.sqrt(np.floor(half)))).astype(int) + 1
        inside = number + 1 - 2 * ring * (ring - 1)
        height, angle = 1 - ring**2 / (3 * nside**2), np.pi / (2 * ring) * (inside - 0.5)
        z[count], phi[count] = (-height, 2 * np.pi - angle) if mirrored else (height, angle)
    belt = pixel[cap : len(pixel) - cap] - cap
    ring, inside = belt // (4 * nside) + nside, belt % (4 * nside) + 1
    z[cap : len(pixel) - cap] = 4 / 3 - 2 * ring / (3 * nside)
    phi[cap : len(pixel) - cap] = np.pi / (2 * nside) * (inside - ((ring - nside + 1) % 2) / 2)
    return np.stack([np.degrees(phi), np.degrees(np.arccos(np.clip(z, -1, 1)))], axis=1)


def symmetry_matrices(symmetry: str) -> np.ndarray:
    """Return the rotations of a point group, (order of the group, 3, 3), the identity first.

    symmetry  C1, Cn, Dn, T, O, I or I2, I1, I3, I4 (capital or small letters)

    Raises ParameterError for groups with mirrors, which no biological molecule has, and for what is no group.
    """
    name = symmetry.strip().upper()
    found = re.fullmatch(r"([CD])(\d{1,3})|T|O|I[1-4]?", name)
    if not found or (found.group(2) and int(found.group(2)) < 1):
        raise ParameterError(
            f"Symmetry is {symmetry!r}; expected Cn, Dn, T, O, I, I1, I2, I3 or I4, with n from 1, as C1 or D2."
        )
    return _group(_generators(name[0] if found.group(2) else name, int(found.group(2) or 1)))


def directions(order: int, symmetry: str = "C1") -> np.ndarray:
    """Return rot and tilt in degrees, (n, 2), of the HEALPix directions that symmetry does not repeat.

    order     HEALPix order: about 60° apart at 0, 30° at 1, 15° at 2
    symmetry  point group, see :func:`symmetry_matrices`

    A direction is kept where it is the one of its equivalents that lies nearest to a fixed point in general position;
    the sphere is then covered once, whatever the group.
    """
    if not 0 <= order <= HIGHEST_ORDER:
        raise ParameterError(f"HEALPix order is {order}; expected 0 to {HIGHEST_ORDER} (60° to about 2°).")
    angles = healpix_directions(order)
    views = matrix_from_euler(angles[:, 0], angles[:, 1], 0.0)[:, 2]
    group = symmetry_matrices(symmetry)
    point = np.array([0.2718, 0.1414, 0.9519])
    nearness = np.einsum("gij,nj,i->gn", group, views, point)
    kept = np.flatnonzero(nearness[0] >= nearness.max(axis=0) - 1e-6)
    return angles[kept]


def _turn(axis: tuple[float, float, float], degrees: float) -> np.ndarray:
    """Return the matrix of a rotation of coordinates about an axis (Rodrigues), with RELION's sense."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, z, -y], [-z, 0, x], [y, -x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _generators(family: str, n: int) -> list[np.ndarray]:
    z = (0.0, 0.0, 1.0)
    if family == "C":
        return [_turn(z, 360 / n)]
    if family == "D":
        return [_turn(z, 360 / n), _turn((1, 0, 0), 180)]
    if family == "T":  # a 3-fold along z, a 2-fold in the plane x = 0
        return [_turn(z, 120), _turn((0, np.sqrt(2), 1), 180)]
    if family == "O":
        return [_turn(z, 90), _turn((1, 1, 1), 120)]
    five, two = _ICOSAHEDRAL["I2" if family == "I" else family]
    return [_turn(five, 72), _turn(two, 180)]


def _group(generators: list[np.ndarray]) -> np.ndarray:
    """Return all products of the generators, the identity first."""
    found = [np.eye(3)]
    for element in found:
        for generator in generators:
            product = element @ generator
            if not any(np.allclose(product, known, atol=1e-6) for known in found):
                found.append(product)
    return np.array(found)
