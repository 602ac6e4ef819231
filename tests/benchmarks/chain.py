"""Particles to a sharpened map by our own jobs, in a project: how long each takes, and what came out of it.

    python -m tests.benchmarks chain particles.star --diameter 180 --symmetry D2 [--images FOLDER] [--seeds 1 2 3]
        [--truth molecule.cif.gz] [--other another.cif.gz] [--project DIR]

Import → Class2D → Select, by the class ranker → InitialModel, with the symmetry from the start → Refine3D → MaskCreate (low-pass
15 Å) → PostProcess. Prints the seconds of each job on the clock, where the FSC of the half-maps without a mask falls below 0.5 and
0.143, masked FSC and the part of it that the mask makes (phases randomised) at the resolution that is claimed, the B-factor, and the
correlation of the refined map with each molecule that is given, once it lies on it, in the hand that fits better, within a sphere
around the molecule; beside it the mean Fourier shell correlation of both hands.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.maps import fsc
from relionlab.engine.masks import radius_grid
from relionlab.io.images import read_map
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory, Project
from relionlab.simulation.structures import density, read_atoms
from relionlab.workflows.fitting import fit_onto
from relionlab.workflows.sizes import Sizes
from relionlab.workflows.stages import Clock, Terminal, finished
from relionlab.workflows.tutorial import map_jobs
from relionlab.workflows.tutorial.folder import CLOCK_FILE, open_or_create
from relionlab.workflows.tutorial.maps import sharpening_of, threshold_of
from relionlab.workflows.tutorial.movie_course import count_of
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.particle_jobs import class2d_job, import_job, select_job
from relionlab.workflows.tutorial.particle_plan import ParticlePlan
from relionlab.workflows.tutorial.particle_source import own_particles


@dataclass(frozen=True)
class Made:
    """The last jobs of a chain."""

    selected: JobDirectory
    refined: JobDirectory
    sharpened: JobDirectory


def main() -> int:
    """Run the chain with each seed and print its lines."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for seed in options.seeds:
            project = open_or_create((options.project or Path(temporary)).resolve() / f"seed{seed}")
            clock = Clock.at(project.directory / CLOCK_FILE)
            made = chain(project, clock, options, seed=seed)
            print(f"seed {seed}: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in clock.seconds.items()))
            print(f"seed {seed}: {sum(clock.seconds.values()):.0f} s together; {came_to(made)}")
            for molecule in filter(None, (options.truth, options.other)):
                print(f"seed {seed}: {beside(made, molecule)}", flush=True)
    return 0


def chain(project: Project, clock: Clock, options: argparse.Namespace, *, seed: int) -> Made:
    """Do what is not done yet of one chain."""
    source = options.particles.resolve()
    sizes = Sizes(options.diameter, read_particles(source).pixel_size)
    particles = ParticlePlan(particles=source, classes=options.classes, diameter=sizes.mask, seed=seed)
    plan = MoviePlan(symmetry=options.symmetry, symmetry_at_once=True, seed=seed)
    watcher = Terminal()

    def done(job: Job) -> JobDirectory:
        return finished(project, job, alias="chain", clock=clock, watcher=watcher)

    with contextlib.chdir(options.images or Path.cwd()):  # image names are relative to it
        data = own_particles(particles, project)
    imported = done(import_job(data))
    classified = done(class2d_job(particles, data, imported))
    selected = done(select_job(classified))
    kept = selected.output("particles")
    initial = done(map_jobs.initial_job(plan, sizes, kept, symmetry=options.symmetry))
    refined = done(map_jobs.refine_job(plan, sizes, kept, initial=initial, symmetry=options.symmetry))
    masked = done(map_jobs.mask_job(refined, threshold=threshold_of(refined, sizes)))
    return Made(selected, refined, done(map_jobs.sharpen_job(refined, masked)))


def came_to(made: Made) -> str:
    """Return what a chain came to, of its half-maps and of post-processing."""
    resolution, b_factor = sharpening_of(made.sharpened)
    shells = read_star(made.sharpened.path / "postprocess.star")["fsc"]
    angstrom, curve = (
        shells.numbers(f"rln{name}") for name in ("AngstromResolution", "FourierShellCorrelationUnmaskedMaps")
    )
    half, usual = (angstrom[fsc.resolution_shell(curve, level)] for level in (0.5, fsc.GOLD_STANDARD))
    last = int(np.argmin(np.abs(angstrom - resolution)))
    masked, random = (
        shells.numbers(f"rln{name}")[last]
        for name in (
            "FourierShellCorrelationMaskedMaps",
            "CorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps",
        )
    )
    return (
        f"{count_of(made.selected):,} particles kept; FSC without a mask 0.5 at {half:.2f} Å, 0.143 at {usual:.2f} Å;"
        f" {resolution:.2f} Å, there masked {masked:.3f}, phases randomised {random:.3f}; B {b_factor:.0f} Å²"
    )


def beside(made: Made, molecule: Path) -> str:
    """Return how well the refined map correlates with a molecule, and in which hand."""
    map_, pixel_size = read_map(made.refined.project.directory / made.refined.output("_class001.mrc"))
    atoms = read_atoms(molecule)
    n, pixel_size = map_.shape[-1], pixel_size or 1.0
    truth = density(atoms, n, pixel_size)
    fitted = fit_onto(map_, truth)
    inside = radius_grid(n, 3) < atoms.radius() / pixel_size
    correlation = np.corrcoef(fitted.array[inside], truth[inside])[0, 1]
    hand = "mirrored" if fitted.mirrored else "as it is"
    return (
        f"{molecule.name} {correlation:.3f} ({hand}); mean FSC {fitted.score:.3f}, of the other hand {fitted.other:.3f}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks chain",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("particles", type=Path)
    parser.add_argument("--diameter", type=float, required=True, help="longest side of the particle, Å")
    parser.add_argument("--symmetry", default="C1")
    parser.add_argument("--images", type=Path, help="folder to which the names of the images are relative")
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--truth", type=Path, help="PDB or mmCIF file of the molecule")
    parser.add_argument("--other", type=Path, help="of another one, which must fit worse")
    parser.add_argument("--project", type=Path, help="keep the projects here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
