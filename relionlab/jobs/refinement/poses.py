"""The columns of a data.star that an iteration writes."""

from __future__ import annotations

import numpy as np

from relionlab.engine.likelihood.particles import Particles
from relionlab.io.particles import Particles as ParticleTable


def with_poses(source: ParticleTable, particles: Particles, *, dimensions: int) -> ParticleTable:
    """Return the input particles with the poses, classes and statistics of an iteration.

    source      their other columns pass through
    dimensions  of the references; images of 2D classes have no rot and tilt (zeros, as RELION writes them)
    """
    zeros = np.zeros(len(particles))
    columns = {
        "rlnGroupNumber": particles.group + 1,
        "rlnAngleRot": particles.rot if dimensions == 3 else zeros,
        "rlnAngleTilt": particles.tilt if dimensions == 3 else zeros,
        "rlnAnglePsi": particles.psi,
        "rlnOriginXAngst": particles.origin[:, 0],
        "rlnOriginYAngst": particles.origin[:, 1],
        "rlnClassNumber": particles.class_index + 1,
        "rlnNormCorrection": particles.norm,
    }
    if dimensions == 3 and particles.half.any():
        columns["rlnRandomSubset"] = particles.half
    return source.with_columns(
        columns,
        rlnLogLikeliContribution=particles.log_likelihood,
        rlnMaxValueProbDistribution=particles.best_weight,
        rlnNrOfSignificantSamples=particles.significant,
    )
