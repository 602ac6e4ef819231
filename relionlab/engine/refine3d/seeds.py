"""K different starts of a classification from one consensus map: the maps of random parts of the particles.

Where poses are known, one pass in them makes the maps; where they are not, an alignment to the consensus map comes first and
its poses serve. The parts differ by their noise and by whom chance put there, and expectation maximisation does the rest.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relionlab.engine.likelihood.kept import PictureCache
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.refine3d.fixed import FixedExpectation
from relionlab.engine.refine3d.state import Model, Search


def random_classes(count: int, classes: int, *, seed: int) -> np.ndarray:
    """Return a random class (count,) for each particle; classes are equally large, to one particle."""
    return np.random.default_rng(seed).permutation(count) % classes


def copied(model: Model, classes: int) -> Model:
    """Return a model of equal classes, each with the one map of a consensus model."""
    directions = model.direction_share
    return replace(
        model,
        references=np.repeat(model.references[:1], classes, axis=0),
        tau2=np.repeat(model.tau2[:1], classes, axis=0),
        class_share=np.full(classes, 1 / classes),
        direction_share=None if directions is None else np.repeat(directions[:1], classes, axis=0) / classes,
    )


def seeding(
    model: Model,
    particles: Particles,
    groups: tuple[OpticsGroup, ...],
    *,
    search: Search,
    load: Loader,
    classes: int,
    seed: int,
    cache: PictureCache | None = None,
) -> FixedExpectation:
    """Return the pass whose sums, maximised with its ``model``, give the maps of random parts of the particles.

    model      of one class, the consensus
    particles  in known poses, or in those that an alignment to the consensus found
    """
    return FixedExpectation(
        copied(model, classes),
        particles,
        groups,
        search=replace(search, align=False),
        load=load,
        cache=cache,
        held=random_classes(len(particles), classes, seed=seed),
    )
