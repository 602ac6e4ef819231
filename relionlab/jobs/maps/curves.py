"""The correlations of two half-maps, within a mask and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.maps import fsc
from relionlab.engine.maps.random_phases import PhaseGenerator
from relionlab.engine.maps.sharpening import back

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


def unmasked_curves(spectra: tuple[Any, Any], n: int) -> Curves:
    """Return the curves of half transforms without a mask."""
    curve = fsc.fourier_shell_correlation(*spectra, n)
    return Curves(curve, curve)


def masked_curves(
    spectra: tuple[Any, Any],
    mask: np.ndarray,
    *,
    pixel_size: float,
    first_random: int,
    phases: PhaseGenerator,
    masked_spectra: tuple[Any, Any],
    keep_mask: bool,
) -> Curves:
    """Return the curves within a mask.

    spectra         of the half-maps
    masked_spectra  of the masked half-maps
    first_random    shell from which phases are made random
    keep_mask       also where the masked resolution is worse than the unmasked one
    """
    n = len(mask)
    unmasked = fsc.fourier_shell_correlation(*spectra, n)
    masked = fsc.fourier_shell_correlation(*masked_spectra, n)
    noise = tuple(
        fsc.transform(back(fsc.randomised(one, n, first_shell=first_random, phases=phases), n) * mask)
        for one in spectra
    )
    random = fsc.fourier_shell_correlation(noise[0], noise[1], n)
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
        mask_weight=volume * _DALTON_PER_VOLUME / 1000,
        fell_back=worse,
    )


def fraction_of_weight(kilodalton: float, *, box: int, pixel_size: float) -> float:
    """Return the ball in the box over the volume of so much protein."""
    volume = kilodalton * 1000 / _DALTON_PER_VOLUME * _WITH_BOUND_WATER
    return float(np.pi / 6 * (box * pixel_size) ** 3 / volume)
