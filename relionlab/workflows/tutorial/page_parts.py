"""What both pages of the tutorial tell alike: a job as a step, what a Select job kept, the finest average, the machine."""

from __future__ import annotations

import platform

import numpy as np

import relionlab
from relionlab.display.report import Stage
from relionlab.display.results import ClassAverages
from relionlab.io.particles import read_particles
from relionlab.project import JobDirectory
from relionlab.settings import usable_cores
from relionlab.workflows.stages import Clock, warnings_of


def kept_classes(selected: JobDirectory) -> frozenset[int]:
    """Return the class numbers of the particles that a Select job kept."""
    table = read_particles(selected.path / "particles.star", directory=selected.project.directory).particles
    return frozenset(int(number) for number in np.unique(table["rlnClassNumber"]))


def finest_average(averages: ClassAverages, chosen: np.ndarray) -> tuple[tuple[str, str], ...]:
    """Return the finest resolution among the chosen classes, a boolean per class, as a figure of the page's head.

    Nothing is returned where none of them has a resolution.
    """
    finest = averages.resolution[chosen & np.isfinite(averages.resolution)]
    return (("Finest class average", f"{finest.min():.1f} Å"),) if finest.size else ()


def footer(command: str) -> tuple[str, ...]:
    """Return what made the page, and the command by which the same comes again."""
    made = (
        f"Made by relionlab {relionlab.__version__} with Python {platform.python_version()} on {usable_cores()} cores."
    )
    return made, command


def stage_of(directory: JobDirectory, what: str, clock: Clock, *, name: str = "", warned: bool = False) -> Stage:
    """Return a job as a step of the page.

    name    in the page and of the clock; "": the job's folder
    warned  tell also what it warned of
    """
    job = directory.job
    name = name or job.folder
    commands = tuple(str(command) for command in job.commands(f"{directory.name}/"))
    warnings = warnings_of(directory) if warned else ()
    return Stage(name, what, clock.seconds.get(name, 0.0), f"{directory.name}/", commands, warnings)
