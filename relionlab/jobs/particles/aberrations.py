"""What the optics table says of aberrations beyond the CTF, as arrays on the half planes of its images."""

from __future__ import annotations

import numpy as np

from relionlab.engine.aberrations import beam_tilt, zernike
from relionlab.engine.fourier import frequencies
from relionlab.io.particles import Particles
from relionlab.jobs.particles.optics import MAGNIFICATION, coefficients, optics_of

_TILT = ("rlnBeamTiltX", "rlnBeamTiltY")


def antisymmetric_phase(particles: Particles, row: int, n: int) -> np.ndarray | None:
    """Return the phase (n, n//2+1) in radians by which images are turned back, exp(-i phase); None: no such aberration.

    RELION's signs: a tilt and a Zernike coefficient of the same sign act in opposite directions.
    """
    optics = particles.optics
    x, y = frequencies(n, float(particles.pixel_sizes[row]))
    total = np.zeros((n, n // 2 + 1))
    if "rlnBeamTiltX" in optics or "rlnBeamTiltY" in optics:
        tilt_x, tilt_y = (float(optics[label][row]) if label in optics else 0.0 for label in _TILT)
        total -= beam_tilt((tilt_x, tilt_y), x, y, optics=optics_of(particles, row))
    if "rlnOddZernike" in optics:
        total += zernike(coefficients(optics, "rlnOddZernike", row), x, y, odd=True)
    return total if total.any() else None


def symmetric_phase(particles: Particles, row: int, n: int) -> np.ndarray | None:
    """Return what is taken from the CTF's phase (n, n//2+1), in radians; None: no such aberration."""
    if "rlnEvenZernike" not in particles.optics:
        return None
    values = coefficients(particles.optics, "rlnEvenZernike", row)
    x, y = distorted(*frequencies(n, float(particles.pixel_sizes[row])), magnification(particles, row))
    return zernike(values, x, y, odd=False) if values.any() else None


def magnification(particles: Particles, row: int) -> np.ndarray | None:
    """Return the anisotropic magnification M (2, 2): a frequency k of the image is M k of the object; None: isotropic."""
    if any(label not in particles.optics for label in MAGNIFICATION):
        return None
    matrix = np.array([float(particles.optics[label][row]) for label in MAGNIFICATION]).reshape(2, 2)
    return None if np.abs(matrix - np.eye(2)).max() < 1e-7 else matrix


def distorted(x: np.ndarray, y: np.ndarray, matrix: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the object's frequencies of image frequencies."""
    if matrix is None:
        return x, y
    return matrix[0, 0] * x + matrix[0, 1] * y, matrix[1, 0] * x + matrix[1, 1] * y


def with_magnification(particles: Particles, rotations: np.ndarray) -> np.ndarray:
    """Return the matrices (N, 3, 3) by whose first two rows image frequencies lie in the map, the magnification included."""
    out = np.array(rotations, float)
    for row in np.unique(particles.group_rows):
        matrix = magnification(particles, row)
        if matrix is not None:
            own = particles.group_rows == row
            out[own, :2] = matrix.T @ out[own, :2]
    return out
