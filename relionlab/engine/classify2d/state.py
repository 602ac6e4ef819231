"""What a 2D classification knows: its model, and how it samples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from relionlab.engine.likelihood.model import SharedModel
from relionlab.engine.likelihood.particles import Imaging


@dataclass(frozen=True)
class Model(SharedModel):
    """The parameters that the particles share; the references are class averages (classes, box, box)."""


@dataclass(frozen=True)
class Search(Imaging):
    """Which poses an E-step tries.

    psi_step, offset_range, offset_step  degrees and px; offsets fill a disc around the previous origin
    perturbation     fraction of a step by which both grids are moved in this iteration
    align            ``False``: keep angles and origins, find the class only
    rotate           ``False``: keep the angles
    radius_limit     last shell in which poses are compared; ``None``: all of ``Model.radius``
    first_shell      first shell in which poses are compared; the averages are made of all
    size_prior       expect a particle in a class in proportion to the class's size (Scheres 2012); otherwise all
                     classes are equally likely beforehand
    step_sigma       px, per axis: how far a particle is expected from where the last iteration put it, and nothing is
                     expected of its whole origin; ``None``: the origin has the prior of ``Model.offset_sigma``
    fraction         share of each particle's weight that enters the M-step
    fixed_class      (n,) class that each particle is held to (used to seed the classes); ``None``: free
    """

    psi_step: float = 6.0
    offset_range: float = 5.0
    offset_step: float = 1.0
    perturbation: float = 0.0
    align: bool = True
    rotate: bool = True
    radius_limit: int | None = None
    first_shell: int = 1
    size_prior: bool = True
    step_sigma: float | None = None
    fraction: float = 0.999
    fixed_class: np.ndarray | None = field(default=None, compare=False)

    @property
    def n_psi(self) -> int:
        """Number of in-plane angles on the full circle."""
        return max(round(360.0 / self.psi_step), 1) if self.align and self.rotate else 1

    def offsets(self) -> np.ndarray:
        """Return the (slots, 2) offsets in px, x and y."""
        if not self.align:
            return np.zeros((1, 2))
        reach = int(np.floor(self.offset_range / self.offset_step + 1e-6))
        line = np.arange(-reach, reach + 1) * self.offset_step
        x, y = (values.ravel() for values in np.meshgrid(line, line))
        inside = np.hypot(x, y) <= self.offset_range + 1e-6
        return np.stack([x[inside], y[inside]], axis=1) + self.perturbation * self.offset_step
