"""The optics of particles: microscope and CTF from their tables, what is assumed where these say nothing."""

from __future__ import annotations

import numpy as np

from relionlab.engine.ctf import Optics
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
