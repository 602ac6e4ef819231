"""From movies to a map. Particles are picked twice: the first class averages find those that the second ones are made of.

Import → MotionCorr → CtfFind → AutoPick (by size) → Extract → Class2D → Select → AutoPick (by the selected averages) →
Extract → Class2D → Select, and on from there as in ``movie_maps``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from relionlab.errors import RunError
from relionlab.io.particles import read_particles
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory, Project
from relionlab.workflows.sizes import FIRST_PIXEL, FIRST_SHARE, SECOND_PIXEL, SECOND_SHARE, Sizes
from relionlab.workflows.stages import Clock, Watcher, finished
from relionlab.workflows.tutorial import movie_jobs as jobs
from relionlab.workflows.tutorial.maps import MapPart, make_maps
from relionlab.workflows.tutorial.movie_data import MovieData
from relionlab.workflows.tutorial.movie_plan import MoviePlan
from relionlab.workflows.tutorial.movie_source import movies_for
from relionlab.workflows.tutorial.particle_jobs import select_job

FIRST, SECOND = "round1", "round2"
"""Aliases of the two rounds' jobs; the jobs before them have the tutorial's."""
ALIAS = "tutorial"
FEWEST = 20
"""Particles below which no classes are made."""


@dataclass(frozen=True)
class Grain:
    """How fine a round is: pixel size in Å, particles per class, iterations."""

    alias: str
    pixel_size: float
    share: int
    iterations: int


FIRST_GRAIN = Grain(FIRST, FIRST_PIXEL, FIRST_SHARE, 20)
SECOND_GRAIN = Grain(SECOND, SECOND_PIXEL, SECOND_SHARE, 25)


@dataclass(frozen=True)
class Round:
    """One round: picks, particles, classes, and those that were kept."""

    picked: JobDirectory
    extracted: JobDirectory
    classified: JobDirectory
    selected: JobDirectory

    @property
    def jobs(self) -> tuple[JobDirectory, ...]:
        """All of it, in order."""
        return self.picked, self.extracted, self.classified, self.selected


@dataclass(frozen=True)
class Course:
    """The finished jobs of the course, and the sizes that they were given; ``maps`` is ``None`` if none were to be made."""

    data: MovieData
    sizes: Sizes
    imported: JobDirectory
    corrected: JobDirectory
    estimated: JobDirectory
    first: Round
    second: Round
    maps: MapPart | None = None


class Conductor:
    """Does jobs that are not done yet, one after the other."""

    def __init__(self, plan: MoviePlan, project: Project, *, clock: Clock, watcher: Watcher) -> None:
        self._plan, self._project, self._clock, self._watcher = plan, project, clock, watcher

    def course(self) -> Course:
        """Do what is not done yet of the whole course; return its jobs."""
        data = movies_for(self._plan, self._project, clock=self._clock, watcher=self._watcher)
        sizes = Sizes(data.diameter, data.pixel_size * self._plan.binning)
        imported = self._done(jobs.import_job(data), ALIAS)
        corrected = self._done(jobs.motion_job(self._plan, data, imported), ALIAS)
        estimated = self._done(jobs.ctf_job(sizes, corrected), ALIAS)
        first = self._round(FIRST_GRAIN, sizes, estimated, jobs.blob_job(sizes, estimated))
        search = jobs.template_job(
            self._plan, sizes, estimated, selected=first.selected, pixel_size=pixel_size_of(first.extracted)
        )
        grain = replace(SECOND_GRAIN, pixel_size=self._plan.particle_pixel or SECOND_GRAIN.pixel_size)
        second = self._round(grain, sizes, estimated, search)
        maps = None if self._plan.classes_only else self._maps(data, sizes, second)
        return Course(data, sizes, imported, corrected, estimated, first, second, maps)

    def _maps(self, data: MovieData, sizes: Sizes, second: Round) -> MapPart:
        count = count_of(second.selected)
        if count < FEWEST:
            raise RunError(
                f"{second.selected.name} has {count} particles: too few for a map. More movies, or --classes_only to end here."
            )
        symmetry = self._plan.symmetry or data.symmetry
        particles = second.selected.output("particles")
        return make_maps(self._plan, sizes, particles, symmetry=symmetry, done=self._done)

    def _round(self, grain: Grain, sizes: Sizes, estimated: JobDirectory, search: Job) -> Round:
        alias = grain.alias
        picked = self._done(search, alias)
        extracted = self._done(jobs.extract_job(sizes, estimated, picked, pixel_size=grain.pixel_size), alias)
        count = count_of(extracted)
        if count < FEWEST:
            raise RunError(
                f"{picked.name} found {count} particles: too few for classes. Look at its logfile.pdf; --diameter"
                f" ({sizes.diameter:g} Å) and --angpix must be right"
                + (", --threshold low enough." if alias == SECOND else ".")
            )
        classes = jobs.class_job(
            self._plan, sizes, extracted, particles=count, share=grain.share, iterations=grain.iterations
        )
        classified = self._done(classes, alias)
        return Round(picked, extracted, classified, self._done(select_job(classified), alias))

    def _done(self, job: Job, alias: str) -> JobDirectory:
        stage = job.folder if alias == ALIAS else f"{job.folder} {alias.removeprefix('round')}"
        return finished(self._project, job, alias=alias, stage=stage, clock=self._clock, watcher=self._watcher)


def particles_of(extracted: JobDirectory) -> Path:
    """Return the particle list of an Extract or Select job."""
    return extracted.project.directory / extracted.output("particles")


def count_of(extracted: JobDirectory) -> int:
    """Return how many particles a job has listed."""
    return len(read_particles(particles_of(extracted), directory=extracted.project.directory))


def pixel_size_of(extracted: JobDirectory) -> float:
    """Return the pixel size of the particles that an Extract job wrote, in Å."""
    return read_particles(particles_of(extracted), directory=extracted.project.directory).pixel_size
