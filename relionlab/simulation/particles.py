"""Particle stacks with known truth: poses, conformations, CTF, ice, shot noise, junk and neighbours.

An image is CTF × (projection of a conformation at a random pose + neighbour + structure of the ice) + shot noise,
made in a box 1.5 times as large and cut out, so that what the CTF spreads beyond the box is lost as in real
extraction. Images come out white on black with a background of mean 0 and deviation 1, as Extract writes them.

    simulate_particles("Simulated", [d2_assembly("full"), d2_assembly("missing_subunit")],
                       Simulation(count=2000, fractions=(0.6, 0.4), seed=3))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.errors import InputError
from relionlab.io.image_names import format_image_name
from relionlab.io.images import StackWriter, write_map
from relionlab.io.particles import Particles, write_particles
from relionlab.io.table import Table
from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.conditions import Simulation
from relionlab.simulation.scenes import Scenes
from relionlab.simulation.structures import Atoms, density, diameter_of
from relionlab.simulation.truth import TRUTH_LABELS, draw_truth


@dataclass(frozen=True)
class Simulated:
    """What was written.

    particles  particles.star, as Extract would write it
    truth      truth.star: the same rows with poses, origins, classes (junk is the last class), random subset
    stacks     the image stacks
    maps       the conformations, truth_class001.mrc …
    diameter   of the particle in Å, rounded up to 5: a good mask diameter for classification
    """

    particles: Path
    truth: Path
    stacks: tuple[Path, ...]
    maps: tuple[Path, ...]
    diameter: float


def simulate_particles(
    directory: str | Path,
    molecules: Sequence[Atoms | np.ndarray] | None = None,
    simulation: Simulation = Simulation(),  # noqa: B008 - frozen
    *,
    project: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Write particles of known truth into a directory; see :class:`Simulation` for what they are.

    molecules  conformations: atoms, or maps (box, box, box) at the simulation's pixel size; ``None``: the built-in one
    project    image names are written relative to this directory; ``None``: to ``directory``
    progress   called with (particles written, particles in all)
    Raises InputError for contradicting numbers, ImageError if a molecule does not fit into the box.
    """
    directory = Path(directory)
    molecules = [d2_assembly()] if molecules is None else list(molecules)
    simulation.check(len(molecules))
    maps = [_map(molecule, simulation) for molecule in molecules]
    diameter = simulation.particle_diameter or diameter_of(molecules, simulation.pixel_size)
    _check_room(diameter, simulation)
    directory.mkdir(parents=True, exist_ok=True)

    truth = draw_truth(simulation, len(maps), diameter)
    stacks = _write_stacks(directory, Scenes(maps, truth, simulation, diameter), simulation, progress)
    written = _write_maps(directory, maps, simulation)
    base = directory if project is None else Path(project)
    names = _image_names(simulation, [stack.resolve().relative_to(base.resolve()).as_posix() for stack in stacks])
    stars = _write_stars(directory, truth.with_columns(rlnImageName=names), simulation)
    return Simulated(*stars, tuple(stacks), tuple(written), diameter)


def _map(molecule: Atoms | np.ndarray, simulation: Simulation) -> np.ndarray:
    if isinstance(molecule, Atoms):
        return density(molecule, simulation.box, simulation.pixel_size, bfactor=simulation.molecule_bfactor)
    if molecule.shape != (simulation.box,) * 3:
        raise InputError(
            f"A map has {'×'.join(map(str, molecule.shape))} px, the simulated box {simulation.box}: "
            "bring it to the box and pixel size with simulation.structures.read_molecule."
        )
    return molecule.astype(np.float32)


def _check_room(diameter: float, simulation: Simulation) -> None:
    room = simulation.box * simulation.pixel_size
    if diameter > room:
        raise InputError(
            f"The particle has a diameter of {diameter:.0f} Å, the box of {simulation.box} px only {room:.0f} Å: "
            f"use at least {2 * int(np.ceil(diameter / simulation.pixel_size / 2)) + 2} px, or larger pixels."
        )


def _write_stacks(
    directory: Path, scenes: Scenes, simulation: Simulation, progress: Callable[[int, int], None] | None
) -> list[Path]:
    """Write the images, batch after batch; a stack is one micrograph's, or all."""
    size = simulation.particles_per_micrograph if simulation.stack_per_micrograph else simulation.count
    stacks = []
    for start in range(0, simulation.count, size):
        stop = min(start + size, simulation.count)
        name = f"mic{start // size + 1:03d}.mrcs" if simulation.stack_per_micrograph else "particles.mrcs"
        stacks.append(directory / name)
        with StackWriter(
            stacks[-1],
            stop - start,
            simulation.box,
            simulation.pixel_size,
            half_precision=simulation.half_precision,
        ) as writer:
            for first in range(start, stop, scenes.batch):
                batch = np.arange(first, min(first + scenes.batch, stop))
                writer.append(scenes.images(batch))
                if progress is not None:
                    progress(int(batch[-1]) + 1, simulation.count)
    return stacks


def _image_names(simulation: Simulation, stacks: list[str]) -> list[str]:
    size = simulation.particles_per_micrograph if simulation.stack_per_micrograph else simulation.count
    return [format_image_name(i % size, stacks[i // size]) for i in range(simulation.count)]


def _write_maps(directory: Path, maps: list[np.ndarray], simulation: Simulation) -> list[Path]:
    paths = [directory / f"truth_class{number + 1:03d}.mrc" for number in range(len(maps))]
    for path, map_ in zip(paths, maps, strict=True):
        write_map(path, map_, pixel_size=simulation.pixel_size)
    return paths


def _write_stars(directory: Path, truth: Table, simulation: Simulation) -> tuple[Path, Path]:
    optics = Table(
        {
            "rlnOpticsGroupName": ["opticsGroup1"],
            "rlnOpticsGroup": [1],
            "rlnMicrographOriginalPixelSize": [simulation.pixel_size],
            "rlnVoltage": [simulation.voltage_kv],
            "rlnSphericalAberration": [simulation.spherical_aberration_mm],
            "rlnAmplitudeContrast": [simulation.amplitude_contrast],
            "rlnImagePixelSize": [simulation.pixel_size],
            "rlnImageSize": [simulation.box],
            "rlnImageDimensionality": [2],
        },
        name="optics",
    )
    paths = directory / "particles.star", directory / "truth.star"
    hidden = [label for label in TRUTH_LABELS if label in truth]
    for path, table in zip(paths, (truth.without(*hidden), truth), strict=True):
        write_particles(path, Particles(optics, table.renamed("particles")))
    return paths
