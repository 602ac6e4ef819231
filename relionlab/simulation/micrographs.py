"""Micrographs of known truth: one exposure each, without motion, for CTF estimation and picking.

simulate_micrographs("Simulated", simulation=exposures("micrographs", count=6))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy.fft

from relionlab.engine.damage import mean_amplitude
from relionlab.errors import InputError
from relionlab.io.images import write_image, write_map
from relionlab.settings import usable_cores
from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.counting import GRID, count_frame, spline_divisor
from relionlab.simulation.exposure_truth import write_input, write_truth
from relionlab.simulation.exposures import Exposures, exposures
from relionlab.simulation.specimens import Specimen, Stage, canvas, draw_specimen, radial_filter
from relionlab.simulation.structures import Atoms, density, diameter_of

Progress = Callable[[int, int], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class SimulatedMicrographs:
    """What was written.

    star         micrographs.star (movies.star), as Import would write it
    images       the micrographs (movies)
    micrographs  truth/micrographs.star: defocus, astigmatism, angle, ice and number of particles of each
    particles    truth/particles.star: coordinates, pose, conformation and defocus of every particle
    maps         the conformations, truth/class001.mrc …
    diameter     of the particle in Å, rounded up to 5
    """

    star: Path
    images: tuple[Path, ...]
    micrographs: Path
    particles: Path
    maps: tuple[Path, ...]
    diameter: float


def simulate_micrographs(
    directory: str | Path,
    molecules: Sequence[Atoms | np.ndarray] | None = None,
    simulation: Exposures | None = None,
    *,
    project: str | Path | None = None,
    workers: int = 0,
    progress: Progress | None = None,
) -> SimulatedMicrographs:
    """Write micrographs of known truth into a directory: Micrographs/mic001.mrc …, in electrons per pixel.

    molecules   conformations: atoms, or maps (n, n, n) at the simulation's pixel size with grey value 1 inside the
                molecule; ``None``: the built-in one
    simulation  ``None``: the set "micrographs", 24 of 2048² px at 1.5 Å
    project     names are written relative to this directory; ``None``: to ``directory``
    workers     micrographs at a time; 0: one per core
    progress    called with (micrographs written, micrographs in all)
    Raises InputError for contradicting numbers, ImageError if a molecule does not fit.
    """
    scene = Setting.of(directory, molecules, simulation or exposures("micrographs"), project=project)
    paths = [scene.directory / "Micrographs" / f"mic{number + 1:03d}.mrc" for number in range(scene.exposures.count)]

    def make(number: int) -> Specimen:
        specimen = scene.draw(number)
        write_image(paths[number], _micrograph(scene, specimen), pixel_size=scene.exposures.pixel_size)
        return specimen

    specimens = in_parallel(make, len(paths), workers=workers, progress=progress)
    return scene.written(paths, specimens, kind="micrographs")


def _micrograph(scene: Setting, specimen: Specimen) -> np.ndarray:
    """Return one exposure of the whole dose, its structure faded as in an average over it."""
    conditions = scene.exposures
    shape = canvas(conditions.shape, 2)
    spectrum = scene.stage.contrast(specimen, 2)
    spectrum *= radial_filter(
        shape, conditions.pixel_size, mean_amplitude(scene.radii, conditions.dose, voltage_kv=conditions.voltage_kv)
    )
    for divisor in spline_divisor(shape):
        spectrum /= divisor
    coefficients = scipy.fft.irfft2(spectrum, s=shape)
    light = scene.stage.light(specimen) * np.float32(conditions.dose * conditions.pixel_size**2)
    grid = np.zeros((*(side // GRID + 2 for side in conditions.shape), 2), np.float32)
    counts = np.zeros(conditions.shape, np.uint16)
    count_frame(coefficients, grid, light, seed=specimen.seed, out=counts)
    return counts.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Setting:
    """What all micrographs or movies of a simulation share."""

    directory: Path
    project: Path
    exposures: Exposures
    stage: Stage
    maps: tuple[Path, ...]
    diameter: float

    @classmethod
    def of(
        cls,
        directory: str | Path,
        molecules: Sequence[Atoms | np.ndarray] | None,
        conditions: Exposures,
        *,
        project: str | Path | None,
        movies: bool = False,
    ) -> Setting:
        """Check the numbers and make the molecules ready."""
        molecules = [d2_assembly()] if molecules is None else list(molecules)
        conditions.check(len(molecules), movies=movies)
        base = Path(directory)
        size = diameter_of(molecules, conditions.pixel_size)
        diameter = conditions.particle_diameter or size
        _check_room(max(size, diameter), conditions)
        maps = _maps(molecules, size, conditions)
        paths = tuple(base / "truth" / f"class{number + 1:03d}.mrc" for number in range(len(maps)))
        for path, map_ in zip(paths, maps, strict=True):
            write_map(path, map_, pixel_size=conditions.pixel_size)
        return cls(
            base, base if project is None else Path(project), conditions, Stage(maps, conditions), paths, diameter
        )

    @property
    def radii(self) -> np.ndarray:
        """Frequencies in 1/Å, from 0 to the corner, at which ``radial_filter`` takes its values."""
        return np.linspace(0, np.sqrt(0.5) / self.exposures.pixel_size, 2048)

    def draw(self, number: int) -> Specimen:
        """Return the specimen of a micrograph (from 0)."""
        return draw_specimen(self.exposures, number, conformations=len(self.maps), diameter=self.diameter)

    def name(self, path: Path) -> str:
        """Return a file's name relative to the project."""
        return path.resolve().relative_to(self.project.resolve()).as_posix()

    def written(self, paths: Sequence[Path], specimens: Sequence[Specimen], *, kind: str) -> SimulatedMicrographs:
        """Write the tables and return what there is."""
        names = [self.name(path) for path in paths]
        star = write_input(self.directory / f"{kind}.star", names, self.exposures, kind=kind)
        truth = write_truth(self.directory / "truth", names, specimens, conditions=self.exposures)
        return SimulatedMicrographs(star, tuple(paths), *truth, self.maps, self.diameter)


def in_parallel(make: Callable[[int], Result], count: int, *, workers: int, progress: Progress | None) -> list[Result]:
    """Return make(0) … make(count - 1), made by threads: transforms and Numba's loops run side by side."""
    with ThreadPoolExecutor(max_workers=workers or usable_cores()) as pool:
        waiting = {pool.submit(make, number): number for number in range(count)}
        try:
            for done, future in enumerate(as_completed(waiting), 1):
                future.result()
                if progress is not None:
                    progress(done, count)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in waiting]


def _check_room(diameter: float, conditions: Exposures) -> None:
    room = min(conditions.size) * conditions.pixel_size
    if diameter >= room:
        raise InputError(
            f"The particle has a diameter of {diameter:.0f} Å, the field of {min(conditions.size)} px only {room:.0f} Å: use a"
            " larger size, larger pixels or a smaller particle_diameter."
        )


def _maps(molecules: Sequence[Atoms | np.ndarray], diameter: float, conditions: Exposures) -> list[np.ndarray]:
    """Return the conformations in boxes of one size, with room for the blur of the atoms."""
    given = [molecule.shape for molecule in molecules if not isinstance(molecule, Atoms)]
    n = (
        given[0][0]
        if given
        else 2 * scipy.fft.next_fast_len(int(0.6 * diameter / conditions.pixel_size) + 4, real=True)
    )
    wrong = [shape for shape in given if shape != (n,) * 3]
    if wrong or n % 2:
        found = "×".join(map(str, (wrong or given)[0]))
        raise InputError(
            f"A map has {found} px; expected cubes of one even size. Bring them to it, and to the simulated pixel size "
            f"of {conditions.pixel_size:g} Å, with simulation.structures.read_molecule."
        )
    return [
        density(molecule, n, conditions.pixel_size, bfactor=conditions.molecule_bfactor)
        if isinstance(molecule, Atoms)
        else molecule.astype(np.float32)
        for molecule in molecules
    ]
