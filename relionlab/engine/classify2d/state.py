"""What a 2D classification knows: its particles' parameters, its model, and how it samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Self

import numpy as np

from relionlab.engine.ctf import Optics

Loader = Callable[[np.ndarray], np.ndarray]
"""Returns the images of the particles at these indices, (n, box, box) float32; the engine opens no file."""


@dataclass(frozen=True)
class Particles:
    """One row per particle; all arrays have the same length.

    group, optics_group  index of the particle's noise group and of its optics group
    defocus_u, defocus_v Å, underfocus positive; defocus_angle, phase_shift in degrees
    psi                  degrees, RELION's sign
    origin               (n, 2) x and y in Å: the shift that centres the particle
    class_index          0-based class
    norm                 norm correction: the image is divided by it (and multiplied by the model's mean)
    log_likelihood, best_weight, significant  what the last E-step found
    """

    group: np.ndarray
    optics_group: np.ndarray
    defocus_u: np.ndarray
    defocus_v: np.ndarray
    defocus_angle: np.ndarray
    phase_shift: np.ndarray
    bfactor: np.ndarray
    ctf_scale: np.ndarray
    psi: np.ndarray
    origin: np.ndarray
    class_index: np.ndarray
    norm: np.ndarray
    log_likelihood: np.ndarray
    best_weight: np.ndarray
    significant: np.ndarray

    def __len__(self) -> int:
        return len(self.group)

    def rows(self, indices: np.ndarray) -> Self:
        """Return these particles only."""
        return replace(self, **{f.name: getattr(self, f.name)[indices] for f in fields(self)})


@dataclass(frozen=True)
class OpticsGroup:
    """The optics and the image format that particles share.

    optics      voltage, spherical aberration, amplitude contrast and pixel size of the images
    box         box size of the images in px
    """

    optics: Optics
    box: int


@dataclass(frozen=True)
class Model:
    """The parameters that the particles share.

    references    (classes, box, box) float32 class averages, masked
    pixel_size    Å of the references
    class_share   (classes,) prior of each class
    tau2          (classes, box / 2 + 1) variance of the real and of the imaginary part of a reference, per shell
    sigma2        (groups, box / 2 + 1) the same of the noise
    scale         (groups,) intensity scale
    offset_sigma  Å, standard deviation of the prior of the origins, per axis
    mean_norm     mean of the particles' norm corrections
    radius        outermost shell that the next E-step uses
    resolution_shell  last shell with a signal-to-noise ratio above one, over the classes
    """

    references: np.ndarray
    pixel_size: float
    class_share: np.ndarray
    tau2: np.ndarray
    sigma2: np.ndarray
    scale: np.ndarray
    offset_sigma: float
    mean_norm: float
    radius: int
    resolution_shell: int

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.references)

    @property
    def box(self) -> int:
        """Box size of the references in px."""
        return self.references.shape[-1]


@dataclass(frozen=True)
class Search:
    """Which poses an E-step tries, and how it looks at the images.

    psi_step, offset_range, offset_step  degrees and px; offsets fill a disc around the previous origin
    perturbation     fraction of a step by which both grids are moved in this iteration
    align            ``False``: keep angles and origins, find the class only
    rotate           ``False``: keep the angles
    diameter, edge   Å and px of the soft circular mask
    zero_mask        fill the outside with zeros; otherwise with noise
    use_ctf …        how the CTF enters; see engine/ctf.py
    radius_limit     last shell in which poses are compared; ``None``: all of ``Model.radius``
    first_shell      first shell in which poses are compared; the averages are made of all
    size_prior       expect a particle in a class in proportion to the class's size (Scheres 2012); otherwise all
                     classes are equally likely beforehand
    step_sigma       px, per axis: how far a particle is expected from where the last iteration put it, and nothing is
                     expected of its whole origin; ``None``: the origin has the prior of ``Model.offset_sigma``
    fraction         share of each particle's weight that enters the M-step
    fixed_class      (n,) class that each particle is held to (used to seed the classes); ``None``: free
    seed             of the noise that fills the outside
    """

    psi_step: float = 6.0
    offset_range: float = 5.0
    offset_step: float = 1.0
    perturbation: float = 0.0
    align: bool = True
    rotate: bool = True
    diameter: float = 200.0
    edge: float = 5.0
    zero_mask: bool = True
    use_ctf: bool = True
    phase_flipped: bool = False
    only_flip_phases: bool = False
    intact_first_peak: bool = False
    radius_limit: int | None = None
    first_shell: int = 1
    size_prior: bool = True
    step_sigma: float | None = None
    fraction: float = 0.999
    fixed_class: np.ndarray | None = field(default=None, compare=False)
    seed: int = 0

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
