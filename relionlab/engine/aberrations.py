"""Aberrations beyond the CTF's own: antisymmetric (beam tilt, trefoil, coma), symmetric, and anisotropic magnification.

Antisymmetric aberrations turn the phases of an image's transform, symmetric ones add to the CTF's phase. Both are sums of
Zernike polynomials of the frequency in 1/Å, in radians, in RELION's order; source: Zivanov, Nakane & Scheres (2020)
IUCrJ 7, 253.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from relionlab.engine.ctf import Optics


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
