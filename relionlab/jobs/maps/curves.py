"""The correlations of two half-maps, within a mask and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.maps import fsc

_DALTON_PER_VOLUME = 0.81  # Da/Å³ of protein (Matthews 1968: 0.74 cm³/g, rounded as RELION does)
_WITH_BOUND_WATER = 1.1


@dataclass(frozen=True)
class Curves:
    """Correlations in the shells 0 … n//2; those that need a mask are ``None`` without one.

    unmasked, masked, random  of the maps, of the masked maps, of the masked maps with random phases
    true                      what the resolution is read from
    first_random              shell from which the phases are random
    mask_fraction             ball in the box over the mask, 0 without one
    mask_weight               kDa of protein that fill the mask
    fell_back                 the mask made the resolution worse, so that the unmasked curve was taken
    """

    unmasked: np.ndarray
    true: np.ndarray
    masked: np.ndarray | None = None
    random: np.ndarray | None = None
    first_random: int = 0
    mask_fraction: float = 0.0
    mask_weight: float = 0.0
    fell_back: bool = False

    @property
    def shell(self) -> int:
        """The last shell with signal."""
        return fsc.resolution_shell(self.true)


def masked_curves(
    unmasked: np.ndarray,
    mask: np.ndarray,
    *,
    pixel_size: float,
    first_random: int,
    noise: tuple[Any, Any],
    masked_spectra: tuple[Any, Any],
    keep_mask: bool,
) -> Curves:
    """Return the curves within a mask.

    unmasked        correlation of the half-maps
    first_random    shell from which phases are random in
    noise           the half-maps (n, n, n) whose phases were made random
    masked_spectra  of the masked half-maps
    keep_mask       also where the masked resolution is worse than the unmasked one
    """
    n = len(mask)
    masked = fsc.fourier_shell_correlation(*masked_spectra, n)
    first, second = (fsc.transform(half * mask) for half in noise)
    random = fsc.fourier_shell_correlation(first, second, n)
    true = fsc.corrected(masked, random, first_shell=first_random)
    worse = fsc.resolution_shell(true) < fsc.resolution_shell(unmasked) and not keep_mask
    inside = int((mask > 0.5).sum())
    volume = inside * pixel_size**3
    return Curves(
        unmasked,
        unmasked if worse else true,
        masked,
        random,
        first_random,
        mask_fraction=np.pi / 6 * n**3 / (_WITH_BOUND_WATER * inside),
        mask_weight=kilodalton(volume),
        fell_back=worse,
    )


def kilodalton(volume: float) -> float:
    """Return the kDa of protein that fill a volume in Å³."""
    return volume * _DALTON_PER_VOLUME / 1000


def fraction_of_weight(kilodalton: float, *, box: int, pixel_size: float) -> float:
    """Return the ball in the box over the volume of so much protein."""
    volume = kilodalton * 1000 / _DALTON_PER_VOLUME * _WITH_BOUND_WATER
    return float(np.pi / 6 * (box * pixel_size) ** 3 / volume)
