"""How far poses could be turned or moved before their particles would notice, and how much they have changed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
import scipy.special

from relionlab.engine.classify2d.accuracy import LEAST_DIFFERENCE, UNKNOWN
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.state import Model
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume import LINEAR, PolarSlicer, weight_spectrum

_PROBED = 24  # poses whose mean stands for all
_ANGLES = tuple(np.geomspace(0.05, 30, 48).tolist())
_STRIDE = 8
_OFFSETS = np.arange(0.02, 10.02, 0.02)


def accuracies(
    model: Model, particles: Particles, sums: Sums, *, grid: PolarGrid, group: PointGroup
) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected accuracy of angles (degrees) and of offsets (Å) per class, UNKNOWN where there is none.

    The smallest change of pose that lowers the log-likelihood of a mean particle of the class by LEAST_DIFFERENCE: half
    the sum over the plane of mean CTF² / (2 sigma2) |A - A'|², averaged over poses and, for angles, over turns about the
    image's x, y and z.

    grid  on which the sums were made
    """
    angles, offsets = np.full(model.classes, UNKNOWN), np.full(model.classes, UNKNOWN)
    for c in range(model.classes):
        members = np.flatnonzero(particles.class_index == c)
        if sums.share[c] <= 0 or not len(members):
            continue
        # the particles' weight, spread over a shell's 2 pi k² voxels, lay on the pi k pixels of their half circles
        of_class = sums.maps[c]
        density = weight_spectrum(of_class.completed(group), of_class.lattice)[1 : grid.radius + 1]
        weight = density * 2 * grid.rings / (sums.share[c] * group.order)
        area = 0.5 * 2 * np.pi * grid.rings * weight
        some = members[np.linspace(0, len(members) - 1, min(_PROBED, len(members))).astype(int)]
        poses = matrix_from_euler(particles.rot[some], particles.tilt[some], particles.psi[some])
        slicer = PolarSlicer.of_map(model.references[c], grid, taps=LINEAR)
        here = slicer.slices(poses)
        angles[c] = _noticed(lambda angle: float(_difference(slicer, here, poses, angle) @ area))  # noqa: B023 called at once
        power = np.mean(here.real**2 + here.imag**2, axis=(0, 2))
        moved = 2 - 2 * scipy.special.j0(2 * np.pi * np.outer(_OFFSETS, grid.rings) / model.box)
        enough = moved @ (area * power) >= LEAST_DIFFERENCE
        offsets[c] = _OFFSETS[enough.argmax()] * model.pixel_size if enough.any() else UNKNOWN
    return angles, offsets


def changes(before: Particles, after: Particles, group: PointGroup) -> tuple[float, float, float]:
    """Return the mean change of the poses in degrees, of the origins in Å (per axis), and the fraction of changed classes."""
    first, second = (matrix_from_euler(each.rot, each.tilt, each.psi) for each in (before, after))
    turned = group.angle_between(first, second).mean()
    moved = np.sqrt(np.mean((after.origin - before.origin) ** 2))
    return float(turned), float(moved), float(np.mean(after.class_index != before.class_index))


def _difference(slicer: PolarSlicer, here: np.ndarray, poses: np.ndarray, angle: float) -> np.ndarray:
    """Return the mean |A - A'|² per ring when poses are turned by an angle."""
    total = np.zeros(here.shape[1])
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    for turn in (
        np.array([[1, 0, 0], [0, c, s], [0, -s, c]]),
        np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]]),
        np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]),
    ):
        there = slicer.slices(turn @ poses) - here
        total += np.mean(there.real**2 + there.imag**2, axis=(0, 2))
    return total / 3


def _noticed(difference: Callable[[float], float]) -> float:
    """Return the first of the angles whose difference is noticed: among every eighth of them first, then between."""
    low = -1
    for high in range(_STRIDE - 1, len(_ANGLES), _STRIDE):
        if difference(_ANGLES[high]) >= LEAST_DIFFERENCE:
            between = range(low + 1, high)
            first = bisect_left(between, LEAST_DIFFERENCE, key=lambda i: difference(_ANGLES[i]))
            return _ANGLES[low + 1 + first]
        low = high
    return UNKNOWN
