"""Rotations as matrices and as RELION's Euler angles (rot, tilt, psi: ZYZ, degrees).

A = Rz(psi) Ry(tilt) Rz(rot) acts on (x, y, z); source: Heymann, Chagoyen & Belnap (2005) J. Struct. Biol. 151, 196.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.engine.array import namespace


def matrix_from_euler(rot: Any, tilt: Any, psi: Any) -> Any:
    """Return the matrices (…, 3, 3), float64, of angles in degrees; the angles broadcast."""
    xp = namespace(rot, tilt, psi)
    a, b, c = xp.broadcast_arrays(*(xp.radians(xp.asarray(angle, dtype=xp.float64)) for angle in (rot, tilt, psi)))
    ca, sa, cb, sb, cg, sg = xp.cos(a), xp.sin(a), xp.cos(b), xp.sin(b), xp.cos(c), xp.sin(c)
    rows = (
        (cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb),
        (-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb),
        (sb * ca, sb * sa, cb),
    )
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)


def euler_from_matrix(matrices: Any) -> tuple[Any, Any, Any]:
    """Return rot, tilt, psi in degrees of matrices (…, 3, 3): tilt in [0, 180], the others in (-180, 180].

    Where tilt is 0 or 180 only rot ± psi is defined: rot is then 0.
    """
    xp = namespace(matrices)
    sine = xp.hypot(matrices[..., 2, 0], matrices[..., 2, 1])
    tilt = xp.arctan2(sine, matrices[..., 2, 2])
    pole = sine < 1e-7
    sign = xp.where(matrices[..., 2, 2] > 0, 1.0, -1.0)
    rot = xp.where(pole, 0.0, xp.arctan2(matrices[..., 2, 1], matrices[..., 2, 0]))
    at_pole = xp.arctan2(-matrices[..., 1, 0] * sign, matrices[..., 0, 0] * sign)
    psi = xp.where(pole, at_pole, xp.arctan2(matrices[..., 1, 2], -matrices[..., 0, 2]))
    return xp.degrees(rot), xp.degrees(tilt), xp.degrees(psi)


def random_rotations(rng: np.random.Generator, n: int) -> np.ndarray:
    """Return n uniformly distributed rotation matrices (n, 3, 3), float64."""
    return matrix_from_euler(*random_euler(rng, n))


def random_euler(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rot, tilt, psi (n,) in degrees of n uniformly distributed rotations."""
    rot, psi = rng.uniform(-180, 180, n), rng.uniform(-180, 180, n)
    return rot, np.degrees(np.arccos(rng.uniform(-1, 1, n))), psi


def angle_between(first: Any, second: Any) -> Any:
    """Return the angle in degrees of the rotation from one matrix to another; (…, 3, 3) broadcast."""
    xp = namespace(first, second)
    trace = xp.sum(first * second, axis=(-2, -1))
    return xp.degrees(xp.arccos(xp.clip((trace - 1) / 2, -1, 1)))
