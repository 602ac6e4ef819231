"""Amorphous ice and what lies on it: the background that the microscope sees between the particles.

Scattering of water molecules at random places would give white noise of known strength; neighbours keep a distance,
so that little is left at low frequency and a broad maximum stands at 1/3.7 Å (Dubochet et al. 1988, Q. Rev. Biophys. 21,
129). The beam makes the molecules wander, about 1 Å for 1 e/Å², so that their structure fades in an exposure
(McMullan, Vinothkumar & Henderson 2015, Ultramicroscopy 158, 26). Electrons that lose energy are taken out by
aperture and filter: the intensity falls with a mean free path of about 3,200 Å at 300 kV (Rice et al. 2018, J. Struct.
Biol. 204, 38).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MOLECULES = 0.031
"""Water molecules per Å³ of vitreous ice of 0.93 g/cm³."""
SCATTERING = 3.04
"""Forward electron scattering of H2O in Å: O and two H (International Tables C, table 4.3.1.1)."""
MEAN_FREE_PATH = 3200.0
"""Å, inelastic, at 300 kV."""
_PEAK, _PEAK_WIDTH, _PEAK_HEIGHT = 1 / 3.7, 0.045, 1.2
_COMPRESSIBILITY = 0.08  # structure factor at low frequency
_BFACTOR = 15.0  # Å²: form factor of the molecule; that it wanders is part of the fading with the dose
_UNEVEN, _UNEVEN_LENGTH = 0.4, 60.0  # excess at low frequency, from uneven thickness; Å


def phase_per_scattering(voltage_kv: float, wavelength: float) -> float:
    """Return the phase shift in rad of one Å of forward scattering per Å²: γλ, of weak phase objects."""
    return (1 + voltage_kv / 510.999) * wavelength


def ice_amplitude(frequency: Any, thickness: float, *, phase: float) -> np.ndarray:
    """Return the amplitude density in rad·Å of the phase shifts of ice at a frequency (1/Å).

    thickness  in Å
    phase      phase_per_scattering of the microscope
    Times white noise of variance 1/px² (px in Å) this gives the transform of the projected ice.
    """
    square = np.square(frequency)
    structure = _COMPRESSIBILITY + _PEAK_HEIGHT * np.exp(-0.5 * ((frequency - _PEAK) / _PEAK_WIDTH) ** 2)
    structure += _UNEVEN / (1 + square * _UNEVEN_LENGTH**2)
    return phase * SCATTERING * np.sqrt(MOLECULES * thickness * structure) * np.exp(-_BFACTOR / 4 * square)


@dataclass(frozen=True)
class Lump:
    """A piece of crystalline ice on the specimen.

    x, y     of its middle in px
    radius   in px
    seed     of its shape
    """

    x: float
    y: float
    radius: float
    seed: int


def draw_lumps(rng: np.random.Generator, mean: float, *, shape: tuple[int, int], pixel_size: float) -> list[Lump]:
    """Return lumps, ``mean`` of them on average, of 60 to 250 Å, anywhere in images of ``shape`` (y, x)."""
    return [
        Lump(
            float(rng.uniform(0, shape[1])),
            float(rng.uniform(0, shape[0])),
            float(np.exp(rng.uniform(np.log(60), np.log(250))) / pixel_size),
            int(rng.integers(2**31)),
        )
        for _ in range(rng.poisson(mean))
    ]


def add_lump(thickness: np.ndarray, lump: Lump, *, margin: int) -> None:
    """Add a lump's relative thickness (0 to about 1) to an image whose pixel (margin, margin) is the lumps' (0, 0)."""
    rng = np.random.default_rng(lump.seed)
    reach = int(1.6 * lump.radius) + 2
    left, top = int(lump.x) + margin - reach, int(lump.y) + margin - reach
    rows = slice(max(top, 0), min(top + 2 * reach + 1, thickness.shape[0]))
    columns = slice(max(left, 0), min(left + 2 * reach + 1, thickness.shape[1]))
    y, x = np.ogrid[rows, columns]
    for _ in range(rng.integers(3, 7)):
        away, around = 0.5 * lump.radius * rng.uniform(), rng.uniform(0, 2 * np.pi)
        radius = lump.radius * rng.uniform(0.35, 0.7)
        distance = np.hypot(
            y - (lump.y + margin + away * np.sin(around)), x - (lump.x + margin + away * np.cos(around))
        )
        edge = max(0.3 * radius, 2.0)
        profile = 0.5 - 0.5 * np.tanh((distance - radius) / edge)
        thickness[rows, columns] = np.maximum(thickness[rows, columns], rng.uniform(0.5, 1.0) * profile)
