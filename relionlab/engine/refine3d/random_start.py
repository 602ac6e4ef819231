"""Maps to begin from when nothing is known: averages of some particles in random orientations."""

from __future__ import annotations

import numpy as np

from relionlab.engine.likelihood.images import Observer
from relionlab.engine.likelihood.particles import Imaging, Loader, OpticsGroup, Particles
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.state import Model
from relionlab.engine.rotations import matrix_from_euler, random_euler
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume import FourierSums, Lattice, reconstruct

_AT_ONCE = 64


def random_map(
    model: Model,
    particles: Particles,
    groups: tuple[OpticsGroup, ...],
    *,
    imaging: Imaging,
    load: Loader,
    indices: np.ndarray,
    group: PointGroup,
    radius: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the average (n, n, n) of particles in orientations that are drawn at random.

    model    whose noise weighs them
    indices  of the particles
    radius   outermost shell
    """
    extent = min(imaging.diameter / 2 / model.pixel_size + imaging.edge, model.box / 2)
    grid = PolarGrid(model.box, radius, extent)
    sums = FourierSums.zeros(Lattice(model.box, radius))
    for number in np.unique(particles.optics_group[indices]):
        members = np.sort(indices[particles.optics_group[indices] == number])
        observer = Observer(grid, groups[number], model, imaging, whole=True)
        for start in range(0, len(members), _AT_ONCE):
            some = members[start : start + _AT_ONCE]
            seen = observer.look(particles.rows(some), load(some), identifiers=some)
            rotations = matrix_from_euler(*random_euler(rng, len(some)))
            sums.insert_polar(seen.signal, seen.weight, rotations, grid=grid)
    return np.asarray(reconstruct(sums, group=group))
