"""The model of a Thon ring: the phase of the CTF along directions of the spectrum.

Formulae 1 to 4 of Rohou & Grigorieff (2015) J. Struct. Biol. 192, 216, with RELION's sign: underfocus is positive.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.engine.ctf import Optics


def phases(frequency: np.ndarray, defocus: np.ndarray, *, optics: Optics, phase_shift: float = 0.0) -> np.ndarray:
    """Return the argument of the CTF's sine in radians, (D, R).

    frequency    (R,) 1/Å
    defocus      (D,) Å
    phase_shift  of a phase plate, degrees
    """
    square = np.asarray(frequency, dtype=np.float64) ** 2
    constant = np.deg2rad(phase_shift) + np.arcsin(optics.amplitude_contrast)
    return defocus_factor(frequency, optics) * np.asarray(defocus)[:, None] - _spherical(square, optics) + constant


def defocus_factor(frequency: Any, optics: Optics) -> Any:
    """Return by how many radians the phase grows per Å of defocus."""
    return np.pi * optics.wavelength * np.asarray(frequency, dtype=np.float64) ** 2


def defocus_at(angles: Any, defocus: float, *, along: float, across: float) -> Any:
    """Return the defocus in Å in directions ``angles`` (radians, from x towards y); see search.Candidate."""
    return defocus + 0.5 * (along * np.cos(2 * angles) + across * np.sin(2 * angles))


def equal_phase_frequency(frequency: np.ndarray, local: np.ndarray, *, mean: float, optics: Optics) -> np.ndarray:
    """Return the frequency at which a CTF of defocus ``mean`` has the phase that one of defocus ``local`` has here.

    frequency, local  1/Å and Å, of one shape

    The equi-phase average of Zhang (2016). Beyond the turn of the phase by spherical aberration the frequency itself.
    """
    square = np.asarray(frequency, dtype=np.float64) ** 2
    a, b = 0.5 * np.pi * optics.spherical_aberration_mm * 1e7 * optics.wavelength**3, np.pi * optics.wavelength
    wanted = b * local * square - a * square**2
    inside = (b * mean) ** 2 - 4 * a * wanted
    if abs(a) < 1e-12:
        return np.sqrt(np.maximum(wanted / (b * mean), 0))
    root = (b * mean - np.sqrt(np.maximum(inside, 0))) / (2 * a)
    usable = (inside > 0) & (square < b * min(mean, float(np.min(local))) / (2 * a)) & (root > 0)
    return np.where(usable, np.sqrt(np.maximum(root, 0)), frequency)


def _spherical(square: np.ndarray, optics: Optics) -> np.ndarray:
    return 0.5 * np.pi * optics.spherical_aberration_mm * 1e7 * optics.wavelength**3 * square**2
