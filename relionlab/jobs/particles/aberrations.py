"""What the optics table says of aberrations beyond the CTF: as values, and as arrays on the half planes of its images."""

from __future__ import annotations

import numpy as np

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.fourier import frequencies
from relionlab.engine.image_checks import Finding
from relionlab.errors import StarError
from relionlab.io.particles import Particles
from relionlab.jobs.particles.optics import coefficients, group_name, optics_of

_TILT = ("rlnBeamTiltX", "rlnBeamTiltY")
_MAGNIFICATION = ("rlnMagMat00", "rlnMagMat01", "rlnMagMat10", "rlnMagMat11")
_COMA = (3, 4)  # in rlnOddZernike
_MOST_STRETCH = 2.0  # no microscope's: the matrix is damaged


def aberrations_of(particles: Particles, row: int) -> Aberrations:
    """Return the aberrations of one row of the optics table; StarError for numbers that cannot be.

    Where the table has a beam tilt, were it zero, the coma of rlnOddZernike does not count: relion_reconstruct 3.1.3 puts the
    tilt in its place (RELION's CtfRefine writes a tilt and the rest; tests/relion).
    """
    optics = particles.optics
    vectors = {
        name: tuple(coefficients(optics, label, row).tolist()) if label in optics else ()
        for name, label in (("odd", "rlnOddZernike"), ("even", "rlnEvenZernike"))
    }
    if _coma_twice(particles, row):
        vectors["odd"] = tuple(0.0 if i in _COMA else value for i, value in enumerate(vectors["odd"]))
    tilt_x, tilt_y = (float(optics[label][row]) if label in optics else 0.0 for label in _TILT)
    numbers = np.array([*vectors["odd"], *vectors["even"], tilt_x, tilt_y])
    if not np.isfinite(numbers).all():
        raise StarError(
            f"Optics group {group_name(particles, row)}: a beam tilt or Zernike coefficient (rlnBeamTiltX, rlnBeamTiltY,"
            " rlnOddZernike, rlnEvenZernike) is not a finite number; expected mrad and radians. Correct the optics table,"
            " or remove the column."
        )
    found = Aberrations(**vectors, tilt_mrad=(tilt_x, tilt_y))
    if any(label not in optics for label in _MAGNIFICATION):
        return found
    a, b, c, d = (float(optics[label][row]) for label in _MAGNIFICATION)
    stretch = np.linalg.svd([[a, b], [c, d]], compute_uv=False) if np.isfinite([a, b, c, d]).all() else np.zeros(2)
    if not 1 / _MOST_STRETCH < stretch.min() <= stretch.max() < _MOST_STRETCH:
        raise StarError(
            f"Optics group {group_name(particles, row)}: the magnification matrix rlnMagMat00 … 11 is {a:g}, {b:g}, {c:g},"
            f" {d:g}; expected one near 1, 0, 0, 1. Refine the magnification again, or remove these columns."
        )
    return Aberrations(**vectors, tilt_mrad=(tilt_x, tilt_y), magnification=((a, b), (c, d)))


def aberration_findings(particles: Particles) -> list[Finding]:
    """Return a warning for each optics group in use that states its coma twice."""
    return [
        Finding(
            "coma twice",
            "warning",
            f"Optics group {group_name(particles, row)} has coma in rlnOddZernike (its 4th and 5th number) and a beam tilt"
            " (rlnBeamTiltX, rlnBeamTiltY), which is coma too; as in RELION the beam tilt alone counts. If the numbers of"
            " rlnOddZernike are meant, remove both columns of the beam tilt from the optics table.",
        )
        for row in np.unique(particles.group_rows)
        if _coma_twice(particles, row)
    ]


def antisymmetric_phase(particles: Particles, row: int, n: int) -> np.ndarray | None:
    """Return the phase (n, n//2+1) in radians by which images are turned back, exp(-i phase); None: no such aberration."""
    aberrations = aberrations_of(particles, row)
    return _on_half_plane(
        aberrations.antisymmetric_phase(*_object_frequencies(particles, row, n), optics=optics_of(particles, row))
    )


def symmetric_phase(particles: Particles, row: int, n: int) -> np.ndarray | None:
    """Return what is taken from the CTF's phase (n, n//2+1), in radians; None: no such aberration."""
    return _on_half_plane(aberrations_of(particles, row).symmetric_phase(*_object_frequencies(particles, row, n)))


def magnification(particles: Particles, row: int) -> np.ndarray | None:
    """Return the anisotropic magnification M (2, 2): a frequency k of the image is M k of the object; None: isotropic."""
    return aberrations_of(particles, row).matrix


def with_magnification(particles: Particles, rotations: np.ndarray) -> np.ndarray:
    """Return the matrices (N, 3, 3) by whose first two rows image frequencies lie in the map, the magnification included."""
    out = np.array(rotations, float)
    for row in np.unique(particles.group_rows):
        matrix = magnification(particles, row)
        if matrix is not None:
            own = particles.group_rows == row
            out[own, :2] = matrix.T @ out[own, :2]
    return out


def _coma_twice(particles: Particles, row: int) -> bool:
    optics = particles.optics
    if "rlnOddZernike" not in optics or not any(label in optics for label in _TILT):
        return False
    odd = coefficients(optics, "rlnOddZernike", row)
    return bool(odd[_COMA[0] : _COMA[-1] + 1].any())


def _object_frequencies(particles: Particles, row: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    return aberrations_of(particles, row).of_object(*frequencies(n, float(particles.pixel_sizes[row])))


def _on_half_plane(phase: np.ndarray | None) -> np.ndarray | None:
    return None if phase is None else np.asarray(phase)
