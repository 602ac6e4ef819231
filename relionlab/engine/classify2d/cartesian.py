"""The E- and M-step written plainly: double precision, one particle after the other, direct Fourier sums, no FFT.

This is RELION's discretisation: the squared differences are summed over the pixels of half the Fourier plane whose
rounded radius is 1 … radius. It is slow, and there so that the tests can say how far the polar engine is from it. On
the nodes of a polar grid instead of pixels it computes what the polar engine computes, to rounding.

Conventions: an image is the reference turned by psi and then moved, image(k) = reference(R(psi) k) with R turning from
+x towards +y; the origin of an image that was moved by o and matches a reference moved by t is o - R(-psi) t.
"""

from __future__ import annotations

import numpy as np

from relionlab.engine.classify2d.expectation import Sums
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.fourier import irfft2_centred
from relionlab.engine.likelihood.cartesian import Nodes, Particle, PlainImages, direct_transform, significant_weights
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.masks import soft_circle

_NEGLIGIBLE = 1e-12


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
        self.search, self.nodes = search, nodes
        self._images = PlainImages(model, particles, groups, imaging=search, load=load, nodes=nodes, whole=search.align)
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
        tables = [self._posterior(self._images.particle(int(n))) for n in indices]
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
            (particle, *self._posterior(particle))
            for particle in (self._images.particle(int(n)) for n in np.sort(indices))
        ]
        rows = [self._add(particle, weights, likelihood, sums) for particle, weights, likelihood in seen]
        self._insert([(particle, weights) for particle, weights, _ in seen], sums)
        sums.indices, sums.poses = [np.sort(indices)], [np.array(rows)]
        return sums

    # --- one particle -------------------------------------------------------------------------------------------

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
        weights = significant_weights(weights / total, self.search.fraction)
        constant = self.compared @ np.log(2 * np.pi * particle.variance)
        return weights, float(highest + np.log(total) - constant)

    def _add(self, particle: Particle, weights: np.ndarray, likelihood: float, sums: Sums) -> tuple[float, ...]:
        """Add a particle to its group's sums; return its row of ``Sums.poses``."""
        predicted, power = self._known or _with_power(self._predictions(self._angles(particle)))
        group, shells = int(self.particles.group[particle.number]), self.model.box // 2 + 1
        mean, square = (np.tensordot(weights, table, axes=3) for table in (predicted, power))
        residual, cross, auto = self._images.moments(particle, mean, square)
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
                image = self._images.transform(particle.masked, particle.rest, group, degrees=-angle)
                transfer = self._images.transfer(one, group, -angle) * self.model.scale[int(one.group[0])]
                sums.numerator += (weights[:, j] @ back) * (transfer * image / (2 * particle.variance))
                sums.denominator += weights[:, j].sum(axis=1)[:, None] * (transfer**2 / (2 * particle.variance))


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
