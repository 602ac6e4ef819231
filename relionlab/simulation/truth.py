"""What is true of each simulated particle: its pose, conformation, defocus, place and company."""

from __future__ import annotations

import numpy as np

from relionlab.engine.rotations import random_euler
from relionlab.io.table import Table
from relionlab.simulation.conditions import Simulation

TRUTH_LABELS = (
    "rlnAngleRot",
    "rlnAngleTilt",
    "rlnAnglePsi",
    "rlnOriginXAngst",
    "rlnOriginYAngst",
    "rlnClassNumber",
    "rlnRandomSubset",
    "relionlabNeighbour",
)
"""Columns of truth.star that particles.star does not have."""

MICROGRAPH = 4096
"""Side of the imagined micrographs in px, for the coordinates."""


def draw_truth(simulation: Simulation, conformations: int, diameter: float) -> Table:
    """Return one row per particle, without image names.

    conformations  number of them; class 1 … conformations, junk is conformations + 1
    diameter       of the particle in Å, to keep coordinates off the micrographs' edges
    """
    rng = np.random.default_rng([simulation.seed, 0])
    n = simulation.count
    micrograph = np.arange(n) // simulation.particles_per_micrograph
    mean, astigmatism, azimuth = _micrographs(rng, int(micrograph[-1]) + 1, simulation)
    defocus = mean[micrograph] + rng.normal(0, simulation.defocus_scatter, n)
    rot, tilt, psi = random_euler(rng, n)
    offsets = rng.uniform(-simulation.offset, simulation.offset, (n, 2))
    kind = _classes(rng, simulation, conformations)
    neighbour = (rng.uniform(size=n) < simulation.neighbours) & (kind <= conformations)
    margin = min(diameter / simulation.pixel_size, MICROGRAPH / 4)
    places = np.round(rng.uniform(margin, MICROGRAPH - margin, (n, 2)))
    return Table(
        {
            "rlnCoordinateX": places[:, 0],
            "rlnCoordinateY": places[:, 1],
            "rlnMicrographName": [f"mic{number + 1:03d}.mrc" for number in micrograph],
            "rlnOpticsGroup": np.ones(n, dtype=np.int64),
            "rlnDefocusU": np.round(defocus + astigmatism[micrograph] / 2, 2),
            "rlnDefocusV": np.round(defocus - astigmatism[micrograph] / 2, 2),
            "rlnDefocusAngle": np.round(azimuth[micrograph], 3),
            "rlnAngleRot": np.round(rot, 4),
            "rlnAngleTilt": np.round(tilt, 4),
            "rlnAnglePsi": np.round(psi, 4),
            "rlnOriginXAngst": np.round(-offsets[:, 0], 4),
            "rlnOriginYAngst": np.round(-offsets[:, 1], 4),
            "rlnClassNumber": kind,
            "rlnRandomSubset": np.arange(n) % 2 + 1,
            "relionlabNeighbour": [str(int(has)) for has in neighbour],
        },
        name="particles",
    )


def _micrographs(
    rng: np.random.Generator, count: int, simulation: Simulation
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean defocus, astigmatism (U - V) and its angle of each micrograph."""
    return (
        rng.uniform(*simulation.defocus, count),
        rng.uniform(0, simulation.astigmatism, count),
        rng.uniform(0, 180, count),
    )


def _classes(rng: np.random.Generator, simulation: Simulation, conformations: int) -> np.ndarray:
    shares = np.array(simulation.fractions or (1.0,) * conformations, dtype=float)
    kind = rng.choice(conformations, simulation.count, p=shares / shares.sum()) + 1
    kind[rng.uniform(size=simulation.count) < simulation.junk] = conformations + 1
    return kind
