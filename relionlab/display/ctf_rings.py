"""The power spectrum of one micrograph, beside its CTF where that is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.display.micrograph_image import MicrographImage
from relionlab.display.mosaic import grey
from relionlab.engine.ctf import Optics
from relionlab.engine.ctffit.diagnostic import diagnostic_image
from relionlab.engine.ctffit.fit import describe_ctf
from relionlab.engine.ctffit.search import Range
from relionlab.engine.ctffit.spectrum import power_spectrum
from relionlab.io.particles import Particles

_FINEST = 4.0  # Å to which the model is drawn at least


@dataclass(frozen=True)
class Rings:
    """A power spectrum for the screen.

    greys      (n, n) uint8, frequency 0 in the middle
    finest     Å at its edge
    has_model  whether the right half is the CTF that the list has of this micrograph
    merit      correlation of the spectrum with that CTF; nan without one
    """

    greys: np.ndarray
    finest: float
    has_model: bool
    merit: float = float("nan")


def rings_of(micrograph: MicrographImage | str | Path, listed: Particles | None = None, row: int = 0) -> Rings:
    """Return the power spectrum of a micrograph; its right half is the CTF, if the list knows it.

    listed, row  list of a CtfFind job, and the micrograph's row in it

    Raises ImageError if the image cannot be read, InputError if it is too small.
    """
    image = micrograph if isinstance(micrograph, MicrographImage) else MicrographImage(micrograph)
    spectrum = power_spectrum(np.asarray(image.pixels(), dtype=np.float32), image.pixel_size)
    finest = 2 * spectrum.pixel_size
    if listed is None or "rlnDefocusU" not in listed or not np.isfinite(listed.column("rlnDefocusU")[row]):
        middle, power = spectrum.size // 2, np.log(np.maximum(spectrum.power, 1e-30))
        power[middle - 2 : middle + 3, middle - 2 : middle + 3] = np.median(power)
        return Rings(grey(power, clip=(2.0, 99.5)), finest, has_model=False)

    def known(label: str, default: float) -> float:
        return float(listed.column(label)[row]) if label in listed else default

    optics = Optics(
        known("rlnVoltage", 300.0),
        known("rlnSphericalAberration", 2.7),
        known("rlnAmplitudeContrast", 0.1),
        spectrum.pixel_size,
    )
    fit = describe_ctf(
        spectrum,
        optics,
        Range(),
        defocus_u=known("rlnDefocusU", 0.0),
        defocus_v=known("rlnDefocusV", 0.0),
        defocus_angle=known("rlnDefocusAngle", 0.0),
        phase_shift=known("rlnPhaseShift", 0.0),
    )
    drawn = diagnostic_image(fit, optics, finest=max(_FINEST, finest))
    return Rings(grey(drawn, diameter=1.5, clip=(5.0, 95.0)), finest, has_model=True, merit=fit.figure_of_merit)
