"""What the plain references of the tests have in common: nodes of the Fourier plane, and images on them, in double precision.

Direct Fourier sums, one particle after the other, no FFT: slow, and there so that the tests can say how far the engine is
from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from relionlab.engine.ctf import ctf
from relionlab.engine.fourier import radial_average, rfft2_centred
from relionlab.engine.likelihood.model import SharedModel
from relionlab.engine.likelihood.particles import Imaging, Loader, OpticsGroup, Particles
from relionlab.engine.masks import soft_circle
from relionlab.engine.polar import PolarGrid

_NEGLIGIBLE = 1e-12


@dataclass(frozen=True)
class Nodes:
    """Where half the Fourier plane is sampled.

    x, y    (p,) frequencies in Fourier pixels of the references' box
    weight  (p,) pixels that a node stands for
    ring    (p,) shell of a node
    """

    x: np.ndarray
    y: np.ndarray
    weight: np.ndarray
    ring: np.ndarray

    @classmethod
    def pixels(cls, box: int, radius: int) -> Self:
        """Return the pixels of half the plane with a rounded radius of 1 … radius; none has its mate among them."""
        y, x = np.mgrid[-(box // 2) : box // 2 + 1, 0 : box // 2 + 1]
        ring = np.floor(np.hypot(x, y) + 0.5).astype(np.int64)
        chosen = (ring >= 1) & (ring <= radius) & ((x > 0) | (y > 0))
        return cls(x[chosen].astype(float), y[chosen].astype(float), np.ones(chosen.sum()), ring[chosen])

    @classmethod
    def polar(cls, grid: PolarGrid) -> Self:
        """Return the samples of a polar grid."""
        x, y = (values.ravel() for values in grid.frequencies())
        each = grid.n_angles // 2
        return cls(x, y, np.repeat(grid.area, each), np.repeat(grid.rings, each))

    def turned(self, degrees: float) -> tuple[np.ndarray, np.ndarray]:
        """Return x and y of R(degrees) k."""
        turned = (self.x + 1j * self.y) * np.exp(1j * np.radians(degrees))
        return turned.real, turned.imag

    def ring_means(self, values: np.ndarray, shells: int) -> np.ndarray:
        """Return the mean of values (p,) over each shell, (shells,); zero where there are no nodes."""
        total, weight = (
            np.bincount(self.ring, weights=w, minlength=shells) for w in (values * self.weight, self.weight)
        )
        return np.where(weight > 0, total / np.maximum(weight, _NEGLIGIBLE), 0.0)[:shells]


@dataclass(frozen=True)
class Particle:
    """One particle as the E-step sees it.

    masked    (box, box) image, moved by its origin and masked
    rest      complex px of the image by which its transform has to be moved still
    transform, transfer (p,) X, and the CTF times the intensity scale
    variance  (p,) of the noise
    origin    complex px of the references: by how much the image was moved
    """

    number: int
    masked: np.ndarray
    rest: complex
    transform: np.ndarray
    transfer: np.ndarray
    variance: np.ndarray
    origin: complex


class PlainImages:
    """Particles as an E-step compares them.

    imaging  mask and CTF
    nodes    where the Fourier plane is compared
    whole    apply the origins in whole px, as searches of 2D classes do
    """

    def __init__(
        self,
        model: SharedModel,
        particles: Particles,
        groups: tuple[OpticsGroup, ...],
        *,
        imaging: Imaging,
        load: Loader,
        nodes: Nodes,
        whole: bool,
    ) -> None:
        self.model, self.particles, self.groups = model, particles, groups
        self.imaging, self.load, self.nodes, self.whole = imaging, load, nodes, whole

    def particle(self, number: int) -> Particle:
        """Return one particle as it is compared."""
        one, model = self.particles.rows(np.array([number])), self.model
        group = self.groups[int(one.optics_group[0])]
        image = (
            self.load(np.array([number]))[0].astype(float) * (model.mean_norm / one.norm[0]) * self.extent(group) ** 2
        )
        wanted = one.origin[0] / group.optics.pixel_size
        whole = np.rint(wanted).astype(int)
        masked = _masked(_moved(image, whole), self.imaging, group)
        applied = whole if self.whole else wanted
        rest = 0j if self.whole else complex(*(wanted - whole))
        noise = int(one.group[0])
        return Particle(
            number=number,
            masked=masked,
            rest=rest,
            transform=self.transform(masked, rest, group, degrees=0.0),
            transfer=self.transfer(one, group, 0.0) * model.scale[noise],
            variance=model.sigma2[noise][self.nodes.ring],
            origin=group.aberrations.offset_of_object(complex(*applied) * group.optics.pixel_size / model.pixel_size),
        )

    def extent(self, group: OpticsGroup) -> float:
        """Return how much wider the images are than the references."""
        return group.box * group.optics.pixel_size / (self.model.box * self.model.pixel_size)

    def transform(self, masked: np.ndarray, rest: complex, group: OpticsGroup, *, degrees: float) -> np.ndarray:
        """Return X at R(degrees) k; rest moves it, in px of the image."""
        x, y = self.nodes.turned(degrees)
        extent = self.extent(group)
        k_x, k_y = group.aberrations.of_image(x, y)
        value = direct_transform(masked[None], k_x * extent, k_y * extent)[0]
        value = value * np.exp(-2j * np.pi * extent / group.box * (k_x * rest.real + k_y * rest.imag))
        size = self.model.box * self.model.pixel_size
        turned = group.aberrations.antisymmetric_phase(x / size, y / size, optics=group.optics)
        return value if turned is None else value * np.exp(-1j * turned)

    def transfer(self, one: Particles, group: OpticsGroup, degrees: float) -> np.ndarray:
        """Return the CTF at R(degrees) k; zero beyond the Nyquist frequency of the images, where nothing is known."""
        x, y = self.nodes.turned(degrees)
        outermost = self.nodes.ring * group.aberrations.stretch
        known = (outermost < group.box / 2 / self.extent(group)).astype(float)
        if not self.imaging.use_ctf:
            return known
        extent = self.model.box * self.model.pixel_size
        return known * np.asarray(
            ctf(
                x / extent,
                y / extent,
                optics=group.optics,
                defocus_u=one.defocus_u,
                defocus_v=one.defocus_v,
                defocus_angle=one.defocus_angle,
                phase_shift=one.phase_shift,
                bfactor=one.bfactor,
                scale=one.ctf_scale,
                phase_flipped=self.imaging.phase_flipped,
                only_flip_phases=self.imaging.only_flip_phases,
                intact_first_peak=self.imaging.intact_first_peak,
                symmetric_phase=group.aberrations.symmetric_phase(x / extent, y / extent),
            )
        )

    def moments(
        self, particle: Particle, mean: np.ndarray, square: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the means per shell, each (box / 2 + 1,), of |X - s CTF A|², of <X, s CTF A> and of |s CTF A|².

        mean, square  (p,) A and |A|² in the expectation over poses
        """
        shells, transfer = self.model.box // 2 + 1, particle.transfer
        cross = self.nodes.ring_means((np.conj(particle.transform) * transfer * mean).real, shells)
        auto = self.nodes.ring_means(transfer**2 * square, shells)
        power = radial_average(np.abs(rfft2_centred(particle.masked)) ** 2, particle.masked.shape[-1])
        residual = self._in_reference_shells(power, particle)
        seen = np.unique(self.nodes.ring)
        residual[seen] = (self.nodes.ring_means(np.abs(particle.transform) ** 2, shells) - 2 * cross + auto)[seen]
        return residual, cross, auto

    def _in_reference_shells(self, power: np.ndarray, particle: Particle) -> np.ndarray:
        group = self.groups[int(self.particles.optics_group[particle.number])]
        extent = self.extent(group)
        shells = np.rint(np.arange(self.model.box // 2 + 1) * extent).astype(int)
        return np.asarray(power[np.minimum(shells, group.box // 2)])


def direct_transform(images: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the transforms of images (n, box, box) at frequencies in Fourier pixels, (n, p): sums over all pixels."""
    box = images.shape[-1]
    along_x, along_y = (_waves(box, axis.tobytes()) for axis in (x, y))
    return np.asarray(((images @ along_x) * along_y).sum(axis=1) / box**2)


@lru_cache(maxsize=8)
def _waves(box: int, frequencies: bytes) -> np.ndarray:
    """Return exp(-2 pi i k x / box) for all pixels x of a line, (box, p); neighbouring calls ask for the same k."""
    line = np.arange(box) - box // 2
    return np.exp(-2j * np.pi / box * np.outer(line, np.frombuffer(frequencies)))


def _moved(image: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Move an image by whole px; what comes in from outside is zero."""
    result = np.zeros_like(image)
    box = len(image)
    for row in range(max(0, by[1]), min(box, box + by[1])):
        for column in range(max(0, by[0]), min(box, box + by[0])):
            result[row, column] = image[row - by[1], column - by[0]]
    return result


def _masked(image: np.ndarray, imaging: Imaging, group: OpticsGroup) -> np.ndarray:
    """Subtract the mean of the outside and make it zero."""
    mask = soft_circle(group.box, imaging.diameter / 2 / group.optics.pixel_size, imaging.edge, dtype=np.float64)
    background = (image * (1 - mask)).sum() / max((1 - mask).sum(), 1e-6)
    return np.asarray((image - background) * mask)


def significant_weights(weights: np.ndarray, fraction: float) -> np.ndarray:
    """Keep the largest weights that together make up the fraction, and make them sum to one."""
    if fraction >= 1:
        return weights
    order = np.sort(weights.ravel())[::-1]
    least = order[min(int(np.searchsorted(np.cumsum(order), fraction)), len(order) - 1)]
    kept = np.where(weights >= least, weights, 0.0)
    return np.asarray(kept / kept.sum())
