"""The first model of a 2D classification, from the particles themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relionlab.engine.classify2d.expectation import Sums, grid_for
from relionlab.engine.classify2d.maximisation import Update, low_pass, prior_variance, reconstruct
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.likelihood.first_look import Averages, first_noise
from relionlab.engine.likelihood.particles import Particles

FIRST_FREQUENCY = 0.07
"""Cut-off of the first averages in cycles per px, unless a resolution is asked for: coarse, to avoid bias."""


def noise_model(looked: Averages, *, classes: int, pixel_size: float, offset_sigma: float) -> Model:
    """Return a model that knows the noise and no reference yet.

    pixel_size    Å of the references
    offset_sigma  Å, width of the offsets' prior
    """
    box = looked.image.shape[-1]
    shape = (classes, box // 2 + 1)
    return Model(
        references=np.zeros((classes, box, box), np.float32),
        pixel_size=pixel_size,
        class_share=np.full(classes, 1 / classes),
        tau2=np.zeros(shape),
        sigma2=first_noise(looked),
        scale=np.ones(len(looked.members)),
        offset_sigma=offset_sigma,
        mean_norm=1.0,
        radius=box // 2,
        resolution_shell=0,
    )


def seeds(particles: Particles, classes: int, seed: int) -> tuple[Particles, np.ndarray]:
    """Return the particles at random in-plane angles, and a random class for each; the classes are equally large."""
    random = np.random.default_rng([seed, 0])
    turned = replace(particles, psi=np.round(random.uniform(-180, 180, len(particles)), 6))
    return turned, random.permutation(np.arange(len(particles)) % classes)


def seed_search(search: Search, held: np.ndarray) -> Search:
    """Return the search of the pass that averages the seeds: every particle in its class, at its angle."""
    return replace(search, align=False, fixed_class=held, perturbation=0.0)


def first_model(model: Model, sums: Sums, *, search: Search, shells_ahead: int, resolution: float | None) -> Model:
    """Return the model before the first iteration: each class is the low-passed average of its random particles.

    sums        of the pass that :func:`seed_search` describes
    resolution  Å of the low-pass filter; ``None``: FIRST_FREQUENCY
    """
    cut = FIRST_FREQUENCY * model.box if resolution is None else model.box * model.pixel_size / resolution
    grid = grid_for(model, search)
    references, _ = reconstruct(model, sums, grid, search=search, update=Update(prior=False))
    references = low_pass(references, cut).astype(np.float32)
    shell = max(round(cut), 1)
    model = replace(model, references=references, tau2=prior_variance(references))
    return model.resolved_to(shell, ahead=shells_ahead)
