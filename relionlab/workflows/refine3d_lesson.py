"""What the notebook on maps starts from: a project with particles in it, and a job for each step to fill its form with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.display.picture import Picture
from relionlab.display.truth_fsc import pose_errors, truth_fsc
from relionlab.io.particles import read_particles
from relionlab.jobs.maps.localres_job import LocalRes
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.refinement.initial_model import InitialModel
from relionlab.jobs.refinement.refine3d import Refine3D
from relionlab.project import JobDirectory, Project
from relionlab.simulation.scores.classes import matched_rows
from relionlab.simulation.scores.maps import compare_map, compare_poses
from relionlab.workflows.lesson import opened, summary
from relionlab.workflows.sizes import Sizes
from relionlab.workflows.stages import Watcher
from relionlab.workflows.tutorial import map_jobs as jobs
from relionlab.workflows.tutorial.maps import half_map_curve, sharpening_of, threshold_of
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.particle_data import ParticleData
from relionlab.workflows.tutorial.particle_plan import ParticlePlan

_UNKNOWN = "Nobody knows the truth of your own particles: compare with a known structure, or with another data set."


@dataclass(frozen=True)
class MapLesson:
    """A project that is ready for its first map; each method returns a job to begin with.

    project    where the jobs lie
    imported   the Import job that brought the particles in
    symmetry   of the particle, as RELION writes it
    data       what is known about the particles
    """

    project: Project
    imported: JobDirectory
    symmetry: str
    data: ParticleData
    plan: MoviePlan

    def __repr__(self) -> str:
        return summary(self.project, self.imported, self.data)

    @property
    def truth(self) -> Path | None:
        """The map of the whole simulated molecule; ``None`` where none is known."""
        if self.data.truth is None:
            return None
        return (self.project.directory / self.data.truth).with_name("truth_class001.mrc")

    def initial_model(self) -> InitialModel:
        """Return the job that makes a map from nothing but particles."""
        return jobs.initial_job(self.plan, self._sizes, self._particles, symmetry=self.symmetry)

    def refinement(self, initial: JobDirectory) -> Refine3D:
        """Return the job that refines an initial model."""
        return jobs.refine_job(self.plan, self._sizes, self._particles, initial=initial, symmetry=self.symmetry)

    def mask(self, refined: JobDirectory) -> MaskCreate:
        """Return the job that masks a refined map; the mask begins where noise ends."""
        return jobs.mask_job(refined, threshold=threshold_of(refined, self._sizes))

    def sharpening(self, refined: JobDirectory, masked: JobDirectory) -> PostProcess:
        """Return the job that finds the resolution within a mask, and sharpens."""
        return jobs.sharpen_job(refined, masked)

    def local_resolution(self, refined: JobDirectory, masked: JobDirectory, sharpened: JobDirectory) -> LocalRes:
        """Return the job that finds the resolution at every place."""
        return jobs.local_job(refined, masked, b_factor=sharpening_of(sharpened)[1])

    def against_truth(self, initial: JobDirectory, refined: JobDirectory, sharpened: JobDirectory) -> Picture | str:
        """Return how the initial and the refined map correlate with the true molecule, and what the half-maps had promised; of
        your own particles, whose molecule is not known, a sentence.
        """
        if self.truth is None:
            return _UNKNOWN
        maps = {
            "initial model": initial.output("initial_model.mrc"),
            "refined": refined.output("_class001.mrc"),
        }
        found = {name: compare_map(self.project.directory / path, self.truth) for name, path in maps.items()}
        curves = {name: (one.frequency, one.correlation) for name, one in found.items()}
        return truth_fsc(curves, halves=half_map_curve(sharpened))

    def poses_against_truth(self, refined: JobDirectory) -> Picture | str:
        """Return how far the refined poses are from those in which the particles were simulated, images without a particle left
        out; of your own particles a sentence.
        """
        if self.truth is None or self.data.truth is None:
            return _UNKNOWN
        directory = self.project.directory
        placed = compare_map(directory / refined.output("_class001.mrc"), self.truth).placed
        found = read_particles(directory / refined.output("_data"), directory=directory).particles
        known = read_particles(directory / self.data.truth, directory=directory).particles
        rows, true_rows = matched_rows(found, known, self.data.truth)
        real = np.asarray(known["rlnClassNumber"])[true_rows] != self.data.junk
        poses = compare_poses(found.rows(rows[real]), known.rows(true_rows[real]), placed, symmetry=self.data.symmetry)
        return pose_errors(poses.angles, random=poses.random)

    @property
    def _particles(self) -> str:
        return self.imported.output("particles")

    @property
    def _sizes(self) -> Sizes:
        directory = self.project.directory
        size = read_particles(directory / self._particles, directory=directory).pixel_size
        return Sizes(self.data.diameter, size)


def refine3d_lesson(
    directory: str | Path = "refine3d_lesson",
    *,
    particles: str | Path | None = None,
    count: int = 2000,
    diameter: float | None = None,
    symmetry: str | None = None,
    iterations: int | None = None,
    watcher: Watcher | None = None,
) -> MapLesson:
    """Open the lesson's project, or make it: simulate particles, or take the user's own, and import them.

    directory   of the project; called again, the same project is opened and nothing is done twice
    particles   your own particles.star; ``None``: simulated ones
    count       particles to simulate
    diameter    of the particle, Å; known for simulated ones
    symmetry    of the particle; ``None``: D2 of simulated ones, C1 of your own
    iterations  of the initial model, and the most of the refinement; ``None``: 100, and till it has converged
    """
    own = None if particles is None else Path(particles)
    plan = ParticlePlan(Path(directory), particles=own, count=count, diameter=diameter)
    project, imported, data = opened(plan, watcher)
    group = symmetry or data.symmetry
    return MapLesson(project, imported, group, data, MoviePlan(iterations3d=iterations, symmetry_at_once=True))
