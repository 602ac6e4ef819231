"""Saying what is wrong with particle images: the engine's checks on a sample of a particle list."""

from __future__ import annotations

from typing import Literal

import numpy as np

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.engine.image_checks import Finding, check_images, check_shape, sample
from relionlab.io.image_names import ImageReader
from relionlab.io.particles import Particles
from relionlab.jobs.context import Context

Told = Literal["plain", "phase-flipped", "CTF-multiplied"]


def particle_findings(
    context: Context, particles: Particles, *, background_radius: float | None = None, phase_flipped: bool = False
) -> list[Finding]:
    """Return what is wrong with the images of a particle list, judged from a sample of 400.

    background_radius  in px; ``None``: 37.5 % of the box
    phase_flipped      the user said that the phases were flipped; CTF-multiplied data say so in their optics table
    """
    reader = ImageReader(particles.particles["rlnImageName"], context.directory)
    if not len(particles):
        return []
    wrong = check_shape(reader.shape)
    if wrong:
        return wrong
    rows = sample(len(particles), 400)
    ctf = ctf_of_rows(particles, rows, reader.shape[1]) if "rlnDefocusU" in particles else None
    told = told_of(particles, phase_flipped=phase_flipped)
    return check_images(reader.read(rows), background_radius=background_radius, ctf=ctf, told=told, indices=rows)


def told_of(particles: Particles, *, phase_flipped: bool) -> Told:
    """Return what the user, or the optics table, says was done to the images."""
    label = "rlnCtfDataAreCtfPremultiplied"
    if label in particles.optics and (particles.optics[label] != 0).any():
        return "CTF-multiplied"
    return "phase-flipped" if phase_flipped else "plain"


def said_of(context: Context, findings: list[Finding]) -> None:
    """Write findings into the job's log: notes into run.out, warnings and errors into run.err."""
    for finding in findings:
        (context.say if finding.severity == "note" else context.warn)(
            f"{finding.severity.capitalize()}: {finding.message}"
        )


def ctf_of_rows(particles: Particles, rows: np.ndarray, n: int, *, zoom: float = 1.0) -> np.ndarray:
    """Return the CTF (N, n, n//2+1) of rows of a particle list, as it was recorded: neither flipped nor multiplied.

    zoom  factor of the pixel size, if the images were rescaled
    """
    out = np.ones((len(rows), n, n // 2 + 1), np.float32)
    groups, table = particles.group_rows[rows], particles.particles
    sizes = particles.pixel_sizes
    for group in np.unique(groups):
        chosen = groups == group
        own = rows[chosen]
        values = {name: particles.optics[f"rln{label}"][group] for name, label in _OPTICS.items()}
        out[chosen] = ctf_images(
            n,
            optics=Optics(
                **{name: float(value) for name, value in values.items()}, pixel_size=float(sizes[group]) * zoom
            ),
            defocus_u=table["rlnDefocusU"][own],
            defocus_v=table["rlnDefocusV"][own],
            defocus_angle=table["rlnDefocusAngle"][own],
            phase_shift=table["rlnPhaseShift"][own] if "rlnPhaseShift" in table else 0.0,
        )
    return out


_OPTICS = {
    "voltage_kv": "Voltage",
    "spherical_aberration_mm": "SphericalAberration",
    "amplitude_contrast": "AmplitudeContrast",
}
