"""The parameters that 2D and 3D models share, and how an M-step renews them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, TypeVar

import numpy as np

from relionlab.engine.likelihood.estimates import (
    GroupSums,
    group_scale,
    noise_variance,
    offset_spread,
    resolution_shell,
)

SHELLS_AHEAD = 10
"""Shells beyond the current resolution that the next E-step uses, so that the resolution can grow."""


@dataclass(frozen=True)
class SharedModel:
    """The parameters that the particles share.

    references    (classes, box, box) class averages, or (classes, box, box, box) maps; float32, masked
    pixel_size    Å of the references
    class_share   (classes,) prior of each class
    tau2          (classes, box / 2 + 1) variance of the real and of the imaginary part of a reference, per shell, without T
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

    def resolved_to(self, shell: int, *, ahead: int) -> Self:
        """Return the model with its resolution at a shell; the next E-step uses so many shells beyond, if there are."""
        return replace(self, resolution_shell=shell, radius=min(shell + ahead, self.box // 2))


@dataclass(frozen=True)
class SharedSpectra:
    """Per class and shell (class, box / 2 + 1): what an M-step measured.

    ssnr     signal-to-noise ratio of the reference, T tau2 / variance of its noise
    noise    variance of the reference's noise
    tau2     variance of the prior that was used, T included
    covered  share of the samples, or of the Fourier voxels, in which the data outweigh the prior
    """

    ssnr: np.ndarray
    noise: np.ndarray
    tau2: np.ndarray
    covered: np.ndarray


@dataclass(frozen=True)
class SharedUpdate:
    """How these parameters are renewed.

    norm, scale    correct each image's norm; each group's intensity scale
    fix_noise, fix_offsets  keep the noise spectra; the width of the offsets' prior
    shells_ahead   see SHELLS_AHEAD
    """

    norm: bool = True
    scale: bool = True
    fix_noise: bool = False
    fix_offsets: bool = False
    shells_ahead: int = SHELLS_AHEAD


AnyModel = TypeVar("AnyModel", bound=SharedModel)


def renewed(model: AnyModel, sums: GroupSums, ssnr: np.ndarray, *, update: SharedUpdate) -> AnyModel:
    """Return the model with the noise, scales, spread of origins and resolution that an E-step's sums tell.

    ssnr  (class, box / 2 + 1) signal-to-noise ratios of the new references
    """
    changed = replace(
        model,
        sigma2=model.sigma2 if update.fix_noise else noise_variance(model.sigma2, sums),
        scale=group_scale(model.scale, sums, ssnr) if update.scale else model.scale,
        offset_sigma=model.offset_sigma if update.fix_offsets else offset_spread(model.pixel_size, sums),
    )
    return changed.resolved_to(resolution_shell(ssnr), ahead=update.shells_ahead)
