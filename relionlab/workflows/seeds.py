"""Consensus, then random seeds: classes that do not come from the reference, and how well they come back.

A reference that shows one state draws all classes to it, and K classes from random seeds alone differ in view as much as in
structure. So all particles are first refined against one map, the consensus; then K classes begin from it, filtered to
``ini_high``, and part by what different random particles make of them. Done from several seeds, classes that come back from
each are in the data; those that do not are chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from relionlab.engine.class_agreement import adjusted_rand_index
from relionlab.errors import ParameterError, RunError
from relionlab.io.particles import read_particles
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.project import JobDirectory, Project

_REAL, _DOUBTFUL = 0.8, 0.4  # adjusted Rand index between seeds


@dataclass(frozen=True, eq=False)
class SeededRun:
    """The classes that one seed led to.

    job             the Class3D job
    particles       its last data.star, relative to the project
    classes         (N,) class numbers from 1, of the particles in the order of the list
    log_likelihood  of all particles
    """

    seed: int
    job: JobDirectory
    particles: str
    classes: np.ndarray
    log_likelihood: float


@dataclass(frozen=True, eq=False)
class SeededClasses:
    """Classifications from several seeds.

    consensus  the map that all began with, relative to the project
    agreement  (seeds, seeds) adjusted Rand index between them
    """

    consensus: str
    runs: tuple[SeededRun, ...]
    agreement: np.ndarray

    @property
    def best(self) -> SeededRun:
        """The most likely one."""
        return max(self.runs, key=lambda run: run.log_likelihood)

    def summary(self) -> str:
        """Return what the seeds tell, in words."""
        said = f"The most likely classes are those of {self.best.job.name} (seed {self.best.seed})."
        if len(self.runs) < 2:
            return f"{said} One seed does not tell whether they would come back."
        mean = float(self.agreement[np.triu_indices(len(self.runs), 1)].mean())
        meaning = (
            "the classes come back from every seed: they are in the data"
            if mean >= _REAL
            else "some particles change sides with the seed: trust the classes, not every particle's"
            if mean >= _DOUBTFUL
            else "each seed finds other classes: take fewer, more particles, a mask around what varies, or a coarser limit"
        )
        return f"{said} Agreement between seeds {mean:.2f} (1: the same, 0: chance): {meaning}."


def classes_from_consensus(
    project: Project,
    job: Class3D,
    *,
    seeds: Sequence[int] = (1, 2, 3),
    say: Callable[[str], None] = print,
) -> SeededClasses:
    """Make the consensus, classify from each seed, and compare.

    job    the classification that is wanted, its ``fn_ref`` what the consensus begins with. With
           ``dont_skip_align=False`` the particles keep their poses in all runs
    Raises ParameterError for a job of one class or seeds given twice, RunError if a run fails.
    """
    if job.nr_classes < 2:
        raise ParameterError(f"Number of classes (--K) is {job.nr_classes}; expected at least 2 to part a consensus.")
    if not seeds or len(set(seeds)) != len(seeds):
        raise ParameterError(f"The seeds are {list(seeds)}; expected at least one, each once, as 1, 2, 3.")
    consensus = _ran(project, job.changed(nr_classes=1), seed=seeds[0]).output("_class001.mrc")
    say(f"Consensus: {consensus}")
    # it was made of these very particles: its grey scale is theirs
    parting = job.changed(fn_ref=consensus, ref_correct_greyscale=True)
    runs = []
    for seed in seeds:
        runs.append(_read(project, _ran(project, parting, seed=seed), seed))
        shares = np.bincount(runs[-1].classes, minlength=job.nr_classes + 1)[1:] / len(runs[-1].classes)
        shown = ", ".join(f"{100 * share:.1f}" for share in np.sort(shares)[::-1])
        say(f"Seed {seed}: {runs[-1].job.name}, classes of {shown} %")
    agreement = np.array([[adjusted_rand_index(a.classes, b.classes) for b in runs] for a in runs])
    found = SeededClasses(consensus, tuple(runs), agreement)
    say(found.summary())
    return found


def main(arguments: Sequence[str]) -> int:
    """Run the recipe in the project of this folder: ``relionlab seeds``."""
    parser = argparse.ArgumentParser(
        prog="relionlab seeds",
        description="Classify in 3D from a consensus and several random seeds: one Class3D job of one class, then one of --K"
        " classes for each seed, and how far they agree.",
    )
    default = Class3D()
    parser.add_argument("--i", required=True, help="particles, as Select/job008/particles.star")
    parser.add_argument("--ref", required=True, help="map to begin with, as an initial model")
    parser.add_argument("--K", type=int, default=3, help="classes (%(default)s)")
    parser.add_argument("--seeds", default="1,2,3", help="with commas between them (%(default)s)")
    parser.add_argument("--iter", type=int, default=default.nr_iter, help="iterations of each run (%(default)s)")
    parser.add_argument("--sym", default="C1", help="point group (%(default)s)")
    parser.add_argument("--particle_diameter", type=float, default=default.particle_diameter, help="in Å (%(default)s)")
    parser.add_argument(
        "--ini_high", type=float, default=default.ini_high, help="filter of the maps in Å (%(default)s)"
    )
    parser.add_argument("--tau2_fudge", type=float, default=default.tau_fudge, help="T (%(default)s)")
    parser.add_argument("--sampling", default=default.sampling, help="angular step (%(default)s)")
    parser.add_argument("--solvent_mask", default="", help="mask around what varies, for focused classes")
    parser.add_argument("--skip_align", action="store_true", help="keep the poses that the particles have")
    parser.add_argument("--j", type=int, default=default.nr_threads, help="threads (%(default)s)")
    given = parser.parse_args(list(arguments))
    job = Class3D(
        fn_img=given.i,
        fn_ref=given.ref,
        fn_mask=given.solvent_mask,
        nr_classes=given.K,
        nr_iter=given.iter,
        sym_name=given.sym,
        particle_diameter=given.particle_diameter,
        ini_high=given.ini_high,
        tau_fudge=given.tau2_fudge,
        sampling=given.sampling,
        dont_skip_align=not given.skip_align,
        nr_threads=given.j,
    )
    print(classes_from_consensus(Project.open(), job, seeds=_numbers(given.seeds)).best.particles)
    return 0


def _ran(project: Project, job: Class3D, *, seed: int) -> JobDirectory:
    asked = job.changed(other_args=f"{job.other_args} --random_seed {seed}".strip())
    asked.check()
    directory = project.run(asked, wait=True)
    if directory.state != "finished":
        raise RunError(f"seed {seed}: {directory.name} {directory.state}: {directory.message} See its run.err.")
    return directory


def _read(project: Project, job: JobDirectory, seed: int) -> SeededRun:
    name = job.output("_data.star")
    table = read_particles(project.directory / name, directory=project.directory)
    total = float(np.sum(np.asarray(table.column("rlnLogLikeliContribution"), float)))
    return SeededRun(seed, job, name, np.asarray(table.column("rlnClassNumber"), int), total)


def _numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise ParameterError(
            f"seeds: --seeds is {text!r}; expected whole numbers with commas between them, as 1,2,3."
        ) from None
