"""Where the tutorial's particles come from: the user's list, brought into the project's folder, or the simulation."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from relionlab.errors import NodeError
from relionlab.io.image_names import format_image_name, parse_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.project import Project
from relionlab.workflows.stages import Clock, Watcher
from relionlab.workflows.tutorial.particle_data import PLACE, ParticleData
from relionlab.workflows.tutorial.particle_plan import ParticlePlan
from relionlab.workflows.tutorial.particle_simulation import simulated_particles

SHARE_OF_BOX = 0.8
"""The mask's diameter over the box, where nothing else is known."""


def particles_for(plan: ParticlePlan, project: Project, *, clock: Clock, watcher: Watcher) -> ParticleData:
    """Return the particles of the plan; simulated or brought into the project's folder if they are not there yet."""
    if plan.particles is not None:
        return own_particles(plan, project)
    return simulated_particles(plan, project, clock=clock, watcher=watcher)


def own_particles(plan: ParticlePlan, project: Project) -> ParticleData:
    """Write a particle table into the project's folder whose image names are valid there; images stay where they are."""
    source = Path(plan.particles or "").resolve()
    target = project.directory / PLACE / "particles.star"
    table = read_particles(source, directory=root_of(source))
    moved = with_images_from(table, source, project.directory)
    write_particles(target, moved)
    reader = ImageReader(moved.particles["rlnImageName"], project.directory)
    width = reader.shape[-1] * table.pixel_size
    return ParticleData(
        particles=f"{PLACE}/particles.star",
        diameter=plan.diameter or round(SHARE_OF_BOX * width),
        has_ctf="rlnDefocusU" in table,
        source=source.name,
        told=f"{len(table):,} particles of {source}; the images stay where they are.",
    )


def with_images_from(table: Particles, source: Path, project: Path) -> Particles:
    """Return the table with its image names relative to ``project``; raises NodeError for a stack that is not found."""
    names = [parse_image_name(name) for name in table.particles["rlnImageName"]]
    places = {stack: os.path.relpath(find_stack(stack, source), project) for stack in {stack for _, stack in names}}
    renamed = [places[stack] if index is None else format_image_name(index, places[stack]) for index, stack in names]
    return table.with_columns(rlnImageName=np.array(renamed, dtype=object))


def find_stack(stack: str, source: Path) -> Path:
    """Return where a stack lies: relative to the working directory, to the STAR file, or to a folder above it."""
    for base in (Path.cwd(), *source.parents):
        if (base / stack).is_file():
            return base / stack
    beside = source.parent / Path(stack).name
    if beside.is_file():
        return beside
    raise NodeError(
        f"{source} names the stack {stack}, which lies neither in {Path.cwd()} nor beside or above the STAR file: "
        "copy it there, or start from the project's folder in which the particles were made."
    )


def root_of(source: Path) -> Path:
    """Return the project folder around a file, or else the file's own folder."""
    return next((base for base in source.parents if (base / "default_pipeline.star").exists()), source.parent)
