"""The CTFs of particles as their tables tell them, with the aberrations of their optics group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.ctf import ctf_images
from relionlab.io.particles import Particles
from relionlab.jobs.particles.aberrations import magnification, symmetric_phase
from relionlab.jobs.particles.optics import optics_of


@dataclass(frozen=True)
class CtfTreatment:
    """What was done to the images' CTF, and how much of it is to be corrected; see :func:`relionlab.engine.ctf.ctf`.

    aberrations  whether symmetric aberrations and the anisotropic magnification of the optics table belong to it
    """

    phase_flipped: bool = False
    only_flip_phases: bool = False
    intact_first_peak: bool = False
    aberrations: bool = False


def ctf_of_rows(
    particles: Particles, rows: np.ndarray, n: int, *, zoom: float = 1.0, treatment: CtfTreatment | None = None
) -> np.ndarray:
    """Return the CTF (N, n, n//2+1) of rows of a particle list; by default as recorded: neither flipped nor multiplied.

    zoom       factor of the pixel size, if the images were rescaled
    treatment  what is left of the CTF, and how much of it is to be corrected
    """
    treatment = treatment or CtfTreatment()
    out = np.ones((len(rows), n, n // 2 + 1), np.float32)
    chosen = particles.rows(rows)
    defocus_u = chosen.column("rlnDefocusU")
    defocus_v = chosen.column("rlnDefocusV") if "rlnDefocusV" in chosen else defocus_u

    def optional(label: str, default: float) -> np.ndarray:
        return chosen.column(label) if label in chosen else np.full(len(rows), default)

    angle, shift = optional("rlnDefocusAngle", 0.0), optional("rlnPhaseShift", 0.0)
    bfactor, factor = optional("rlnCtfBfactor", 0.0), optional("rlnCtfScalefactor", 1.0)
    groups = chosen.group_rows
    for group in np.unique(groups):
        own = groups == group
        more = _aberrations_of(particles, group, n) if treatment.aberrations else {}
        out[own] = ctf_images(
            n,
            optics=optics_of(particles, group, zoom=zoom),
            defocus_u=defocus_u[own],
            defocus_v=defocus_v[own],
            defocus_angle=angle[own],
            phase_shift=shift[own],
            bfactor=bfactor[own],
            scale=factor[own],
            phase_flipped=treatment.phase_flipped,
            only_flip_phases=treatment.only_flip_phases,
            intact_first_peak=treatment.intact_first_peak,
            **more,
        )
    return out


def _aberrations_of(particles: Particles, row: int, n: int) -> dict[str, Any]:
    """Return what :func:`ctf_images` is to know of a group's aberrations."""
    return {"symmetric_phase": symmetric_phase(particles, row, n), "magnification": magnification(particles, row)}
