"""Tiny classifications: runs of seconds on simulated particles of 32 px."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.engine.fourier import radial_average, rfft2_centred
from relionlab.io.images import read_stack
from relionlab.io.particles import Particles, read_particles
from relionlab.io.star import read_star
from relionlab.jobs.context import PlainContext
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.program import Refine
from relionlab.settings import settings
from relionlab.simulation import Simulation, d2_assembly, simulate_particles

COUNT, BOX, PIXEL_SIZE, DIAMETER = 150, 32, 8.0, 215.0
STAR, STACK = "data/particles.star", "data/particles.mrcs"
SAMPLING = ("--psi_step", "24", "--offset_range", "3", "--offset_step", "2")
MODEL = ("--K", "3", "--iter", "2", "--tau2_fudge", "2", "--particle_diameter", f"{DIAMETER:g}", "--random_seed", "1")
USUAL = ("--ctf", "--zero_mask", "--flatten_solvent", "--norm", "--scale")


def simulate(directory: Path, **conditions: Any) -> None:
    """Write data/particles.star with its stack and its truth below a directory."""
    usual = {"count": COUNT, "box": BOX, "pixel_size": PIXEL_SIZE, "snr": 1.0, "particles_per_micrograph": COUNT // 2}
    simulation = Simulation(**{**usual, **conditions})
    molecules = [d2_assembly(), d2_assembly("missing_subunit")]
    simulate_particles(directory / "data", molecules, simulation, project=directory)


def arguments(*more: str, root: str = "Class2D/a/run", star: str = STAR, without: tuple[str, ...] = ()) -> list[str]:
    """Return the arguments of an ordinary small run; what is given later counts."""
    usual = [flag for flag in USUAL if flag not in without]
    return ["--o", root, "--i", star, *usual, *SAMPLING, *MODEL, *more]


def usual_form(iterations: int = 2) -> Class2D:
    """Return the job that makes such a run."""
    return Class2D(
        fn_img=STAR,
        nr_classes=3,
        nr_iter=iterations,
        particle_diameter=DIAMETER,
        psi_sampling=12.0,
        offset_range=3.0,
        offset_step=1.0,
        other_args="--random_seed 1",
    )


class Quiet(PlainContext):
    """A context that keeps what it is told."""

    def __init__(self, directory: Path, **changes: object) -> None:
        super().__init__(directory, settings(**{"executor": "inline", "workers": 1, **changes}), quiet=True)
        self.warnings: list[str] = []
        self.said: list[str] = []

    def warn(self, text: str) -> None:
        """Keep a warning."""
        self.warnings.append(text)

    def say(self, text: str) -> None:
        """Keep a line of the log."""
        self.said.append(text)


def refine(directory: Path, flags: list[str], **changes: object) -> Quiet:
    """Run the program in this process; the context tells what it said."""
    context = Quiet(directory, **changes)
    Refine.from_flags(flags).run(context)
    return context


def started(directory: Path, *command: str) -> subprocess.Popen[bytes]:
    """Start ``relionlab`` in a process of its own."""
    package = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": package, "RELIONLAB_EXECUTOR": "inline"}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "relionlab", *command],
        cwd=directory,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@dataclass(frozen=True)
class Result:
    """What an iteration left."""

    stem: Path

    @property
    def particles(self) -> Particles:
        """The particles with their poses."""
        return read_particles(f"{self.stem}_data.star")

    @property
    def classes(self) -> np.ndarray:
        """The class averages."""
        return read_stack(f"{self.stem}_classes.mrcs")

    def column(self, label: str) -> np.ndarray:
        """One column of the particles."""
        return self.particles.column(label)

    def table(self, file: str, name: str):
        """One table of its model, optimiser or sampling file."""
        return read_star(f"{self.stem}_{file}.star")[name]

    def same_as(self, other: Result) -> bool:
        """Whether particles and averages are the same to the last bit."""
        mine, its = self.particles.particles, other.particles.particles
        return np.array_equal(self.classes, other.classes) and all(
            np.array_equal(mine[label], its[label]) for label in its.labels
        )


def result(directory: Path, iteration: int, root: str = "Class2D/a/run") -> Result:
    """Return what an iteration left."""
    return Result(directory / f"{root}_it{iteration:03d}")


FINISHED = 4
"""Iterations of the ordinary run that the fixture ``there`` has."""


def run(*more: str, iterations: int = FINISHED, without: tuple[str, ...] = (), star: str = STAR) -> Result:
    """Run again with further flags, in a directory of its own: Class2D/b1, Class2D/b2 …"""
    root = f"Class2D/b{len(list(Path().glob('Class2D/b*'))) + 1}/run"
    refine(Path.cwd(), arguments("--iter", str(iterations), *more, root=root, without=without, star=star))
    return result(Path.cwd(), iterations, root)


def usual_result(iteration: int = FINISHED) -> Result:
    """Return what an iteration of the ordinary run left."""
    return result(Path.cwd(), iteration)


def spectrum(images: np.ndarray) -> np.ndarray:
    """Mean power of each image per shell."""
    return radial_average(np.abs(rfft2_centred(images)) ** 2, images.shape[-1])


def turned(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs((first - second + 180) % 360 - 180)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
