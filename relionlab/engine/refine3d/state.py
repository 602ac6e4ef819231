"""What a 3D classification or refinement knows: its model, and how it samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.likelihood.particles import Imaging
from relionlab.engine.sampling import Sampling


@dataclass(frozen=True)
class Model:
    """The parameters that the particles share. A refinement of two half-sets has two of them.

    references    (classes, n, n, n) float32 maps
    pixel_size    Å of the references
    class_share   (classes,) prior of each class
    tau2          (classes, n / 2 + 1) variance of the real and of the imaginary part of a reference, per shell, without T
    sigma2        (groups, n / 2 + 1) the same of the noise
    scale         (groups,) intensity scale
    offset_sigma  Å, standard deviation of the prior of the origins, per axis
    mean_norm     mean of the particles' norm corrections
    radius        outermost shell that the next E-step uses
    resolution_shell  last shell with a signal-to-noise ratio above one, over the classes
    direction_share  (classes, D) share of each direction of the sampling, for the files: searches do not expect it;
                     ``None``: not known yet
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
    direction_share: np.ndarray | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.references)

    @property
    def box(self) -> int:
        """Box size of the references in px."""
        return self.references.shape[-1]


@dataclass(frozen=True)
class Spectra:
    """Per class and shell (class, n / 2 + 1): what the M-step measured.

    ssnr     signal-to-noise ratio of the map, T tau2 / variance of its noise
    noise    variance of the map's noise
    tau2     variance of the prior that was used, T included
    covered  share of the Fourier voxels in which the data outweigh the prior
    fsc      (n / 2 + 1,) between half-maps; zeros where there are none
    """

    ssnr: np.ndarray
    noise: np.ndarray
    tau2: np.ndarray
    covered: np.ndarray
    fsc: np.ndarray


@dataclass(frozen=True)
class Search(Imaging):
    """Which poses an E-step tries.

    sampling         directions and in-plane angles of the coarse pass, perturbed; its group is the references'
    oversampling     how many times the fine pass halves the steps
    offset_range, offset_step  px: the coarse offsets fill a disc around the previous origin
    sigma            degrees: standard deviation of directions and in-plane angles around the last pose; ``None``: all
                     directions are searched
    align            ``False``: keep poses, find the class only
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
    sigma: float | None = None
    align: bool = True
    relaxed: str = ""
    radius_limit: int | None = None
    first_shell: int = 1
    size_prior: bool = False
    fraction: float = 0.999
