"""The optics of particles: microscope and CTF from their tables, what is assumed where these say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.errors import ImageError, StarError
from relionlab.io.image_names import format_image_name
from relionlab.io.images import ImageHeader
from relionlab.io.particles import Particles
from relionlab.io.table import Table

ASSUMED = {"rlnVoltage": 300.0, "rlnSphericalAberration": 2.7, "rlnAmplitudeContrast": 0.1}
"""The microscope of images that do not say theirs: without a CTF it changes nothing, but RELION wants the columns."""
CTF_LABELS = ("rlnDefocusU", *ASSUMED)
"""Columns without which there is no CTF."""
_MICROSCOPE = {
    "rlnVoltage": (1e-6, 5000.0, " kV", "kV, as 300"),
    "rlnSphericalAberration": (-100.0, 100.0, " mm", "mm, as 2.7"),
    "rlnAmplitudeContrast": (0.0, 1.0, "", "a fraction from 0 to 1, as 0.1"),
}
"""Column of the optics table -> its lowest and highest value, its unit, and what is expected."""
_LEAST_DEFOCUS = 50.0  # Å: whatever is meant, it is not a defocus in Å


@dataclass(frozen=True)
class CtfTreatment:
    """What was done to the images' CTF, and how much of it is to be corrected; see :func:`relionlab.engine.ctf.ctf`.

    aberrations  whether symmetric aberrations and the anisotropic magnification of the optics table belong to it
    """

    phase_flipped: bool = False
    only_flip_phases: bool = False
    intact_first_peak: bool = False
    aberrations: bool = False


def particles_of_stack(name: str, header: ImageHeader) -> Particles:
    """Return the images of a bare stack as particles without CTF in one optics group; ImageError without pixel size."""
    if header.pixel_size is None:
        raise ImageError(
            f"{name} does not say its pixel size: write a stack that does (relionlab preprocess --operate_on {name}"
            " --operate_out with_size.mrcs --angpix …)."
        )
    optics = {
        "rlnOpticsGroupName": ["opticsGroup1"],
        "rlnOpticsGroup": [1],
        **{label: [value] for label, value in ASSUMED.items()},
        "rlnImagePixelSize": [header.pixel_size],
        "rlnImageSize": [header.shape[-1]],
        "rlnImageDimensionality": [2],
    }
    names = [format_image_name(index, name) for index in range(header.count)]
    rows = {"rlnImageName": names, "rlnOpticsGroup": np.ones(len(names), int)}
    return Particles(Table(optics, "optics"), Table(rows, "particles"))


def check_microscope(table: Particles, source: str) -> None:
    """Raise StarError if voltage (kV), spherical aberration (mm) or amplitude contrast are what no microscope has."""
    for label, (lowest, highest, unit, expected) in _MICROSCOPE.items():
        values = np.asarray(table.column(label), float) if label in table else np.zeros(0)
        wrong = values[~((values >= lowest) & (values <= highest))]
        if wrong.size:
            raise StarError(f"{source}: {label} is {wrong[0]:g}{unit}; expected {expected}. Correct the optics table.")


def check_defocus_unit(table: Particles, source: str) -> None:
    """Raise StarError if the defoci cannot be in Å."""
    largest = float(np.abs(np.asarray(table.column("rlnDefocusU"), float)).max())
    if 0 < largest < _LEAST_DEFOCUS:
        raise StarError(
            f"{source}: rlnDefocusU is {largest:g} at most; expected Å, as 15000, not µm. Multiply the defoci by 10000"
            " (relionlab star_handler --operate rlnDefocusU --operate2 rlnDefocusV --multiply_by 10000)."
        )


def has_ctf(particles: Particles) -> bool:
    """Say whether the tables tell the CTF of each particle."""
    return all(label in particles for label in CTF_LABELS)


def optics_of(particles: Particles, row: int, *, zoom: float = 1.0) -> Optics:
    """Return the optics of one row of the optics table.

    zoom  factor of the pixel size, if the images were rescaled
    """
    values = {
        label: float(particles.optics[label][row]) if label in particles.optics else assumed
        for label, assumed in ASSUMED.items()
    }
    return Optics(
        voltage_kv=values["rlnVoltage"],
        spherical_aberration_mm=values["rlnSphericalAberration"],
        amplitude_contrast=values["rlnAmplitudeContrast"],
        pixel_size=float(particles.pixel_sizes[row]) * zoom,
    )


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
    from relionlab.jobs.particles.aberrations import magnification, symmetric_phase

    return {"symmetric_phase": symmetric_phase(particles, row, n), "magnification": magnification(particles, row)}


def group_name(particles: Particles, row: int) -> str:
    """Return what a row of the optics table is called: by its name, or its number where the file gives none."""
    return str(particles.optics.get("rlnOpticsGroupName", particles.optics["rlnOpticsGroup"])[row])


def coefficients(optics: Table, label: str, row: int) -> np.ndarray:
    """Return the numbers of a vector in a table of optics groups, "[0.1,0,0]"."""
    text = str(optics[label][row])
    try:
        return np.array([float(number) for number in text.strip("[] ").split(",") if number.strip()])
    except ValueError:
        raise StarError(f"Table 'optics': {label} is {text!r}; expected numbers, as [0.1,0]. Correct it.") from None
