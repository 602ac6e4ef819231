"""How good picks are where the truth is known, and what the particles cut out at them really are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from relionlab.errors import StarError
from relionlab.io.particles import read_particles
from relionlab.io.table import Table
from relionlab.simulation.scores.classes import ClassTruth, score, true_directions
from relionlab.simulation.scores.movies import stems

NEAR = 0.25
"""A pick is on a particle if it is not further from its centre than this part of the diameter."""


@dataclass(frozen=True)
class PickTruth:
    """What picks are, according to the truth.

    matched    (n,) row of the truth's particle of each pick; -1: the pick is on none
    distance   (n,) Å from its centre; nan where there is none
    particles  particles that could have been found
    """

    matched: np.ndarray
    distance: np.ndarray
    particles: int

    @property
    def right(self) -> int:
        """Picks on a particle."""
        return int((self.matched >= 0).sum())

    @property
    def precision(self) -> float:
        """Share of the picks that are on a particle, 0 to 1."""
        return self.right / max(len(self.matched), 1)

    @property
    def recall(self) -> float:
        """Share of the particles that were found, 0 to 1."""
        return self.right / max(self.particles, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / max(len(self.matched) + self.particles, 1)

    @property
    def junk(self) -> int:
        """Picks that are on no particle."""
        return len(self.matched) - self.right


def compare_picks(
    micrographs: np.ndarray, xy: np.ndarray, truth: Table, *, pixel_size: float, diameter: float
) -> PickTruth:
    """Match picks with the true particles of their micrographs, one to one and with the smallest distances.

    micrographs  (n,) names of the picks' micrographs
    xy           (n, 2) coordinates in Å
    truth        table of the true particles; its coordinates are px of ``pixel_size`` (Å)
    diameter     of the particle in Å
    All particles of the truth count, those of micrographs without picks too.
    """
    matched, distance = np.full(len(xy), -1), np.full(len(xy), np.nan)
    centres = pixel_size * np.stack([truth.numbers(f"rlnCoordinate{axis}") for axis in "XY"], axis=1)
    there, here = np.array(stems(truth["rlnMicrographName"])), np.array(stems(micrographs.tolist()))
    for name in np.unique(here):
        picks, particles = np.flatnonzero(here == name), np.flatnonzero(there == name)
        if not len(particles):
            continue
        mine, theirs, apart = _pairs(xy[picks], centres[particles], NEAR * diameter)
        matched[picks[mine]], distance[picks[mine]] = particles[theirs], apart
    return PickTruth(matched, distance, len(truth))


def compare_particles(
    particles: Path, truth: Path, *, pixel_size: float, diameter: float, project: Path
) -> tuple[PickTruth, np.ndarray]:
    """Match the particles of a particles.star, at the places where they were picked, with truth/particles.star.

    pixel_size  Å, of the micrographs
    Returns what they are, and their rlnImageName in the same order.
    """
    found, known = read_particles(particles, directory=project).particles, read_particles(truth)
    for label in ("rlnCoordinateX", "rlnCoordinateY", "rlnMicrographName"):
        if label not in found:
            raise StarError(f"{particles} has no {label}: expected particles that were extracted from micrographs.")
    xy = pixel_size * np.stack([found.numbers(f"rlnCoordinate{axis}") for axis in "XY"], axis=1)
    known_size = known.pixel_size
    matched = compare_picks(found["rlnMicrographName"], xy, known.particles, pixel_size=known_size, diameter=diameter)
    return matched, np.asarray(found["rlnImageName"])


def class_truth(
    data: Path, picks: PickTruth, names: np.ndarray, *, truth: Path, symmetry: str, kinds: dict[int, str], junk: int
) -> ClassTruth:
    """Say what the classes of a run_itNNN_data.star hold.

    picks  what the particles are, in the order of ``names``: their rlnImageName
    junk   number that stands for picks on no particle
    """
    found = read_particles(data).particles
    places = {name: row for row, name in enumerate(names.tolist())}
    matched = picks.matched[[places[name] for name in found["rlnImageName"].tolist()]]
    known = read_particles(truth).particles
    directions, numbers = true_directions(known), known.numbers("rlnClassNumber").astype(np.int64)
    real = matched >= 0
    return score(
        found.numbers("rlnClassNumber").astype(np.int64),
        np.where(real[:, None], directions[matched], 0.0),
        np.where(real, numbers[matched], junk),
        symmetry=symmetry,
        names=kinds,
        junk=junk,
    )


def _pairs(first: np.ndarray, second: np.ndarray, near: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of both that belong together, and their distances: as many pairs as there are, then the closest."""
    within = cKDTree(first).sparse_distance_matrix(cKDTree(second), near, output_type="coo_matrix").tocoo()
    cost = np.full((len(first), len(second)), 1e6)
    cost[within.row, within.col] = within.data
    rows, columns = linear_sum_assignment(cost)
    real = cost[rows, columns] < 1e6
    return rows[real], columns[real], cost[rows, columns][real]
