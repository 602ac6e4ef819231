"""How far class averages could be turned or moved before their particles would notice, and how much has changed."""

from __future__ import annotations

import numpy as np
import scipy.special

from relionlab.engine.classify2d.expectation import Sums
from relionlab.engine.classify2d.state import Model
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.polar import PolarGrid, PolarSampler, angular_spectrum

LEAST_DIFFERENCE = 4.605
"""Difference in log-likelihood at which one pose is preferred by 100 to 1: RELION's criterion for its accuracies."""
UNKNOWN = 999.0
"""What RELION writes where an accuracy could not be determined."""


def accuracies(model: Model, sums: Sums, grid: PolarGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return the expected accuracy of angles (degrees) and of offsets (Å) for every class, UNKNOWN where there is none.

    The smallest change of pose that lowers the log-likelihood of a mean particle of the class by LEAST_DIFFERENCE:
    half the sum over the plane of mean CTF² / (2 sigma2) |A - A'|².

    grid  on which the sums were made
    """
    spectrum = angular_spectrum(PolarSampler(grid, model.box).sample(model.references), grid.harmonics)
    power = spectrum.real**2 + spectrum.imag**2
    power[..., 1:] *= 2  # harmonics of both signs
    members = np.maximum(sums.share, 1e-9)[:, None]
    weight = 0.5 * 2 * np.pi * grid.rings * sums.denominator.mean(axis=-1) / members
    angles = np.concatenate([np.arange(0.1, 3, 0.1), np.arange(3, 30.1, 0.5)])
    turned = 2 - 2 * np.cos(np.outer(np.arange(grid.harmonics + 1), np.radians(angles)))
    by_angle = np.einsum("ck,ckq,qa->ca", weight, power, turned, optimize=True)
    offsets = np.arange(0.05, 10.05, 0.05)
    moved = 2 - 2 * scipy.special.j0(2 * np.pi * np.outer(grid.rings, offsets) / model.box)
    by_offset = np.einsum("ck,ck,ko->co", weight, power.sum(axis=-1), moved, optimize=True)
    return _crossing(by_angle, angles), _crossing(by_offset, offsets * model.pixel_size)


def changes(before: Particles, after: Particles) -> tuple[float, float, float]:
    """Return the mean change of the angles in degrees, of the origins in Å (per axis), and the fraction of changed classes."""
    turned = np.abs((after.psi - before.psi + 180) % 360 - 180)
    moved = np.sqrt(np.mean((after.origin - before.origin) ** 2))
    return float(turned.mean()), float(moved), float(np.mean(after.class_index != before.class_index))


def _crossing(difference: np.ndarray, values: np.ndarray) -> np.ndarray:
    enough = difference >= LEAST_DIFFERENCE
    return np.where(enough.any(axis=1), values[enough.argmax(axis=1)], UNKNOWN)
