"""What a 3D classification or refinement knows: its model, and how it samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.likelihood.model import SharedModel, SharedSpectra
from relionlab.engine.likelihood.particles import Imaging
from relionlab.engine.sampling import Sampling, Widths


@dataclass(frozen=True)
class Model(SharedModel):
    """The parameters that the particles share. A refinement of two half-sets has two of them.

    references       (classes, n, n, n) maps
    direction_share  (classes, D) share of each direction of the sampling, for the files: searches do not expect it;
                     ``None``: not known yet
    """

    direction_share: np.ndarray | None = None


@dataclass(frozen=True)
class Spectra(SharedSpectra):
    """What the M-step measured.

    fsc  (n / 2 + 1,) between half-maps; zeros where there are none
    """

    fsc: np.ndarray


@dataclass(frozen=True)
class Search(Imaging):
    """Which poses an E-step tries.

    sampling         directions and in-plane angles of the coarse pass, perturbed; its group is the references'
    oversampling     how many times the fine pass halves the steps
    offset_range, offset_step  px: the coarse offsets fill a disc around the previous origin
    widths           of searches around the last poses; ``None``: all are searched
    align            ``False``: keep poses, find the class only
    rotate           ``False``: keep angles, find the class and the offset
    step_sigma       px, per axis: how far a particle is expected from its last origin; ``None``: it is expected near the
                     middle of its image, by ``Model.offset_sigma``
    relaxed          point group among whose operations local searches try equivalents of the last pose; "" for none
    radius_limit     last shell in which poses are compared; ``None``: all of ``Model.radius``
    first_shell      first shell in which poses are compared
    size_prior       expect a particle in a class in proportion to the class's size (Scheres 2012); otherwise all
                     classes are equally likely beforehand
    fraction         share of each particle's weight that enters the M-step
    """

    sampling: Sampling | None = None
    oversampling: int = 1
    offset_range: float = 5.0
    offset_step: float = 2.0
    widths: Widths | None = None
    align: bool = True
    rotate: bool = True
    step_sigma: float | None = None
    relaxed: str = ""
    radius_limit: int | None = None
    first_shell: int = 1
    size_prior: bool = False
    fraction: float = 0.999
