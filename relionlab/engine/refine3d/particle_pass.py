"""What the E-steps of a 3D model have in common: a pass over the particles, and what each particle adds to the sums."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from relionlab.engine.heap import return_freed_memory
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.refine3d.grids import fine_grid, sampling_of
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.volume import Lattice


@dataclass(frozen=True)
class Found:
    """What comparing a block of n particles found.

    indices  (n,) the particles' numbers
    group    (n,) their noise groups
    power    (n, box / 2 + 1) |X|², mean per shell
    cross, auto  (n, k) <X, s CTF A> and |s CTF A|² in the expectation over poses, mean per shell 1 … k
    classes, angles, origin  (n,), (n, 3) degrees and (n,) complex px: the best pose
    numbers  (n, 4) the largest log-likelihood, log of the sum over poses of likelihood over the largest, weight of the best
             pose, number of significant poses; log-likelihoods without what does not depend on the pose
    """

    indices: np.ndarray
    group: np.ndarray
    power: np.ndarray
    cross: np.ndarray
    auto: np.ndarray
    classes: np.ndarray
    angles: np.ndarray
    origin: np.ndarray
    numbers: np.ndarray


class ParticlePass(ABC):
    """An E-step as a Step (engine/steps.py). What it prepares stays in the process that prepared it."""

    def __init__(
        self, model: Model, particles: Particles, groups: tuple[OpticsGroup, ...], *, search: Search, load: Loader
    ) -> None:
        self.model, self.particles, self.groups = model, particles, groups
        self.search, self.load = search, load
        self.grid = fine_grid(model, search)
        self.lattice = Lattice(model.box, self.grid.radius)
        self._lock = threading.Lock()
        self._ready = False

    kept: tuple[str, ...] = ("model", "particles", "groups", "search", "load", "grid", "lattice")
    """Attributes that travel to other processes."""

    def __getstate__(self) -> dict[str, object]:
        return {name: self.__dict__[name] for name in self.kept}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state, _lock=threading.Lock(), _ready=False)

    def prepare(self) -> None:
        """Make what all particles are compared with; threads of one process share it."""
        with self._lock:
            if not self._ready:
                return_freed_memory()
                self._prepare()
                self._ready = True

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def process(self, indices: np.ndarray) -> Sums:
        """Return the sums over these particles."""

    def merge(self, first: Sums, second: Sums) -> Sums:
        """Add the second sums to the first."""
        return first.merged(second)

    def conclude(self, total: Sums) -> Sums:
        """Sort the particles."""
        return total.in_order()

    def _zeros(self) -> Sums:
        groups, shells = self.model.sigma2.shape
        directions = len(sampling_of(self.search))
        return Sums.zeros(self.lattice, classes=self.model.classes, directions=directions, groups=groups, shells=shells)

    @property
    def _offset_variance(self) -> float:
        """Variance of the prior of origins in px², per axis."""
        sigma = self.search.step_sigma
        return float((self.model.offset_sigma / self.model.pixel_size) ** 2 if sigma is None else sigma**2)

    def _expected(self, origin: np.ndarray) -> np.ndarray:
        """Return where particles with these last origins (n,) are expected, complex px."""
        return np.zeros_like(origin) if self.search.step_sigma is None else origin


def class_prior(model: Model, search: Search) -> np.ndarray:
    """Return the log prior (class,) of the classes."""
    if not search.size_prior:
        return np.zeros(model.classes)
    return np.asarray(np.log(np.maximum(model.class_share, 1e-30)))


def record(found: Found, sums: Sums, *, sigma2: np.ndarray, pixels: np.ndarray) -> None:
    """Add what particles say of the noise, and where they are, to the sums.

    sigma2  (groups, box / 2 + 1) of the noise that they were compared with
    pixels  (box / 2 + 1,) Fourier pixels of half the plane that were compared in each shell
    """
    rings = slice(1, found.cross.shape[1] + 1)
    residual = found.power.copy()
    residual[:, rings] += found.auto - 2 * found.cross
    np.add.at(sums.residual, found.group, residual)
    np.add.at(sums.cross[:, rings], found.group, found.cross)
    np.add.at(sums.auto[:, rings], found.group, found.auto)
    np.add.at(sums.members, found.group, 1)
    shells = np.arange(1, sigma2.shape[1])
    noise = sigma2[found.group]
    chi2 = (residual[:, 1:] / (2 * noise[:, 1:])) @ shells / shells.sum()
    # what does not depend on the pose: |X|² and the Gaussians' own factors
    used = np.flatnonzero(pixels)
    constant = (found.power[:, used] / (2 * noise[:, used]) + np.log(2 * np.pi * noise[:, used])) @ pixels[used]
    numbers, origin = found.numbers, found.origin
    likelihood = numbers[:, 0] + numbers[:, 1] - constant
    best = (found.classes, *found.angles.T, origin.real, origin.imag)
    sums.indices.append(found.indices)
    sums.poses.append(np.stack([*best, likelihood, numbers[:, 2], numbers[:, 3], chi2], axis=1))
