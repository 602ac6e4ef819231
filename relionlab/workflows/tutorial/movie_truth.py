"""The errors of every stage of a course whose truth is known, put together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.engine.picking import Picks
from relionlab.io.particles import read_particles
from relionlab.jobs.picking import pick_files
from relionlab.project import JobDirectory
from relionlab.simulation.scores import movies as movie_scores
from relionlab.simulation.scores import picks as pick_scores
from relionlab.simulation.scores.classes import ClassTruth
from relionlab.simulation.scores.picks import PickTruth
from relionlab.workflows.tutorial.map_truth import MapsTruth, maps_truth
from relionlab.workflows.tutorial.movie_course import Course, Round, particles_of
from relionlab.workflows.tutorial.movie_simulation import KINDS


@dataclass(frozen=True)
class PickedSet:
    """All picks of an AutoPick job: names of the micrographs, picks of each, and their files' rows one after the other."""

    names: tuple[str, ...]
    picks: tuple[Picks, ...]

    @property
    def fom(self) -> np.ndarray:
        """Figures of merit, (n,)."""
        return np.concatenate([found.fom for found in self.picks])

    @property
    def xy(self) -> np.ndarray:
        """Coordinates, (n, 2) px."""
        return np.concatenate([np.stack([found.x, found.y], axis=1) for found in self.picks])

    @property
    def micrograph(self) -> np.ndarray:
        """Row in ``names`` of each pick, (n,)."""
        return np.repeat(np.arange(len(self.names)), [len(found) for found in self.picks])


@dataclass(frozen=True)
class RoundTruth:
    """What the picks of a round, its particles' classes, and the particles that were kept really are."""

    picks: PickTruth
    extracted: PickTruth
    classes: ClassTruth
    kept: PickTruth


@dataclass(frozen=True)
class CourseTruth:
    """The errors of every stage."""

    motion: movie_scores.MotionTruth
    ctf: movie_scores.CtfTruth
    first: RoundTruth
    second: RoundTruth
    maps: MapsTruth | None = None


def picked_set(picked: JobDirectory, estimated: JobDirectory) -> PickedSet:
    """Read the picks of an AutoPick job, of the micrographs of a CtfFind job; micrographs without a file have none."""
    project = picked.project.directory
    listed = read_particles(project / estimated.output("micrographs_ctf"), kind="micrographs")
    names = [str(name) for name in listed.particles["rlnMicrographName"].tolist()]
    paths = [project / (pick_files.root_of(name, f"{picked.name}/", "autopick") + ".star") for name in names]
    picks = [pick_files.read_picks(path) if path.exists() else Picks.at(np.zeros((0, 2))) for path in paths]
    return PickedSet(tuple(names), tuple(picks))


def course_truth(course: Course) -> CourseTruth | None:
    """Return the errors of every stage, ``None`` where no truth is known."""
    if course.data.truth is None:
        return None
    project = course.imported.project.directory
    truth = project / course.data.truth
    corrected = project / course.corrected.output("corrected_micrographs")
    estimated = project / course.estimated.output("micrographs_ctf")
    return CourseTruth(
        movie_scores.motion_truth(corrected, truth, project=project),
        movie_scores.ctf_truth(estimated, truth),
        round_truth(course, course.first, truth),
        round_truth(course, course.second, truth),
        None if course.maps is None else maps_truth(course.maps, course.sizes, truth, symmetry=course.data.symmetry),
    )


def round_truth(course: Course, part: Round, truth: Path) -> RoundTruth:
    """Say what the picks, particles and classes of a round are."""
    project, table = course.imported.project.directory, truth / "particles.star"
    sizes = course.sizes
    found = picked_set(part.picked, course.estimated)
    known = read_particles(table)
    picks = pick_scores.compare_picks(
        np.array(found.names, dtype=object)[found.micrograph],
        sizes.pixel_size * found.xy,
        known.particles,
        pixel_size=known.pixel_size,
        diameter=sizes.diameter,
    )

    def compared(job: JobDirectory) -> tuple[PickTruth, np.ndarray]:
        return pick_scores.compare_particles(
            particles_of(job), table, pixel_size=sizes.pixel_size, diameter=sizes.diameter, project=project
        )

    extracted, images = compared(part.extracted)
    classes = pick_scores.class_truth(
        project / part.classified.output("_data"),
        extracted,
        images,
        truth=table,
        symmetry=course.data.symmetry,
        kinds=dict(KINDS),
        junk=KINDS[-1][0],
    )
    return RoundTruth(picks, extracted, classes, compared(part.selected)[0])
