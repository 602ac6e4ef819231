"""The movies that the tutorial works on: the user's own, or simulated ones with their truth; both inside the project."""

from __future__ import annotations

from dataclasses import dataclass

PLACE = "Movies"


@dataclass(frozen=True)
class MovieData:
    """Movies in the project's folder, and what is known of them.

    pattern      that finds them, relative to the project
    shape        (y, x) of a frame in px
    frames       of a movie
    pixel_size   Å
    voltage, aberration, amplitude_contrast   kV, mm, fraction
    dose         e/Å² per frame; ``None``: not known
    diameter     of the particle in Å
    gain, defects  files relative to the project, "" where there are none
    gain_rotation, gain_flip  as RELION counts them
    told         what they are, in a sentence or two, for the page
    truth        folder of the truth, relative to the project; ``None``: not known
    symmetry     of the simulated particle
    command      that simulates the same movies; "" where they are not simulated
    """

    pattern: str
    shape: tuple[int, int]
    frames: int
    pixel_size: float
    voltage: float
    aberration: float
    amplitude_contrast: float
    dose: float | None
    diameter: float
    told: str
    gain: str = ""
    defects: str = ""
    gain_rotation: int = 0
    gain_flip: int = 0
    truth: str | None = None
    symmetry: str = "C1"
    command: str = ""
