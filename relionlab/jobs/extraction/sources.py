"""What is cut out of each micrograph: picked coordinates, or the particles of an earlier refinement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.extraction import recentred
from relionlab.engine.rotations import matrix_from_euler
from relionlab.errors import InputError, StarError
from relionlab.io.coordinate_files import CoordinateFiles
from relionlab.io.coordinates import FOM, X, Y, read_coordinates
from relionlab.io.job_names import without_job
from relionlab.io.particles import Particles
from relionlab.io.table import Table

ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst")
_ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
_CTF = ("rlnDefocusU", "rlnDefocusV", "rlnDefocusAngle")
_FROM_MICROGRAPH = ("rlnCtfMaxResolution", "rlnCtfFigureOfMerit", *_CTF)
_NEUTRAL = {"rlnCtfBfactor": 0.0, "rlnCtfScalefactor": 1.0, "rlnPhaseShift": 0.0}


@dataclass(frozen=True)
class PickedCoordinates:
    """Coordinates that a picker left for each micrograph.

    directory    the project
    micrographs  the list
    files        where each micrograph's coordinates are
    least_fom    picks below this figure of merit are left out; None: none is
    scales       (micrographs,) factor from the coordinates' pixels to the micrograph's
    bias         x and y in px, added to all
    """

    directory: Path
    micrographs: Particles
    files: CoordinateFiles
    least_fom: float | None
    scales: np.ndarray
    bias: tuple[int, int]

    def begun(self) -> list[int]:
        """Return the micrographs that have a coordinate file; who picks by hand need not go through all."""
        names = self.micrographs.particles["rlnMicrographName"].tolist()
        files = [self.files.path_of(str(name), project=self.directory) for name in names]
        return [index for index, file in enumerate(files) if file is not None and (self.directory / file).is_file()]

    def rows(self, index: int) -> Table:
        """Return one micrograph's particles as they will be written, still without images and CTF.

        Raises InputError if there is no coordinate file, StarError or InputError if it cannot be read.
        """
        name = str(self.micrographs.particles["rlnMicrographName"][index])
        file = self.files.path_of(name, project=self.directory)
        if file is None:
            raise InputError(
                f"no coordinates: {self.files.source} names no file for it. Pick it, or leave it out of the list."
            )
        if not (self.directory / file).is_file():
            raise InputError(f"no coordinates: {file} does not exist. Pick it, or check where the coordinates are.")
        table = read_coordinates(self.directory / file)
        if self.least_fom is not None:
            if FOM not in table:
                raise StarError(f"{file} has no column {FOM}, by which picks shall be chosen: leave the limit out.")
            table = table.rows(table[FOM] >= self.least_fom)
        scale = float(self.scales[index])
        return table.with_columns({X: table[X] * scale + self.bias[0], Y: table[Y] * scale + self.bias[1]})

    def finished_rows(self, rows: Table, index: int) -> Table:
        """Return the rows with their optics group and the micrograph's CTF."""
        group = self.micrographs.particles["rlnOpticsGroup"][index]
        return with_ctf(rows.with_columns(rlnOpticsGroup=[group] * len(rows)), self.micrographs.particles, index)

    def optics(self, pixel_sizes: np.ndarray) -> Table:
        """Return the micrographs' optics groups; ``pixel_sizes`` of the particles, one per group, in Å."""
        return _particle_optics(self.micrographs, self.micrographs.optics, pixel_sizes)


@dataclass(frozen=True)
class Reextraction:
    """Particles of a refinement, to be cut out again.

    particles      all of them
    micrographs    the list
    of_micrograph  number of the micrograph -> rows of its particles
    scales         (micrographs,) factor from the coordinates' pixels to the micrograph's
    recenter       move the boxes to the refined origins
    reset          set the origins to 0
    point          (3,) x, y, z of the reference to centre on, in Å
    own_ctf        keep each particle's CTF; otherwise the micrograph's is taken
    whole          forget the fractions of the coordinates, which were not used when the boxes were cut
    """

    particles: Particles
    micrographs: Particles
    of_micrograph: dict[int, np.ndarray]
    scales: np.ndarray
    recenter: bool = False
    reset: bool = False
    point: tuple[float, float, float] = (0.0, 0.0, 0.0)
    own_ctf: bool = True
    whole: bool = False

    def begun(self) -> list[int]:
        """Return the micrographs that have particles: all that are here."""
        return list(range(len(self.micrographs)))

    def rows(self, index: int) -> Table:
        """Return one micrograph's particles as they will be written, with new coordinates and origins."""
        chosen = self.of_micrograph.get(index, np.zeros(0, np.int64))
        table = self.particles.particles.rows(chosen)
        centres = np.stack([table[X], table[Y]], axis=1)
        if self.whole:
            centres = np.trunc(centres)
        centres = centres * float(self.scales[index])
        changes: dict[str, np.ndarray] = {}
        if self.reset:
            changes = {label: np.zeros(len(table)) for label in ORIGINS}
        elif self.recenter:
            pixel_size = float(self.micrographs.row_pixel_sizes[index])
            origins = np.stack([table.numbers(label, 0.0) for label in ORIGINS], axis=1) / pixel_size
            centres, left = recentred(
                centres,
                origins,
                rotations=matrix_from_euler(*(table.numbers(label, 0.0) for label in _ANGLES)),
                point_px=np.array(self.point) / pixel_size,
            )
            changes = {label: left[:, axis] * pixel_size for axis, label in enumerate(ORIGINS)}
        name = self.micrographs.particles["rlnMicrographName"][index]
        return table.with_columns(
            {X: centres[:, 0], Y: centres[:, 1], **changes, "rlnMicrographName": [name] * len(table)}
        )

    def finished_rows(self, rows: Table, index: int) -> Table:
        """Return the rows, with the micrograph's CTF if that is wanted."""
        return rows if self.own_ctf else with_ctf(rows, self.micrographs.particles, index)

    def optics(self, pixel_sizes: np.ndarray) -> Table:
        """Return the particles' optics groups, which may hold refined aberrations, with their new pixel size.

        pixel_sizes  of the particles cut from each of the micrographs' groups, in Å
        Raises StarError if one group's particles come from micrographs of different pixel sizes.
        """
        found: dict[int, set[float]] = {}
        groups = self.particles.particles["rlnOpticsGroup"]
        for index, rows in self.of_micrograph.items():
            size = float(pixel_sizes[self.micrographs.group_rows[index]])
            for group in np.unique(groups[rows]).tolist():
                found.setdefault(group, set()).add(size)
        sizes = []
        for group, name in zip(
            self.particles.optics["rlnOpticsGroup"].tolist(), _names(self.particles.optics), strict=True
        ):
            own = found.get(group, {float(pixel_sizes[0])})
            if len(own) > 1:
                raise StarError(
                    f"particles of optics group {name} lie on micrographs of different pixel sizes, which gives"
                    f" {', '.join(f'{size:g}' for size in sorted(own))} Å: assign the groups anew, one per pixel size."
                )
            sizes.append(own.pop())
        return _particle_optics(self.particles, self.particles.optics, np.array(sizes))


Source = PickedCoordinates | Reextraction


def match_micrographs(
    particles: Particles, micrographs: Particles, warn: Callable[[str], None]
) -> dict[int, np.ndarray]:
    """Return number of the micrograph -> rows of its particles.

    Names are compared whole, and then below the job, so that micrographs that were corrected anew are found. Particles
    of micrographs that are not in the list are warned of and left out; StarError if none is left.
    """
    if "rlnMicrographName" not in particles.particles:
        raise StarError(
            f"{particles.particles.source} has no column rlnMicrographName: the particles' micrographs are unknown."
        )
    for label in (X, Y):
        if label not in particles.particles:
            raise StarError(
                f"{particles.particles.source} has no column {label}, so nobody knows where the particles are."
            )
    names = micrographs.particles["rlnMicrographName"].tolist()
    whole = {name: number for number, name in reversed(list(enumerate(names)))}
    below = {without_job(name): number for number, name in reversed(list(enumerate(names)))}
    numbers = np.array(
        [
            whole.get(name, below.get(without_job(name), -1))
            for name in particles.particles["rlnMicrographName"].tolist()
        ],
        dtype=np.int64,
    )
    lost = numbers < 0
    if lost.all():
        first = particles.particles["rlnMicrographName"][0] if len(particles) else "none"
        raise StarError(
            f"none of the particles' micrographs (the first: {first}) is in {micrographs.particles.source or 'the list'}:"
            " give the list that the particles were extracted from, or that of the same movies corrected anew."
        )
    if lost.any():
        missing = sorted(set(particles.particles["rlnMicrographName"][lost].tolist()))
        warn(
            f"Warning: {int(lost.sum())} particles are left out, because their micrographs are not in the list:"
            f" {', '.join(missing[:5])}{' …' if len(missing) > 5 else ''}"
        )
    return {number: np.flatnonzero(numbers == number) for number in np.unique(numbers[~lost]).tolist()}


def with_ctf(rows: Table, micrographs: Table, index: int) -> Table:
    """Return particles with the CTF of their micrograph, in RELION's columns; unchanged if it has none."""
    count = len(rows)
    found = {label: micrographs[label][index] for label in _FROM_MICROGRAPH if label in micrographs}
    if "rlnDefocusU" not in micrographs:
        return rows
    for label, neutral in _NEUTRAL.items():
        found[label] = micrographs[label][index] if label in micrographs else neutral
    return rows.with_columns({label: np.full(count, value) for label, value in found.items()})


def _particle_optics(rows: Particles, optics: Table, pixel_sizes: np.ndarray) -> Table:
    if "rlnMicrographOriginalPixelSize" not in optics and rows.kind == "micrographs":
        optics = optics.with_columns(rlnMicrographOriginalPixelSize=rows.pixel_sizes)
    return optics.without("rlnMicrographPixelSize").with_columns(rlnImagePixelSize=pixel_sizes)


def _names(optics: Table) -> list[str]:
    return [str(name) for name in optics.get("rlnOpticsGroupName", optics["rlnOpticsGroup"])]
