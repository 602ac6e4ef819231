"""The poses of a particle list: rotations and origins."""

from __future__ import annotations

import numpy as np

from relionlab.engine.rotations import euler_from_matrix, matrix_from_euler
from relionlab.errors import StarError
from relionlab.io.particles import Particles

ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")


def rotations_of(particles: Particles) -> np.ndarray:
    """Return the rotation matrices (N, 3, 3); StarError if an angle is missing."""
    missing = [label for label in ANGLES if label not in particles.particles]
    if missing:
        source = particles.particles.source or "The particle list"
        raise StarError(
            f"{source} has no column {', '.join(missing)}; expected {', '.join(ANGLES)}: the particles have no 3D poses yet."
            " Give the run_data.star of a 3D refinement or classification."
        )
    return matrix_from_euler(*(particles.particles[label] for label in ANGLES))


def with_rotations(particles: Particles, rotations: np.ndarray) -> Particles:
    """Return the particles with the angles of rotation matrices (N, 3, 3)."""
    angles = euler_from_matrix(rotations)
    return particles.with_columns(dict(zip(ANGLES, angles, strict=True)))


def origins_px(particles: Particles) -> np.ndarray:
    """Return (N, 2) x and y by which each particle is moved to its origin, in px of its images; 0 where not stated."""
    zeros = np.zeros(len(particles))
    table = particles.particles
    origins = [table.get(f"rlnOrigin{axis}Angst", zeros) for axis in "XY"]
    return np.stack(origins, axis=1) / particles.row_pixel_sizes[:, None]
