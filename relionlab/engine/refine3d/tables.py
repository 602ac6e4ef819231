"""The views of one pass over the particles: all of them made beforehand, or those that a block of particles needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.likelihood.particles import OpticsGroup, Particles
from relionlab.engine.likelihood.turns import Turns
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.state import Model
from relionlab.engine.refine3d.views import Views, on_grid, views_of
from relionlab.engine.volume import KAISER_BESSEL, LINEAR, PolarSlicer


@dataclass(frozen=True)
class Room:
    """How much memory an E-step may take: less makes it slower, or coarser where a particle's posterior says nothing.

    held   bytes up to which all views of a pass are made beforehand; beyond, each block of particles makes those that it
           needs
    poses  of one particle that the fine pass looks at, at the most: the best
    """

    held: int = 96 << 20
    poses: int = 1 << 25


AMPLE = Room()
"""What an E-step takes where memory is no concern."""


class Maps:
    """The references, made ready for slices when they are first asked for."""

    def __init__(self, references: np.ndarray, grid: PolarGrid) -> None:
        self._references, self._grid = references, grid
        self._made: dict[int, list[PolarSlicer]] = {}

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self._references)

    def slicers(self, grid: PolarGrid, taps: int) -> list[PolarSlicer]:
        """Return slicers for a polar grid: exact ones, or with linear interpolation, six times as fast, error 1e-2."""
        if taps not in self._made:
            self._made[taps] = [PolarSlicer.of_map(one, self._grid, taps=taps) for one in self._references]
        return [on_grid(slicer, grid) for slicer in self._made[taps]]


@dataclass(frozen=True)
class Table:
    """The views of one pass: all of them, or made when they are asked for.

    classes, rotations  of each view
    held                all views, or ``None``
    """

    slicers: list[PolarSlicer]
    classes: np.ndarray
    rotations: np.ndarray
    turns: Turns
    harmonics: int
    held: Views | None

    @classmethod
    def of(
        cls,
        maps: Maps,
        rotations: np.ndarray,
        *,
        grid: PolarGrid,
        turns: Turns,
        harmonics: int,
        held: int,
    ) -> Table:
        """Make the table of all classes in all orientations (D, 3, 3).

        held  bytes up to which all views are made at once
        """
        classes = np.repeat(np.arange(maps.classes), len(rotations))
        every = np.tile(rotations, (maps.classes, 1, 1))
        if len(classes) * bytes_of_view(grid, turns, harmonics) > held:
            return cls(maps.slicers(grid, LINEAR), classes, every, turns, harmonics, None)
        slicers = maps.slicers(grid, KAISER_BESSEL)
        every_view = views_of(slicers, classes, every, turns=turns, harmonics=harmonics)
        return cls(slicers, classes, every, turns, harmonics, every_view)

    @property
    def bytes_each(self) -> int:
        """Bytes of one view."""
        return bytes_of_view(self.slicers[0].grid, self.turns, self.harmonics)

    def views(self, wanted: np.ndarray) -> Views:
        """Return the views of these numbers."""
        return views_of(
            self.slicers, self.classes[wanted], self.rotations[wanted], turns=self.turns, harmonics=self.harmonics
        )


def bytes_of_view(grid: PolarGrid, turns: Turns, harmonics: int) -> int:
    """Return the bytes of one view's spectrum and squared modulus."""
    return 8 * (turns.rows * turns.width + harmonics * grid.radius)


def weight_harmonics(particles: Particles, groups: tuple[OpticsGroup, ...], *, grid: PolarGrid, model: Model) -> int:
    """Return how many even harmonics around a ring the particles' CTF² has: astigmatism makes them.

    The CTF's phase varies around a ring by a = pi lambda k² (defocus U - V) / 2 to either side; CTF² holds
    cos(2 a cos 2 phi), whose harmonics 2 m are Bessel functions J_m(2 a): nothing beyond m = 2 a and a few. That is the
    steepest slope of the phase along phi, to which aberrations add theirs.
    """
    every = grid.harmonics // 2 + 1
    frequency = grid.radius / (model.box * model.pixel_size)
    astigmatism = float(np.abs(particles.defocus_u - particles.defocus_v).max(initial=0.0))
    wavelength = max(group.optics.wavelength for group in groups)
    phase = np.pi * wavelength * frequency**2 * astigmatism / 2
    extent = model.box * model.pixel_size
    x, y = (axis / extent for axis in grid.frequencies())
    steepest = 0.0
    for group in groups:
        symmetric = group.aberrations.symmetric_phase(x, y)
        if symmetric is not None:
            slope = np.diff(symmetric, axis=1, append=symmetric[:, :1]) * (grid.n_angles / (2 * np.pi))
            steepest = max(steepest, float(np.abs(slope).max()))
    return min(every, int(np.ceil(2 * phase + steepest)) + 6)
