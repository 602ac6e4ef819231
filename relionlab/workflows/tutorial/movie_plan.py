"""What the tutorial does with movies: the user's own, or a set that is simulated first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import ParameterError
from relionlab.workflows.tutorial.flags import flag

SETS = ("course", "small", "tiny")
"""Sets of movies that can be simulated (:data:`relionlab.simulation.exposures.SIZES`)."""
_OWN_ONLY = ("gain", "defects", "angpix", "voltage", "aberration", "amplitude_contrast", "dose", "diameter")


@dataclass(frozen=True)
class MoviePlan:
    """What is to be done with movies.

    directory           of the project
    movies              the user's movies, a pattern ("data/*.tif"); ``None``: simulate some
    set                 what to simulate: "course", "small" or "tiny"
    count               movies to simulate; ``None``: as many as the set has
    gain                file of the gain reference; it multiplies the frames
    gain_rotation, gain_flip
                        how the gain is turned (0 to 3 times 90°) and then flipped (0, 1 upside down, 2 left to right)
    defects             file of the camera's defects
    angpix              pixel size of the movies in Å; ``None``: as their files say
    voltage, aberration, amplitude_contrast
                        the microscope: kV, mm, fraction; ``None``: 300, 2.7, 0.1
    dose                e/Å² per frame; ``None``: no dose weighting
    diameter            of the particle, its longest side, in Å
    binning             by which motion correction shrinks
    patches             along x and y, of motion correction; 0: as the size of the movie suggests
    threshold           least figure of merit of a pick by templates
    classes             of both classifications; ``None``: as the number of particles suggests
    iterations          of both classifications; ``None``: 20 of the first and 25 of the second one
    seed                of the simulation and of the classifications
    """

    directory: Path = Path("tutorial")
    movies: str | None = None
    set: str = "course"
    count: int | None = None
    gain: Path | None = None
    gain_rotation: int = 0
    gain_flip: int = 0
    defects: Path | None = None
    angpix: float | None = None
    voltage: float | None = None
    aberration: float | None = None
    amplitude_contrast: float | None = None
    dose: float | None = None
    diameter: float | None = None
    binning: float = 1.0
    patches: int = 0
    threshold: float = 0.15
    classes: int | None = None
    iterations: int | None = None
    particle_pixel: float | None = None
    symmetry: str | None = None
    symmetry_at_once: bool = False
    iterations3d: int | None = None
    classes_only: bool = False
    seed: int = 1

    def check(self) -> None:
        """Raise ParameterError if something cannot be done."""
        if self.movies is None:
            self._check_simulation()
        else:
            self._check_own()
        for name, unit in (
            ("angpix", "Å"),
            ("voltage", "kV"),
            ("dose", "e/Å²"),
            ("diameter", "Å"),
            ("particle_pixel", "Å"),
            ("binning", ""),
        ):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ParameterError(f"{flag(name)} is {value:g} {unit}".strip() + "; expected more than 0.")
        for name in ("classes", "iterations", "count", "iterations3d"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ParameterError(f"--{name} is {value}; it must be at least 1.")
        if self.symmetry is not None:
            from relionlab.engine.symmetry import point_group

            point_group(self.symmetry)
        if self.gain_rotation not in range(4) or self.gain_flip not in range(3):
            raise ParameterError(
                f"--gain_rot {self.gain_rotation} --gain_flip {self.gain_flip}: expected 0 to 3 and 0 to 2."
            )

    def _check_simulation(self) -> None:
        if self.set not in SETS:
            raise ParameterError(f"--set {self.set}: expected one of {', '.join((*SETS, 'particles'))}.")
        given = [flag(name) for name in _OWN_ONLY if getattr(self, name) is not None]
        if given:
            raise ParameterError(
                f"{', '.join(given)} {'describe' if len(given) > 1 else 'describes'} movies of your own: say which with"
                " --movies 'folder/*.tif'. Of simulated movies all that is known."
            )

    def _check_own(self) -> None:
        if self.count is not None:
            raise ParameterError("--count is for simulated movies: choose some of your own by the pattern of --movies.")
        if self.diameter is None:
            raise ParameterError(
                "--diameter is missing: the longest side of your particle in Å, by which particles are found and boxes chosen."
            )
        for name in ("gain", "defects"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ParameterError(f"--{name}: {path} does not exist.")
