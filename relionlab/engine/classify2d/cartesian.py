"""The E- and M-step written plainly: double precision, one particle after the other, direct Fourier sums, no FFT.

This is RELION's discretisation: the squared differences are summed over the pixels of half the Fourier plane whose
rounded radius is 1 … radius. It is slow, and there so that the tests can say how far the polar engine is from it. On
the nodes of a polar grid instead of pixels it computes what the polar engine computes, to rounding.

Conventions: an image is the reference turned by psi and then moved, image(k) = reference(R(psi) k) with R turning from
+x towards +y; the origin of an image that was moved by o and matches a reference moved by t is o - R(-psi) t.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np

from relionlab.engine.classify2d.expectation import Sums
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.ctf import ctf
from relionlab.engine.fourier import irfft2_centred, radial_average, rfft2_centred
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
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


class PlainExpectation:
    """The E-step, with the arguments of :class:`~relionlab.engine.classify2d.expectation.Expectation`.

    nodes  where the Fourier plane is compared
    """

    def __init__(
        self,
        model: Model,
        particles: Particles,
        groups: tuple[OpticsGroup, ...],
        *,
        search: Search,
        load: Loader,
        nodes: Nodes,
    ) -> None:
        self.model, self.particles, self.groups = model, particles, groups
        self.search, self.load, self.nodes = search, load, nodes
        searched = search.n_psi > 1
        self.turn = search.perturbation * search.psi_step if searched else 0.0
        # the offsets belong to the grid of angles: they turn with its perturbation
        self.offsets = search.offsets() @ np.array([1, 1j]) * np.exp(1j * np.radians(self.turn))
        self.angles = 360.0 / search.n_psi * np.arange(search.n_psi) + self.turn
        self._known = _with_power(self._predictions(self.angles)) if searched else None
        limit = search.radius_limit or model.box
        self.compared = nodes.weight * ((nodes.ring >= search.first_shell) & (nodes.ring <= limit))

    def posteriors(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the posterior of all poses (n, class, psi, offset), and the log-likelihoods (n,)."""
        tables = [self._posterior(self._particle(int(n))) for n in indices]
        return np.stack([weights for weights, _ in tables]), np.array([likelihood for _, likelihood in tables])

    def sums(self, indices: np.ndarray) -> Sums:
        """Return what :meth:`Expectation.conclude` returns; numerator and denominator are (class, p), on the nodes."""
        model, shells = self.model, self.model.box // 2 + 1
        groups, count = len(model.sigma2), len(self.nodes.x)
        sums = Sums(
            numerator=np.zeros((model.classes, count), complex),
            denominator=np.zeros((model.classes, count)),
            share=np.zeros(model.classes),
            residual=np.zeros((groups, shells)),
            members=np.zeros(groups, np.int64),
            cross=np.zeros((groups, shells)),
            auto=np.zeros((groups, shells)),
        )
        seen = [
            (particle, *self._posterior(particle)) for particle in (self._particle(int(n)) for n in np.sort(indices))
        ]
        rows = [self._add(particle, weights, likelihood, sums) for particle, weights, likelihood in seen]
        self._insert([(particle, weights) for particle, weights, _ in seen], sums)
        sums.indices, sums.poses = [np.sort(indices)], [np.array(rows)]
        return sums

    # --- one particle -------------------------------------------------------------------------------------------

    def _particle(self, number: int) -> Particle:
        one, model, search = self.particles.rows(np.array([number])), self.model, self.search
        group = self.groups[int(one.optics_group[0])]
        image = (
            self.load(np.array([number]))[0].astype(float) * (model.mean_norm / one.norm[0]) * self._extent(group) ** 2
        )
        wanted = one.origin[0] / group.optics.pixel_size
        whole = np.rint(wanted).astype(int)
        masked = _masked(_moved(image, whole), search, group)
        applied = whole if search.align else wanted
        rest = 0j if search.align else complex(*(wanted - whole))
        noise = int(one.group[0])
        return Particle(
            number=number,
            masked=masked,
            rest=rest,
            transform=self._transform(masked, rest, group, 0.0),
            transfer=self._transfer(one, group, 0.0) * model.scale[noise],
            variance=model.sigma2[noise][self.nodes.ring],
            origin=group.aberrations.offset_of_object(complex(*applied) * group.optics.pixel_size / model.pixel_size),
        )

    def _extent(self, group: OpticsGroup) -> float:
        """Return how much wider the images are than the references."""
        return group.box * group.optics.pixel_size / (self.model.box * self.model.pixel_size)

    def _transform(self, masked: np.ndarray, rest: complex, group: OpticsGroup, degrees: float) -> np.ndarray:
        """Return X at R(degrees) k; rest moves it, in px of the image."""
        x, y = self.nodes.turned(degrees)
        extent = self._extent(group)
        k_x, k_y = group.aberrations.of_image(x, y)
        value = direct_transform(masked[None], k_x * extent, k_y * extent)[0]
        value = value * np.exp(-2j * np.pi * extent / group.box * (k_x * rest.real + k_y * rest.imag))
        size = self.model.box * self.model.pixel_size
        turned = group.aberrations.antisymmetric_phase(x / size, y / size, optics=group.optics)
        return value if turned is None else value * np.exp(-1j * turned)

    def _transfer(self, one: Particles, group: OpticsGroup, degrees: float) -> np.ndarray:
        """Return the CTF at R(degrees) k; zero beyond the Nyquist frequency of the images, where nothing is known."""
        x, y = self.nodes.turned(degrees)
        outermost = self.nodes.ring * group.aberrations.stretch
        known = (outermost < group.box / 2 / self._extent(group)).astype(float)
        if not self.search.use_ctf:
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
                phase_flipped=self.search.phase_flipped,
                only_flip_phases=self.search.only_flip_phases,
                intact_first_peak=self.search.intact_first_peak,
                symmetric_phase=group.aberrations.symmetric_phase(x / extent, y / extent),
            )
        )

    def _angles(self, particle: Particle) -> np.ndarray:
        return self.angles if self._known else self.particles.psi[particle.number : particle.number + 1]

    def _predictions(self, angles: np.ndarray) -> np.ndarray:
        """Return the references in all poses, (class, psi, offset, p)."""
        model, nodes = self.model, self.nodes
        result = np.empty((model.classes, len(angles), len(self.offsets), len(nodes.x)), complex)
        for j, angle in enumerate(angles):
            x, y = nodes.turned(angle)
            phases = np.exp(-2j * np.pi / model.box * (np.outer(self.offsets.real, x) + np.outer(self.offsets.imag, y)))
            result[:, j] = direct_transform(model.references.astype(float), x, y)[:, None] * phases
        return result

    def _origins(self, particle: Particle) -> np.ndarray:
        """Return the origins of all poses, (psi, offset) complex px of the references."""
        turn_back = np.exp(-1j * np.radians(self._angles(particle)))
        return particle.origin - turn_back[:, None] * self.offsets

    def _posterior(self, particle: Particle) -> tuple[np.ndarray, float]:
        """Return the posterior (class, psi, offset), and the log of the sum over poses of likelihood times prior."""
        predicted, power = self._known or _with_power(self._predictions(self._angles(particle)))
        image, transfer = particle.transform, particle.transfer
        precision = self.compared / (2 * particle.variance)
        # sum of |X - s CTF A|², in three terms: double precision has digits enough
        value = -(precision @ (np.abs(image) ** 2)) + 2 * (predicted @ (precision * transfer * np.conj(image))).real
        value -= power @ (precision * transfer**2)
        value += np.log(np.maximum(self.model.class_share, 1e-30))[:, None, None]
        if self.search.align and self.search.step_sigma is not None:
            value -= np.abs(self.offsets) ** 2 / (2 * self.search.step_sigma**2)
        elif self.search.align:
            variance = (self.model.offset_sigma / self.model.pixel_size) ** 2
            value -= np.abs(self._origins(particle)) ** 2 / (2 * variance)
        if self.search.fixed_class is not None:
            value[np.arange(self.model.classes) != self.search.fixed_class[particle.number]] = -np.inf
        highest = value.max()
        weights = np.exp(value - highest)
        total = weights.sum()
        weights = _significant(weights / total, self.search.fraction)
        constant = self.compared @ np.log(2 * np.pi * particle.variance)
        return weights, float(highest + np.log(total) - constant)

    def _add(self, particle: Particle, weights: np.ndarray, likelihood: float, sums: Sums) -> tuple[float, ...]:
        """Add a particle to its group's sums; return its row of ``Sums.poses``."""
        predicted, power = self._known or _with_power(self._predictions(self._angles(particle)))
        group, shells = int(self.particles.group[particle.number]), self.model.box // 2 + 1
        mean, square = (np.tensordot(weights, table, axes=3) for table in (predicted, power))
        cross = self.nodes.ring_means((np.conj(particle.transform) * particle.transfer * mean).real, shells)
        auto = self.nodes.ring_means(particle.transfer**2 * square, shells)
        power = radial_average(np.abs(rfft2_centred(particle.masked)) ** 2, particle.masked.shape[-1])
        residual = self._in_reference_shells(power, particle)
        seen = np.unique(self.nodes.ring)
        residual[seen] = (self.nodes.ring_means(np.abs(particle.transform) ** 2, shells) - 2 * cross + auto)[seen]
        sums.residual[group] += residual
        sums.cross[group] += cross
        sums.auto[group] += auto
        sums.members[group] += 1
        sums.share += weights.sum(axis=(1, 2))
        origins = self._origins(particle)
        sums.offset2 += float((weights.sum(axis=0) * np.abs(origins) ** 2).sum())
        c, j, t = np.unravel_index(weights.argmax(), weights.shape)
        shell = np.arange(1, shells)
        chi2 = (residual[1:] / (2 * self.model.sigma2[group][1:])) @ shell / shell.sum()
        aberrations = self.groups[int(self.particles.optics_group[particle.number])].aberrations
        angle, origin = self._angles(particle)[j], aberrations.offset_of_image(origins[j, t])
        return (float(c), angle, origin.real, origin.imag, likelihood, weights.max(), float((weights > 0).sum()), chi2)

    def _insert(self, seen: list[tuple[Particle, np.ndarray]], sums: Sums) -> None:
        """Turn and move the particles back in every pose, and add them to the class sums."""
        there = np.outer(self.offsets.real, self.nodes.x) + np.outer(self.offsets.imag, self.nodes.y)
        back = np.exp(2j * np.pi / self.model.box * there)
        for j in range(self.search.n_psi):
            for particle, weights in seen:
                if weights[:, j].sum() < _NEGLIGIBLE:
                    continue
                one = self.particles.rows(np.array([particle.number]))
                group = self.groups[int(one.optics_group[0])]
                angle = float(self._angles(particle)[j])
                image = self._transform(particle.masked, particle.rest, group, -angle)
                transfer = self._transfer(one, group, -angle) * self.model.scale[int(one.group[0])]
                sums.numerator += (weights[:, j] @ back) * (transfer * image / (2 * particle.variance))
                sums.denominator += weights[:, j].sum(axis=1)[:, None] * (transfer**2 / (2 * particle.variance))

    def _in_reference_shells(self, power: np.ndarray, particle: Particle) -> np.ndarray:
        group = self.groups[int(self.particles.optics_group[particle.number])]
        extent = self._extent(group)
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


def plain_averages(model: Model, sums: Sums, nodes: Nodes, *, search: Search, tau2_fudge: float) -> np.ndarray:
    """Return the masked class averages (class, box, box) from sums on :meth:`Nodes.pixels`, with the prior of the model."""
    box = model.box
    prior = np.maximum(tau2_fudge * model.tau2[:, nodes.ring], 1e-30)
    average = sums.numerator / (sums.denominator + 1 / (2 * prior))
    planes = np.zeros((model.classes, box, box // 2 + 1), complex)
    x, y = nodes.x.astype(int), nodes.y.astype(int)
    planes[:, y, x] = average
    on_axis = x == 0
    planes[:, -y[on_axis], 0] = np.conj(average[:, on_axis])
    images = irfft2_centred(planes, box)
    mask = soft_circle(box, search.diameter / 2 / model.pixel_size, search.edge, dtype=np.float64)
    edge = (1 - mask) * (mask > 0)
    background = (images * edge).sum(axis=(1, 2)) / edge.sum()
    return np.asarray((images - background[:, None, None]) * mask)


def _with_power(predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return predicted, predicted.real**2 + predicted.imag**2


def _moved(image: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Move an image by whole px; what comes in from outside is zero."""
    result = np.zeros_like(image)
    box = len(image)
    for row in range(max(0, by[1]), min(box, box + by[1])):
        for column in range(max(0, by[0]), min(box, box + by[0])):
            result[row, column] = image[row - by[1], column - by[0]]
    return result


def _masked(image: np.ndarray, search: Search, group: OpticsGroup) -> np.ndarray:
    """Subtract the mean of the outside and make it zero."""
    mask = soft_circle(group.box, search.diameter / 2 / group.optics.pixel_size, search.edge, dtype=np.float64)
    background = (image * (1 - mask)).sum() / max((1 - mask).sum(), 1e-6)
    return np.asarray((image - background) * mask)


def _significant(weights: np.ndarray, fraction: float) -> np.ndarray:
    """Keep the largest weights that together make up the fraction, and make them sum to one."""
    if fraction >= 1:
        return weights
    order = np.sort(weights.ravel())[::-1]
    least = order[min(int(np.searchsorted(np.cumsum(order), fraction)), len(order) - 1)]
    kept = np.where(weights >= least, weights, 0.0)
    return np.asarray(kept / kept.sum())
