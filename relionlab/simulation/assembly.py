"""A molecule for teaching and testing that needs no model file: four pseudo-protein subunits with D2 symmetry.

One subunit is a chain of about a thousand residues, folded by rule into a barrel of eight strands and eight helices,
four sandwiches of two sheets and two bundles of six helices, packed beside each other; each residue is two beads, backbone and side chain. The
assembly weighs 423 kDa and measures 98 × 196 × 159 Å, so that its class averages show domains at 10 to 20 Å, as
those of β-galactosidase do. It is nobody's structure.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np

from relionlab.engine.rotations import matrix_from_euler
from relionlab.simulation.structures import Atoms

Conformation = Literal["full", "moved_subunit", "missing_subunit"]
"""The whole assembly, the same with one subunit swung out, or without it."""

DALTONS_PER_RESIDUE = 110.0
BACKBONE, SIDE_CHAIN = 9.2, 9.4  # forward electron scattering in Å of N-CA-C-O with hydrogens, and of a mean side chain

D2 = np.array([np.diag(signs) for signs in ((1, 1, 1), (-1, -1, 1), (1, -1, -1), (-1, 1, -1))], dtype=float)
"""The four rotations of D2, axes along x, y, z."""


def d2_assembly(conformation: Conformation = "full") -> Atoms:
    """Return the beads of the assembly about its centre; two per residue.

    conformation  "full"; "moved_subunit": one subunit turned by 25° about its contact; "missing_subunit": three left
    """
    copies = [subunit().moved(turn) for turn in D2]
    if conformation == "missing_subunit":
        copies = copies[:3]
    elif conformation == "moved_subunit":
        copies[3] = _swung(copies[3])
    return Atoms.joined(copies)


def residues() -> int:
    """Return the number of residues of one subunit."""
    return len(subunit().weights) // 2


def kilodaltons() -> float:
    """Return the mass of the whole assembly in kDa."""
    return len(D2) * residues() * DALTONS_PER_RESIDUE / 1000


@lru_cache(maxsize=1)
def subunit() -> Atoms:
    """Return the beads of one subunit, placed in the assembly."""
    domains = [_barrel(), _sandwich(6), _sandwich(5), _bundle(22), _sandwich(6), _bundle(19), _sandwich(5)]
    placed = [
        domain.moved(matrix_from_euler(*angles), by) for domain, (angles, by) in zip(domains, PLACES, strict=True)
    ]
    turn, by = SUBUNIT_PLACE
    return Atoms.joined(placed).moved(matrix_from_euler(*turn), by)


# Where the domains lie in the subunit and the subunit in the assembly: (rot, tilt, psi), (x, y, z) in Å. Found once by
# packing random orientations as closely as 5 Å between beads allows (tests/simulation keeps watch over clashes).
Place = tuple[tuple[float, float, float], tuple[float, float, float]]
PLACES: tuple[Place, ...] = (
    ((0, 0, 0), (0, 0, 0)),
    ((4, 76, -103), (-34.7, -6.6, -7.2)),
    ((-163, 115, -92), (30.5, -20.8, -1.7)),
    ((-55, 17, -98), (49.3, 13.1, -1.5)),
    ((-89, 9, -69), (18.2, 31.4, -7.3)),
    ((2, 92, 155), (6.9, -0.2, -32.3)),
    ((85, 138, 63), (-19.2, 33.8, -3.6)),
)
SUBUNIT_PLACE: Place = ((108, 99, 178), (27.8, 30.9, 25.0))


# --- folds ------------------------------------------------------------------------------------------------------


def _barrel() -> Atoms:
    """Eight strands around an axis, tilted by 36°, each followed by a helix on the outside that leads back."""
    segments = []
    for number in range(8):
        around = 2 * np.pi * number / 8
        segments.append(_strand(_on_barrel(around, 7.2, np.radians(36)), 9))
        segments.append(_helix(_on_barrel(around + np.pi / 8, 16.5, np.radians(-155)), 16))
    return _chain(segments)


def _sandwich(strands: int) -> Atoms:
    """Two sheets of antiparallel strands, 10 Å apart and twisted by 25° against each other."""
    segments = []
    for sheet in range(2):
        for number in range(strands):
            sideways = (number - (strands - 1) / 2) * 4.8 * (-1) ** sheet
            twist = np.radians(12.5 * (2 * sheet - 1) + 8 * (number - (strands - 1) / 2))
            along = np.array([np.sin(twist), 0, np.cos(twist)]) * (-1) ** number
            segments.append(_strand((np.array([sideways, 10.0 * sheet - 5, 0]), along, np.array([0, 1.0, 0])), 9))
    return _chain(segments)


def _bundle(length: int) -> Atoms:
    """Six helices side by side around an axis, up and down in turn."""
    segments = []
    for number in range(6):
        around = 2 * np.pi * number / 6
        outward = np.array([np.cos(around), np.sin(around), 0])
        along = np.array([-0.3 * outward[1], 0.3 * outward[0], 0.954]) * (-1) ** number
        segments.append(_helix((9.8 * outward, along, outward), length))
    return _chain(segments)


Frame = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Centre of a segment, direction of its axis, and a direction to its outside."""


def _on_barrel(around: float, radius: float, slope: float) -> Frame:
    outward = np.array([np.cos(around), np.sin(around), 0])
    tangent = np.array([-np.sin(around), np.cos(around), 0])
    return radius * outward, np.sin(slope) * tangent + np.cos(slope) * np.array([0, 0, 1.0]), outward


def _helix(frame: Frame, length: int) -> tuple[np.ndarray, np.ndarray]:
    """α-helix: 1.5 Å and 100° per residue, backbone at 2.0 Å from the axis, side chains at 5.2 Å."""
    return _wound(frame, length, rise=1.5, radii=(2.0, 5.2), turn=lambda i: np.radians(100) * i)


def _strand(frame: Frame, length: int) -> tuple[np.ndarray, np.ndarray]:
    """β-strand: 3.3 Å per residue, side chains to either side of the sheet in turn."""
    return _wound(frame, length, rise=3.3, radii=(0.8, 2.9), turn=lambda i: np.pi * i)


def _wound(
    frame: Frame, length: int, *, rise: float, radii: tuple[float, float], turn: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    centre, along, outward = frame
    across = np.cross(along, outward)
    outward = np.cross(across, along)
    index = np.arange(length)
    axis = centre + ((index - (length - 1) / 2) * rise)[:, None] * along
    spoke = np.cos(turn(index))[:, None] * outward + np.sin(turn(index))[:, None] * across
    return axis + radii[0] * spoke, axis + radii[1] * spoke


def _chain(segments: list[tuple[np.ndarray, np.ndarray]]) -> Atoms:
    """Join segments by loops and weigh the beads; returned about their centre."""
    backbone, side = [segments[0][0]], [segments[0][1]]
    middle = np.concatenate([part for part, _ in segments]).mean(axis=0)
    for (previous, _), (following, following_side) in itertools.pairwise(segments):
        loop = _loop(previous, following)
        backbone += [loop, following]
        side += [loop + 2.4 * _unit(loop - middle), following_side]
    positions = np.concatenate([*backbone, *side])
    count = len(positions) // 2
    return Atoms(positions, np.repeat([BACKBONE, SIDE_CHAIN], count)).centred()


def _loop(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Residues every 3.8 Å on a curve that leaves one segment and enters the next in their own directions."""
    leave, enter = _unit(before[-1] - before[-3]), _unit(after[2] - after[0])
    gap = np.linalg.norm(after[0] - before[-1])
    corners = before[-1], before[-1] + 0.7 * gap * leave, after[0] - 0.7 * gap * enter, after[0]
    t = np.linspace(0, 1, max(round(gap * 1.3 / 3.8), 2) + 1)[1:-1, None]
    return (
        (1 - t) ** 3 * corners[0]
        + 3 * (1 - t) ** 2 * t * corners[1]
        + 3 * (1 - t) * t**2 * corners[2]
        + t**3 * corners[3]
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _swung(copy: Atoms) -> Atoms:
    """Turn a subunit by 25° about the bead nearest to the assembly's centre, and 2 Å away from it: nothing clashes."""
    hinge = copy.positions[np.argmin((copy.positions**2).sum(axis=1))]
    outward = _unit(copy.positions.mean(axis=0))
    axis, angle = _unit(np.array([0.09, 0.63, 0.77])), np.radians(25)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return Atoms((copy.positions - hinge) @ turn.T + hinge + 2.0 * outward, copy.weights)
