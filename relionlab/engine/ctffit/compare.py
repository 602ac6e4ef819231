"""How far two estimates of a CTF lie apart, and from which resolution on that matters.

The resolution at which two CTFs differ by a quarter of a period, after the "CTF consensus" of Scipion/XMIPP (Vargas et
al. 2013 J. Struct. Biol. 181, 136): images corrected by the one instead of the other are worthless beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.errors import InputError

QUARTER = 90.0
"""Degrees of phase."""


@dataclass(frozen=True)
class Disagreement:
    """Two estimates, micrograph by micrograph; (N,) each.

    defocus      Å, mean defocus of the second less that of the first
    astigmatism  Å, length of the difference of the astigmatisms as vectors: (U - V) at twice the angle
    phase        degrees, phase shift of the second less that of the first
    resolution   Å at which the phases of the CTFs differ by 90° in the direction in which they differ most; 0 if never,
                 inf if they do everywhere
    """

    defocus: np.ndarray
    astigmatism: np.ndarray
    phase: np.ndarray
    resolution: np.ndarray


def disagreement(first: np.ndarray, second: np.ndarray, *, wavelength: float | np.ndarray) -> Disagreement:
    """Compare two sets of estimates.

    first, second  (N, 4) defocus U, V in Å, angle of U and phase shift in degrees
    wavelength     of the electrons in Å, one or (N,)
    """
    one, other = np.atleast_2d(np.asarray(first, float)), np.atleast_2d(np.asarray(second, float))
    if one.shape != other.shape or one.shape[1] != 4:
        raise InputError(
            f"Estimates of shapes {one.shape} and {other.shape} cannot be compared; expected (N, 4) twice."
        )
    defocus = other[:, :2].mean(axis=1) - one[:, :2].mean(axis=1)
    astigmatism = np.abs(_vector(other) - _vector(one))
    phase = (other[:, 3] - one[:, 3] + 90) % 180 - 90  # CTF² repeats after 180°
    # along the direction of most difference: ±(|Δ defocus| + half the astigmatism) and the phase shift, added up
    lengths = np.stack([np.abs(defocus + sign * astigmatism / 2) for sign in (-1, 1)])
    signs = np.stack([np.sign(defocus + sign * astigmatism / 2) for sign in (-1, 1)])
    left = QUARTER - signs * phase  # degrees that the defocus has to add
    with np.errstate(divide="ignore"):
        squares = np.where(lengths > 0, np.deg2rad(np.maximum(left, 0)) / (np.pi * wavelength * lengths), np.inf)
        resolution = 1 / np.sqrt(squares.min(axis=0))
    return Disagreement(defocus, astigmatism, phase, resolution)


def _vector(rows: np.ndarray) -> np.ndarray:
    return (rows[:, 0] - rows[:, 1]) * np.exp(2j * np.deg2rad(rows[:, 2]))
