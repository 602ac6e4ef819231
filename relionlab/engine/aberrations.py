"""Aberrations beyond the CTF's own: antisymmetric (beam tilt, trefoil, coma), symmetric, and anisotropic magnification.

Antisymmetric aberrations turn the phases of an image's transform, symmetric ones add to the CTF's phase. Both are sums of
Zernike polynomials of the frequency in 1/Å, in radians, in RELION's order; source: Zivanov, Nakane & Scheres (2020)
IUCrJ 7, 253.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np

from relionlab.engine.ctf import Optics

_ISOTROPIC = ((1.0, 0.0), (0.0, 1.0))
_LEAST_MAGNIFICATION = 1e-7  # departure from 1 that is rounding


@dataclass(frozen=True)
class Aberrations:
    """The aberrations of one optics group, with RELION's signs; by default there are none.

    odd, even      Zernike coefficients of the antisymmetric and the symmetric ones, in radians
    tilt_mrad      beam tilt along x and y; a tilt and an odd coefficient of the same sign act in opposite directions
    magnification  matrix M: what lies at frequency k of the image is at M k of the object

    All phases, like the CTF, are functions of the object's frequency M k, and grey values are not changed by M; origins are
    measured in the image. All this is what relion_reconstruct 3.1.3 undoes (tests/relion).
    """

    odd: tuple[float, ...] = ()
    even: tuple[float, ...] = ()
    tilt_mrad: tuple[float, float] = (0.0, 0.0)
    magnification: tuple[tuple[float, float], tuple[float, float]] = _ISOTROPIC

    @property
    def matrix(self) -> np.ndarray | None:
        """(2, 2) magnification; None: isotropic."""
        matrix = np.array(self.magnification)
        return None if np.abs(matrix - np.eye(2)).max() < _LEAST_MAGNIFICATION else matrix

    @property
    def stretch(self) -> float:
        """How much farther out in the image a frequency of the object lies, at the most; 1 without magnification."""
        return 1.0 if self.matrix is None else float(1 / np.linalg.svd(self.matrix, compute_uv=False).min())

    def of_object(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return the object's frequencies at frequencies of the image."""
        return (x, y) if self.matrix is None else _mapped(self.matrix, x, y)

    def of_image(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return where in the image's transform frequencies of the object lie."""
        return (x, y) if self.matrix is None else _mapped(np.linalg.inv(self.matrix), x, y)

    def offset_of_object(self, offset: Any) -> Any:
        """Return by how much the object is moved, x + i y, in images that are moved by these offsets."""
        return offset if self.matrix is None else _mapped_offset(np.linalg.inv(self.matrix).T, offset)

    def offset_of_image(self, offset: Any) -> Any:
        """Return by how much images are moved, x + i y, in which the object is moved by these offsets."""
        return offset if self.matrix is None else _mapped_offset(self.matrix.T, offset)

    def antisymmetric_phase(self, x: Any, y: Any, *, optics: Optics) -> Any:
        """Return the phase in radians that images have at the object's frequencies x, y in 1/Å; None: no such aberration.

        Images are corrected by exp(-i phase).
        """
        if not any(self.odd) and not any(self.tilt_mrad):
            return None
        return zernike(np.array(self.odd), x, y, odd=True) - beam_tilt(self.tilt_mrad, x, y, optics=optics)

    def symmetric_phase(self, x: Any, y: Any) -> Any:
        """Return what is taken from the CTF's phase at the object's frequencies x, y in 1/Å, in radians; None: nothing."""
        return zernike(np.array(self.even), x, y, odd=False) if any(self.even) else None


NONE = Aberrations()
"""Those of an image without any."""


def _mapped(matrix: np.ndarray, x: Any, y: Any) -> tuple[Any, Any]:
    return matrix[0, 0] * x + matrix[0, 1] * y, matrix[1, 0] * x + matrix[1, 1] * y


def _mapped_offset(matrix: np.ndarray, offset: Any) -> Any:
    x, y = _mapped(matrix, offset.real, offset.imag)
    return x + 1j * y


def zernike(coefficients: np.ndarray, x: Any, y: Any, *, odd: bool) -> Any:
    """Return the sum of odd or even Zernike polynomials at frequencies x, y in 1/Å, in radians.

    coefficients  in RELION's order: n rises, m from -n to n (odd: n = 1, 3 …; even: n = 0, 2 …)
    """
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    total = np.zeros(np.broadcast_shapes(np.shape(x), np.shape(y)))
    orders = [(m, n) for n in range(1 if odd else 0, 40, 2) for m in range(-n, n + 1, 2)]
    for value, (m, n) in zip(coefficients, orders, strict=False):
        if value != 0:
            turning = np.cos(m * angle) if m >= 0 else np.sin(-m * angle)
            total = total + value * _radial(abs(m), n, radius) * turning
    return total


def _radial(m: int, n: int, radius: Any) -> Any:
    """Return the radial part of a Zernike polynomial (Born & Wolf, Principles of Optics, 9.2.1)."""
    total = np.zeros_like(radius)
    for k in range((n - m) // 2 + 1):
        share = factorial(n - k) / (factorial(k) * factorial((n + m) // 2 - k) * factorial((n - m) // 2 - k))
        total = total + (-1) ** k * share * radius ** (n - 2 * k)
    return total


def beam_tilt(tilt_mrad: tuple[float, float], x: Any, y: Any, *, optics: Optics) -> Any:
    """Return the phase in radians that a beam tilt (x, y) adds at frequencies x, y in 1/Å: 2 pi Cs lambda² k² (tilt · k)."""
    factor = 2 * np.pi * optics.spherical_aberration_mm * 1e7 * optics.wavelength**2 * 1e-3
    return factor * (x**2 + y**2) * (tilt_mrad[0] * x + tilt_mrad[1] * y)
