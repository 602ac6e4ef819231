"""The first model of a 2D classification, from the particles themselves."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from relionlab.engine.classify2d.expectation import Sums, grid_for
from relionlab.engine.classify2d.maximisation import Update, low_pass, prior_variance, reconstruct
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.fourier import radial_average, rfft2_centred
from relionlab.engine.likelihood.images import Observer
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.polar import PolarGrid

FIRST_FREQUENCY = 0.07
"""Cut-off of the first averages in cycles per px, unless a resolution is asked for: coarse, to avoid bias."""


@dataclass
class Averages:
    """Sums over images: power (group, shells), images (group, box, box), members (group,)."""

    power: np.ndarray
    image: np.ndarray
    members: np.ndarray


class FirstLook:
    """A Step: the mean power spectrum and the mean image of every noise group, in the masked images."""

    def __init__(
        self, model: Model, particles: Particles, groups: tuple[OpticsGroup, ...], *, search: Search, load: Loader
    ) -> None:
        self.model, self.particles, self.groups = model, particles, groups
        self.search, self.load = search, load

    def prepare(self) -> None:
        """Make the masks."""
        grid = PolarGrid(self.model.box, 1, self.model.box / 2)
        self._observers = [
            Observer(grid, group, self.model, self.search, whole=self.search.align) for group in self.groups
        ]

    def process(self, indices: np.ndarray) -> Averages:
        """Return the sums over these particles."""
        groups, shells = self.model.sigma2.shape
        box = self.model.box
        sums = Averages(np.zeros((groups, shells)), np.zeros((groups, box, box)), np.zeros(groups, np.int64))
        for number in np.unique(self.particles.optics_group[indices]):
            members = indices[self.particles.optics_group[indices] == number]
            masked = self._observers[number].masked_images(self.particles.rows(members), self.load(members))
            observer = self._observers[number]
            power = radial_average(np.abs(rfft2_centred(masked)) ** 2, masked.shape[-1])[:, observer.shells]
            group = self.particles.group[members]
            np.add.at(sums.power, group, power)
            np.add.at(sums.image, group, observer.in_reference_box(masked))
            np.add.at(sums.members, group, 1)
        return sums

    def merge(self, first: Averages, second: Averages) -> Averages:
        """Add the second sums to the first."""
        for item in fields(Averages):
            setattr(first, item.name, getattr(first, item.name) + getattr(second, item.name))
        return first

    def conclude(self, total: Averages) -> Averages:
        """Return the sums as they are."""
        return total


def noise_model(looked: Averages, *, classes: int, pixel_size: float, offset_sigma: float) -> Model:
    """Return a model that knows the noise and no reference yet.

    The noise of a group is its mean power minus that of the mean of all images (Scheres 2012), at least a tenth of
    its power.

    pixel_size    Å of the references
    offset_sigma  Å, width of the offsets' prior
    """
    box = looked.image.shape[-1]
    members = np.maximum(looked.members, 1)[:, None]
    mean = looked.image.sum(axis=0) / looked.members.sum()
    spectrum = radial_average(np.abs(rfft2_centred(mean)) ** 2, box)
    power = looked.power / members
    shape = (classes, box // 2 + 1)
    return Model(
        references=np.zeros((classes, box, box), np.float32),
        pixel_size=pixel_size,
        class_share=np.full(classes, 1 / classes),
        tau2=np.zeros(shape),
        sigma2=np.maximum(power - spectrum, 0.1 * power) / 2,
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
    return replace(
        model,
        references=references,
        tau2=prior_variance(references),
        radius=min(shell + shells_ahead, model.box // 2),
        resolution_shell=shell,
    )
