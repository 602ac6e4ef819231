"""The main job: movies, simulated or the user's own, down to a map and one page that shows every stage.

    relionlab tutorial
    relionlab tutorial --movies 'data/*.tif' --gain gain.mrc --angpix 0.885 --dose 1.2 --diameter 180 --dir mine
    relionlab tutorial --particles Select/job012/particles.star --dir my_classes --classes 20 --diameter 180

Makes a RELION project, runs its jobs, and writes ``index.html``: of movies all stages from Import to the local resolution of
the refined map, of particles Import, Class2D and Select. Typed again after an interruption it goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from relionlab.errors import ParameterError, RelionlabError
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory
from relionlab.workflows.stages import Clock, Terminal, Watcher, finished
from relionlab.workflows.tutorial.flags import flag
from relionlab.workflows.tutorial.folder import ALIAS, CLOCK_FILE, begin_anew, open_or_create
from relionlab.workflows.tutorial.movie_plan import SETS, MoviePlan
from relionlab.workflows.tutorial.particle_plan import ParticlePlan


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tutorial as the command line says; return the exit status."""
    options = vars(parser().parse_args(arguments))
    fresh = options.pop("fresh")
    try:
        plan = plan_of(options)
        plan.check()
        if fresh:
            begin_anew(plan.directory)
        page = run_movies(plan) if isinstance(plan, MoviePlan) else run(plan)
    except RelionlabError as error:
        print(f"relionlab tutorial: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where this stopped.", file=sys.stderr)
        return 130
    print(f"\nThe page:     {page.resolve().as_uri()}")
    print(f"The project:  {plan.directory.resolve()}   (JupyterLab: make lab · RELION: go there and type relion)")
    return 0


def plan_of(options: dict[str, Any]) -> ParticlePlan | MoviePlan:
    """Return what the command line's options ask for; raises ParameterError for options that do not go together.

    options  by the names of the plans' fields; ``None``: not given
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "particles" in given and "movies" in given:
        raise ParameterError("--particles and --movies: give one of them, as the work begins with it.")
    kind = ParticlePlan if "particles" in given or given.get("set") == "particles" else MoviePlan
    if kind is ParticlePlan:
        given.pop("set", None)
    wrong = [flag(name) for name in given if name not in {field.name for field in fields(kind)}]
    if wrong:
        what = "particles" if kind is ParticlePlan else "movies"
        raise ParameterError(
            f"{', '.join(wrong)} cannot be said of {what}; `relionlab tutorial --help` lists the options."
        )
    return kind(**given)


def run_movies(plan: MoviePlan, *, watcher: Watcher | None = None) -> Path:
    """Do what is planned of movies and not done yet; return the path of the page."""
    from relionlab.workflows.tutorial.movie_course import Conductor
    from relionlab.workflows.tutorial.movie_page import write_movie_page

    watcher = watcher or Terminal()
    project = open_or_create(plan.directory)
    clock = Clock.at(project.directory / CLOCK_FILE)
    clock.keep()
    course = Conductor(plan, project, clock=clock, watcher=watcher).course()
    watcher.begin("Page")
    with clock.measure("Page"):
        page = write_movie_page(plan, course, clock=clock)
    watcher.end(f"written ({page.stat().st_size / 1e6:.1f} MB)")
    return page


def run(plan: ParticlePlan, *, watcher: Watcher | None = None) -> Path:
    """Do what is planned of particles and not done yet; return the path of the page."""
    from relionlab.workflows.tutorial.particle_jobs import class2d_job, import_job, select_job
    from relionlab.workflows.tutorial.particle_page import write_page
    from relionlab.workflows.tutorial.particle_source import particles_for

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


def parser() -> argparse.ArgumentParser:
    """Return the command line; options that are not given are ``None``, and the plans' own values hold."""
    default, movies = ParticlePlan(), MoviePlan()
    made = argparse.ArgumentParser(
        prog="relionlab tutorial",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(__doc__ or "").rpartition("\n\n")[0],
    )
    add = made.add_argument
    add("--dir", dest="directory", type=Path, help=f"folder of the project ({default.directory})")
    add("--set", choices=(*SETS, "particles"), help=f"what to simulate ({movies.set}); tiny is for a quick look")
    add("--count", type=int, help=f"movies to simulate (as the set has), or particles ({default.count})")
    add("--classes", type=int, metavar="K", help=f"number of classes (by the number of particles; {default.classes})")
    add(
        "--iterations",
        type=int,
        metavar="N",
        help=f"number of iterations (20 and 25; of particles {default.iterations})",
    )
    add("--diameter", type=float, metavar="Å", help="longest side of the particle in Å (particles: 80 %% of the box)")
    add("--seed", type=int, help=f"seed of the random numbers ({default.seed})")
    add(
        "--particle_angpix",
        dest="particle_pixel",
        type=float,
        metavar="Å",
        help="pixel size of the second classification's particles and of the maps (3.5); coarser is quicker",
    )
    add(
        "--sym", dest="symmetry", metavar="GROUP", help="symmetry of the particle (as simulated; of your own movies C1)"
    )
    add(
        "--sym_at_once",
        dest="symmetry_at_once",
        action="store_const",
        const=True,
        help="impose it on the initial model from the beginning (a model in C1 first, then its axes are found)",
    )
    add(
        "--iterations3d",
        type=int,
        metavar="N",
        help="iterations of initial model and 3D classification, and the most of the refinement (100, 10, till it converges)",
    )
    add("--classes_only", action="store_const", const=True, help="end with the class averages, without maps")
    add("--fresh", action="store_true", help="begin anew: remove the folder of an earlier tutorial first")
    own = made.add_argument_group("your own movies").add_argument
    own("--movies", metavar="PATTERN", help="your own movies, as 'data/*.tif' with quotes: TIFF, MRC or EER")
    own("--gain", type=Path, metavar="FILE", help="gain reference")
    own("--gain_rot", dest="gain_rotation", type=int, help="turns of the gain by 90° (0)")
    own("--gain_flip", type=int, help="flip of the gain: 1 upside down, 2 left to right (0)")
    own("--defects", type=Path, metavar="FILE", help="defects of the camera: x y width height, or a map")
    own("--angpix", type=float, metavar="Å", help="pixel size (as the movies say)")
    own("--kv", dest="voltage", type=float, metavar="kV", help="voltage (300)")
    own("--cs", dest="aberration", type=float, metavar="mm", help="spherical aberration (2.7)")
    own("--q0", dest="amplitude_contrast", type=float, help="amplitude contrast (0.1)")
    own("--dose", type=float, metavar="e/Å²", help="dose per frame; without it, no dose weighting")
    own("--bin", dest="binning", type=float, help="shrink the movies by this factor (1)")
    own("--patches", type=int, metavar="N", help="patches of motion correction along x and y (as the size suggests)")
    own("--threshold", type=float, help=f"least figure of merit of a pick by templates ({movies.threshold:g})")
    particles = made.add_argument_group("particles instead of movies").add_argument
    particles("--particles", type=Path, help="your own particles.star; --set particles simulates some")
    particles(
        "--snr", dest="signal_to_noise", type=float, help=f"their signal-to-noise ratio ({default.signal_to_noise})"
    )
    return made
