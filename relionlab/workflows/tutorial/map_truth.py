"""The errors of the stages from particles to a map, where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from relionlab.io.particles import read_particles
from relionlab.project import JobDirectory
from relionlab.simulation.scores import picks as pick_scores
from relionlab.simulation.scores.classes import ClassTruth
from relionlab.simulation.scores.maps import MapTruth, PoseTruth, compare_map, compare_poses, true_b_factor
from relionlab.workflows.sizes import Sizes
from relionlab.workflows.tutorial.map_jobs import model_of
from relionlab.workflows.tutorial.maps import MapPart, half_maps, sharpening_of
from relionlab.workflows.tutorial.movie_simulation import KINDS


@dataclass(frozen=True)
class MapsTruth:
    """What the initial model, the 3D classes, the refined map and the poses really are.

    sharpened  the map of PostProcess, not masked
    b_factor   Å², that would have given it the true molecule's amplitudes; nan where its resolution is too coarse to tell
    """

    initial: MapTruth
    classes: ClassTruth
    refined: MapTruth
    sharpened: MapTruth
    poses: PoseTruth
    b_factor: float


def maps_truth(part: MapPart, sizes: Sizes, truth: Path, *, symmetry: str) -> MapsTruth:
    """Say what came of the maps.

    truth     folder of the truth, with particles.star and class001.mrc, the whole molecule
    symmetry  of the whole molecule
    """
    project, table = part.initial.project.directory, truth / "particles.star"
    whole = truth / "class001.mrc"

    def matched(job: JobDirectory) -> tuple[pick_scores.PickTruth, np.ndarray, Path]:
        data = project / job.output("_data")
        found, names = pick_scores.compare_particles(
            data, table, pixel_size=sizes.pixel_size, diameter=sizes.diameter, project=project
        )
        return found, names, data

    sorted_, names, data = matched(part.classified)
    classes = pick_scores.class_truth(
        data, sorted_, names, truth=table, symmetry=symmetry, kinds=dict(KINDS), junk=KINDS[-1][0]
    )
    refined = compare_map(project / part.refined.output("_class001.mrc"), whole)
    found, _, data = matched(part.refined)
    real = np.flatnonzero(found.matched >= 0)
    poses = compare_poses(
        read_particles(data, directory=project).particles.rows(real),
        read_particles(table).particles.rows(found.matched[real]),
        refined.placed,
        symmetry=symmetry,
    )
    initial = compare_map(project / model_of(part.initial), whole)
    sharpened = compare_map(project / part.sharpened.output("postprocess.mrc"), whole, placed=refined.placed)
    mask, reached = part.masked.path / "mask.mrc", sharpening_of(part.sharpened)[0]
    asked = true_b_factor(half_maps(part.refined), mask, whole, resolution=reached)
    return MapsTruth(initial, classes, refined, sharpened, poses, asked)
