"""What the notebook on 2D classification starts from: a project with particles in it, and a job to fill the form with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relionlab.jobs.refinement.class2d import Class2D
from relionlab.project import JobDirectory, Project
from relionlab.workflows.lesson import opened, summary
from relionlab.workflows.stages import Watcher
from relionlab.workflows.tutorial.particle_data import ParticleData
from relionlab.workflows.tutorial.particle_jobs import class2d_job
from relionlab.workflows.tutorial.particle_plan import ParticlePlan


@dataclass(frozen=True)
class Lesson:
    """A project that is ready for its first classification.

    project    where the jobs lie
    imported   the Import job that brought the particles in
    particles  their STAR file, an absolute path
    job        a 2D classification that suits them, to begin with
    data       what is known about the particles
    """

    project: Project
    imported: JobDirectory
    particles: Path
    job: Class2D
    data: ParticleData

    def __repr__(self) -> str:
        return summary(self.project, self.imported, self.data)


def class2d_lesson(
    directory: str | Path = "class2d_lesson",
    *,
    particles: str | Path | None = None,
    count: int = 2000,
    classes: int = 12,
    iterations: int = 15,
    diameter: float | None = None,
    watcher: Watcher | None = None,
) -> Lesson:
    """Open the lesson's project, or make it: simulate particles, or take the user's own, and import them.

    directory  of the project; called again, the same project is opened and nothing is done twice
    particles  your own particles.star; ``None``: simulated ones
    count      particles to simulate
    classes, iterations, diameter (Å)  what the form begins with; the diameter is known for simulated particles
    """
    own = None if particles is None else Path(particles)
    plan = ParticlePlan(
        Path(directory), particles=own, count=count, classes=classes, iterations=iterations, diameter=diameter
    )
    project, imported, data = opened(plan, watcher)
    star = project.directory / imported.outputs[0].path
    return Lesson(project, imported, star, class2d_job(plan, data, imported), data)
