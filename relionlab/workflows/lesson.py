"""What the lessons' notebooks have in common: a project with the particles in it."""

from __future__ import annotations

import textwrap

from relionlab.project import JobDirectory, Project
from relionlab.workflows.stages import Clock, Terminal, Watcher, finished
from relionlab.workflows.tutorial.folder import ALIAS, CLOCK_FILE, open_or_create
from relionlab.workflows.tutorial.particle_data import ParticleData
from relionlab.workflows.tutorial.particle_jobs import import_job
from relionlab.workflows.tutorial.particle_plan import ParticlePlan
from relionlab.workflows.tutorial.particle_source import particles_for

_WIDTH = 90
"""Letters in a line below a cell."""


def opened(plan: ParticlePlan, watcher: Watcher | None = None) -> tuple[Project, JobDirectory, ParticleData]:
    """Return a lesson's project, the job that imported its particles, and what is known about these.

    What is there already is not done again.
    """
    plan.check()
    project = open_or_create(plan.directory)
    clock, watcher = Clock.at(project.directory / CLOCK_FILE), watcher or Terminal()
    data = particles_for(plan, project, clock=clock, watcher=watcher)
    return project, finished(project, import_job(data), alias=ALIAS, clock=clock, watcher=watcher), data


def summary(project: Project, imported: JobDirectory, data: ParticleData) -> str:
    """Return what a lesson begins with, in lines that a notebook does not break within words."""
    told = textwrap.fill(data.told, _WIDTH)
    return f"{told}\nProject: {project.directory}\nParticles: {imported.outputs[0].path}"
