"""Saying what is wrong with particle images: the engine's checks on a sample of a particle list."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from relionlab.engine.image_checks import Finding, check_images, check_shape, sample
from relionlab.io.image_reader import ImageReader
from relionlab.io.particles import Particles
from relionlab.jobs.context import Context
from relionlab.jobs.particles.ctfs import ctf_of_rows
from relionlab.jobs.particles.optics import group_name, has_ctf

Told = Literal["plain", "phase-flipped", "CTF-multiplied"]

_LOOKED_AT = 400  # images of each optics group


def particle_findings(
    context: Context,
    particles: Particles,
    *,
    diameter: float | None = None,
    phase_flipped: bool = False,
    use_ctf: bool = True,
) -> list[Finding]:
    """Return what is wrong with the images of a particle list, judged from a sample of each optics group.

    diameter       of the particle in Å, what lies beyond is background; ``None``: 75 % of the box
    phase_flipped  the user said that the phases were flipped; CTF-multiplied data say so in their optics table
    use_ctf        the CTF will be corrected, so it matters whether it was before
    """
    found = []
    groups = particles.group_rows
    for row in np.unique(groups):
        members = np.flatnonzero(groups == row)
        rows = members[sample(len(members), _LOOKED_AT)]
        reader = ImageReader(particles.particles["rlnImageName"][rows], context.directory)
        own = check_shape(reader.shape) or check_images(
            reader.read(),
            background_radius=None if diameter is None else diameter / 2 / particles.pixel_sizes[row],
            ctf=ctf_of_rows(particles, rows, reader.shape[1]) if use_ctf and has_ctf(particles) else None,
            told=told_of(particles.rows(rows), phase_flipped=phase_flipped),
            indices=rows,
        )
        found += own if len(members) == len(groups) else [_in_group(particles, row, finding) for finding in own]
    return found


def told_of(particles: Particles, *, phase_flipped: bool) -> Told:
    """Return what the user, or the optics table, says was done to the images."""
    label = "rlnCtfDataAreCtfPremultiplied"
    if label in particles and (particles.column(label) != 0).any():
        return "CTF-multiplied"
    return "phase-flipped" if phase_flipped else "plain"


def said_of(context: Context, findings: list[Finding]) -> None:
    """Write findings into the job's log: notes into run.out, warnings and errors into run.err."""
    for finding in findings:
        (context.say if finding.severity == "note" else context.warn)(
            f"{finding.severity.capitalize()}: {finding.message}"
        )


def _in_group(particles: Particles, row: int, finding: Finding) -> Finding:
    return replace(finding, message=f"Optics group {group_name(particles, row)}: {finding.message}")
