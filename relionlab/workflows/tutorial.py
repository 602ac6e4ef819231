"""The main job: a small project from simulated particles, or the user's own, down to one page of class averages.

    relionlab tutorial
    relionlab tutorial --particles Select/job012/particles.star --dir my_classes --classes 20 --diameter 180

Makes a RELION project, runs Import, Class2D and Select in it, and writes ``index.html``. Typed again after an
interruption it goes on where it was.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import ParameterError, ProjectError, RelionlabError
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory, Project
from relionlab.workflows.stages import Clock, Terminal, Watcher, finished

ALIAS = "tutorial"
PAGE = "index.html"
CLOCK_FILE = ".tutorial_times.json"


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    directory   of the project
    particles   the user's particles.star; ``None``: simulate some
    classes     number of classes
    iterations  number of iterations
    diameter    of the circular mask in Å; ``None``: known for simulated particles, else 80 % of the box
    count       particles to simulate
    noise       signal-to-noise ratio of the simulated particles
    seed        of the simulation and of the classification
    """

    directory: Path = Path("tutorial")
    particles: Path | None = None
    classes: int = 10
    iterations: int = 25
    diameter: float | None = None
    count: int = 2000
    signal_to_noise: float = 0.1
    seed: int = 1

    def check(self) -> None:
        """Raise ParameterError if something cannot be done."""
        lowest = {"classes": 1, "iterations": 1, "count": 100}
        for name, least in lowest.items():
            if getattr(self, name) < least:
                raise ParameterError(f"--{name} is {getattr(self, name)}; it must be at least {least}.")
        if self.particles is not None and not self.particles.is_file():
            raise ParameterError(f"--particles: {self.particles} does not exist; expected a particles.star.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tutorial as the command line says; return the exit status."""
    options = parser().parse_args(arguments)
    fresh = options.__dict__.pop("fresh")
    plan = Plan(**vars(options))
    try:
        plan.check()
        if fresh:
            begin_anew(plan.directory)
        page = run(plan)
    except RelionlabError as error:
        print(f"relionlab tutorial: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where this stopped.", file=sys.stderr)
        return 130
    print(f"\nThe page:     {page.resolve().as_uri()}")
    print(f"The project:  {plan.directory.resolve()}   (JupyterLab: make lab · RELION: go there and type relion)")
    return 0


def run(plan: Plan, *, watcher: Watcher | None = None) -> Path:
    """Do what is planned and not done yet; return the path of the page."""
    from relionlab.workflows.tutorial_data import particles_for
    from relionlab.workflows.tutorial_jobs import class2d_job, import_job, select_job
    from relionlab.workflows.tutorial_page import write_page

    watcher = watcher or Terminal()
    project = open_or_create(plan.directory)
    clock = Clock.at(project.directory / CLOCK_FILE)
    data = particles_for(plan, project, clock=clock, watcher=watcher)

    def done(job: Job) -> JobDirectory:
        return finished(project, job, alias=ALIAS, clock=clock, watcher=watcher)

    imported = done(import_job(data))
    classified = done(class2d_job(plan, data, imported))
    selected = done(select_job(classified))

    watcher.begin("Page")
    page = write_page(plan, data, jobs=(imported, classified, selected), clock=clock)
    watcher.end(f"written ({page.stat().st_size / 1e6:.1f} MB)")
    return page


def open_or_create(directory: Path) -> Project:
    """Return the project of a folder, made if the folder is empty or not there."""
    if (directory / "default_pipeline.star").exists():
        return Project.open(directory)
    if directory.exists() and any(directory.iterdir()):
        raise ProjectError(f"{directory} is no project, and not empty: give another folder with --dir.")
    return Project.create(directory)


def begin_anew(directory: Path) -> None:
    """Remove the folder of an earlier tutorial; nothing else is ever removed."""
    if not directory.exists():
        return
    if not (directory / CLOCK_FILE).exists():
        raise ProjectError(f"{directory} was not made by the tutorial, so --fresh leaves it alone: remove it yourself.")
    shutil.rmtree(directory)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    default = Plan()
    made = argparse.ArgumentParser(prog="relionlab tutorial", description=(__doc__ or "").partition("\n")[0])
    add = made.add_argument
    add("--dir", dest="directory", type=Path, default=default.directory, help="folder of the project (%(default)s)")
    add("--particles", type=Path, help="your own particles.star; without it, particles are simulated")
    add("--classes", type=int, default=default.classes, metavar="K", help="number of classes (%(default)s)")
    add("--iterations", type=int, default=default.iterations, metavar="N", help="number of iterations (%(default)s)")
    add("--diameter", type=float, metavar="Å", help="diameter of the particle's mask in Å (80 %% of the box)")
    add("--count", type=int, default=default.count, help="particles to simulate (%(default)s)")
    add(
        "--snr",
        dest="signal_to_noise",
        type=float,
        default=default.signal_to_noise,
        help="their signal-to-noise ratio (%(default)s)",
    )
    add("--seed", type=int, default=default.seed, help="seed of the random numbers (%(default)s)")
    add("--fresh", action="store_true", help="begin anew: remove the folder of an earlier tutorial first")
    return made
