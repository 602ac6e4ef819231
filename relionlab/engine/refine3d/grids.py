"""The two grids of a search, as the E-step needs them: orientations of views, offsets, polar grids, angles."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.state import Search
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.sampling import Sampling

COARSE_DETAIL = 0.8
"""Finest detail that the coarse pass compares, in units of the arc of its step across the particle's diameter: 1.6 times what
a turn by it moves at the rim. Poses agree best with RELION's at half of this, but classes are worse
(see the package's docstring)."""


class Frame(Protocol):
    """Where references live: a Model, or what is known of one before it is made.

    box in px, pixel_size in Å, radius the outermost shell that is used
    """

    @property
    def box(self) -> int:
        """Box size in px."""
        ...

    @property
    def pixel_size(self) -> float:
        """Pixel size in Å."""
        ...

    @property
    def radius(self) -> int:
        """Outermost shell."""
        ...


def sampling_of(search: Search) -> Sampling:
    """Return the grid of orientations of a search that has one."""
    assert search.sampling is not None
    return search.sampling


def fine_grid(model: Frame, search: Search) -> PolarGrid:
    """Return the polar grid of the fine pass."""
    extent = min(search.diameter / 2 / model.pixel_size + search.edge, model.box / 2)
    return PolarGrid(model.box, min(model.radius, model.box // 2 - 1), extent)


def coarse_grid(model: Frame, search: Search) -> PolarGrid:
    """Return the polar grid of the coarse pass: the shells that its steps can tell apart."""
    fine = fine_grid(model, search)
    rim = search.diameter * np.radians(sampling_of(search).step)
    detail = COARSE_DETAIL * max(rim, 2 * search.offset_step * model.pixel_size)
    shell = int(np.ceil(model.box * model.pixel_size / detail))
    last = fine.radius if search.radius_limit is None else min(fine.radius, search.radius_limit)
    return PolarGrid(model.box, int(np.clip(shell, min(4, last), last)), fine.extent)


def compared_rings(grid: PolarGrid, search: Search) -> slice:
    """Return the rings on which poses are compared; maps and noise are made of all of them."""
    last = grid.radius if search.radius_limit is None else min(grid.radius, search.radius_limit)
    return slice(min(search.first_shell, last) - 1, last)


def first_psi(search: Search) -> float:
    """Return the fine pass's first in-plane angle in degrees: its angles lie evenly around the coarse ones."""
    step = sampling_of(search).psi_step
    return 0.5 * (step / 2**search.oversampling - step)


def view_rotations(search: Search, *, fine: bool) -> np.ndarray:
    """Return the orientations of all views of a class at their first in-plane angle, perturbed: (D, 3, 3) or (D 4^o, 3, 3)."""
    grid = sampling_of(search)
    if not fine:
        return grid.directions()
    rot, tilt = grid.finer_directions(np.arange(len(grid)), search.oversampling)
    return matrix_from_euler(rot.ravel(), tilt.ravel(), first_psi(search)) @ grid.turn


def coarse_offsets(search: Search) -> np.ndarray:
    """Return the (T, 2) offsets in px: a disc around the last origin, moved so that this is one of the finer offsets.

    So an origin that is right stays: a search that has to leave it cannot come back before the next iteration.
    """
    reach = int(np.floor(search.offset_range / search.offset_step + 1e-6))
    line = np.arange(-reach, reach + 1) * search.offset_step
    x, y = (values.ravel() for values in np.meshgrid(line, line))
    inside = np.hypot(x, y) <= search.offset_range + 1e-6
    parts = 2**search.oversampling
    moved = search.offset_step / (2 * parts) if parts > 1 else 0.0
    return np.stack([x[inside], y[inside]], axis=1) + moved


def fine_offsets(search: Search) -> np.ndarray:
    """Return the (T, 4^o, 2) finer offsets that stand for each coarse one."""
    parts = 2**search.oversampling
    line = ((np.arange(parts) + 0.5) / parts - 0.5) * search.offset_step
    x, y = (values.ravel() for values in np.meshgrid(line, line))
    return coarse_offsets(search)[:, None] + np.stack([x, y], axis=1)
