"""What is to be simulated of micrographs and movies: one frozen description of specimen, microscope and camera."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from relionlab.errors import InputError
from relionlab.simulation.microscope import Microscope

Format = Literal["tiff", "mrc"]
_MOST_COUNTS = 255
_NOT_NEGATIVE = (
    "particles",
    "astigmatism",
    "tilt",
    "contamination",
    "molecule_bfactor",
    "envelope_bfactor",
    "drift",
    "local_motion",
    "gain_deviation",
    "defects",
    "hot_pixels",
    "seed",
)


@dataclass(frozen=True, kw_only=True)
class Exposures(Microscope):
    """What to simulate.

    count               number of micrographs or movies
    size                (x, y) of the camera in px
    pixel_size          of the camera at the specimen in Å
    frames              number of frames of a movie
    dose                electrons of the whole exposure in e/Å²
    voltage_kv          acceleration voltage in kV
    spherical_aberration_mm  Cs of the objective lens in mm
    amplitude_contrast  fraction of the contrast
    defocus             lowest and highest mean defocus of a micrograph in Å
    astigmatism         largest difference of defocus U and V in Å
    tilt                largest tilt of the grid in degrees: the particles' defocus follows it
    ice_thickness       thinnest and thickest ice in Å; particles lie at any height in it
    ice_gradient        largest relative change of the thickness across a micrograph
    particles           mean number of particles per micrograph; fewer where they would overlap
    fractions           share of each conformation; empty: equal shares
    particle_diameter   distance that the particles keep in Å; ``None``: twice the molecules' radius
    contamination       mean number of lumps of crystalline ice per micrograph
    molecule_bfactor    blur of the atoms in Å²
    envelope_bfactor    falloff of the contrast by exp(-B k²/4), from microscope and camera, in Å²
    contrast            share of the ideal contrast that is recorded (inelastic scattering, detective quantum efficiency)
    drift               mean distance in Å by which a movie moves as a whole
    local_motion        root mean square distance in Å by which its parts move against each other
    illumination        share of the intensity that is missing in the corners of the beam
    gain_deviation      standard deviation of the pixels' sensitivity
    defects             number of rectangles of dead pixels, listed in defects.txt
    hot_pixels          number of pixels that count far too much; nobody lists them
    gain_rotation       gain.mrc must be turned by 90° clockwise so many times to fit the movies (``--gain_rot``)
    gain_flip           and then be flipped: 1 upside down, 2 left to right (``--gain_flip``), 0 not
    form                format of movies, "tiff" or "mrc"
    compression         of TIFF movies: "lzw", "deflate", "zstd" or "none"
    seed                same seed, same images; from 0
    """

    count: int = 24
    size: tuple[int, int] = (2048, 2048)
    pixel_size: float = 1.5
    frames: int = 16
    dose: float = 40.0
    voltage_kv: float = 300.0
    spherical_aberration_mm: float = 2.7
    amplitude_contrast: float = 0.1
    defocus: tuple[float, float] = (8000.0, 22000.0)
    astigmatism: float = 500.0
    tilt: float = 2.0
    ice_thickness: tuple[float, float] = (300.0, 500.0)
    ice_gradient: float = 0.3
    particles: int = 80
    fractions: tuple[float, ...] = ()
    particle_diameter: float | None = None
    contamination: float = 2.0
    molecule_bfactor: float = 80.0
    envelope_bfactor: float = 50.0
    contrast: float = 0.7
    drift: float = 15.0
    local_motion: float = 2.0
    illumination: float = 0.1
    gain_deviation: float = 0.05
    defects: int = 6
    hot_pixels: int = 20
    gain_rotation: int = 0
    gain_flip: int = 0
    form: Format = "tiff"
    compression: Literal["lzw", "deflate", "zstd", "none"] = "lzw"
    seed: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) of an image in px."""
        return self.size[1], self.size[0]

    @property
    def dose_per_frame(self) -> float:
        """In e/Å²."""
        return self.dose / self.frames

    def check(self, conformations: int, *, movies: bool = False) -> None:
        """Raise InputError if the numbers contradict each other.

        movies  the electrons of a frame must fit into a byte per pixel
        """
        for name in ("count", "frames", "pixel_size", "dose", "voltage_kv", "particle_diameter"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"{name}={value:g}; expected a number above 0.")
        if min(self.size) < 128 or any(side % 2 for side in self.size):
            raise InputError(f"size={self.size} px; expected two even numbers of at least 128.")
        for name in ("defocus", "ice_thickness"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"{name}={(low, high)} Å; expected two numbers above 0, the lower one first.")
        for name in ("contrast", "illumination", "ice_gradient", "amplitude_contrast"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}={getattr(self, name):g}; expected a share between 0 and 1.")
        for name in _NOT_NEGATIVE:
            if not getattr(self, name) >= 0:
                raise InputError(f"{name}={getattr(self, name):g}; expected 0 or more.")
        if self.gain_rotation not in range(4) or self.gain_flip not in range(3):
            raise InputError(
                f"gain_rotation={self.gain_rotation}, gain_flip={self.gain_flip}; expected 0 to 3 and 0 to 2."
            )
        self.check_fractions(conformations)
        counts = self.dose_per_frame * self.pixel_size**2
        if movies and counts > _MOST_COUNTS / 4:
            raise InputError(
                f"A frame would get {counts:.0f} electrons per pixel; a byte holds {_MOST_COUNTS}. Use more frames, a "
                "smaller dose or smaller pixels."
            )


def meanings() -> dict[str, str]:
    """Return what each field of :class:`Exposures` means, as its docstring says."""
    found: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc(Exposures.__doc__ or "").splitlines():
        entry = _ENTRY.match(line)
        if entry:
            name, text = entry.groups()
            found[name] = text
        elif name and line.startswith(" "):
            found[name] += f" {line.strip()}"
    return {field: text.replace("``", "") for field, text in found.items()}


_ENTRY = re.compile(r"(\w+)  +(\S.*)")

SIZES: Mapping[str, Exposures] = MappingProxyType(
    {
        "tiny": Exposures(count=2, size=(512, 512), pixel_size=3.0, frames=8, particles=30, contamination=1.0),
        "small": Exposures(count=4, size=(1024, 1024), pixel_size=2.0, frames=12, particles=45),
        "course": Exposures(),
        "micrographs": Exposures(frames=1, contamination=3.0),
    }
)
"""Sets to begin with: movies of seconds, of half a minute and of a whole course, and micrographs without motion."""


def exposures(name: str, /, **changes: Any) -> Exposures:
    """Return one of the sets of SIZES, with some fields changed; InputError if there is none of this name."""
    if name not in SIZES:
        raise InputError(f"There is no set '{name}' to simulate; expected one of {', '.join(SIZES)}.")
    return replace(SIZES[name], **changes)
