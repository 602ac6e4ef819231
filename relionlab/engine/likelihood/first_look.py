"""A first look at the images: their mean power per noise group and their mean, before there is any model."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from relionlab.engine.fourier import radial_average, rfft2_centred
from relionlab.engine.likelihood.images import Observer
from relionlab.engine.likelihood.model import SharedModel
from relionlab.engine.likelihood.particles import Imaging, Loader, OpticsGroup, Particles
from relionlab.engine.polar import PolarGrid


@dataclass
class Averages:
    """Sums over images: power (group, shells), images (group, box, box), members (group,)."""

    power: np.ndarray
    image: np.ndarray
    members: np.ndarray


class FirstLook:
    """A Step: the mean power spectrum and the mean image of every noise group, in the masked images."""

    def __init__(
        self,
        model: SharedModel,
        particles: Particles,
        groups: tuple[OpticsGroup, ...],
        *,
        search: Imaging,
        load: Loader,
        whole: bool = True,
    ) -> None:
        self.model, self.particles, self.groups = model, particles, groups
        self.search, self.load, self.whole = search, load, whole

    def prepare(self) -> None:
        """Make the masks."""
        grid = PolarGrid(self.model.box, 1, self.model.box / 2)
        self._observers = [Observer(grid, group, self.model, self.search, whole=self.whole) for group in self.groups]

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


def first_noise(looked: Averages) -> np.ndarray:
    """Return the noise spectra (group, shells): a group's mean power minus that of the mean of all images (Scheres 2012),
    at least a tenth of its power.
    """
    box = looked.image.shape[-1]
    members = np.maximum(looked.members, 1)[:, None]
    mean = looked.image.sum(axis=0) / looked.members.sum()
    spectrum = radial_average(np.abs(rfft2_centred(mean)) ** 2, box)
    power = looked.power / members
    return np.maximum(power - spectrum, 0.1 * power) / 2
