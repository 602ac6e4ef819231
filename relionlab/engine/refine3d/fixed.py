"""One pass over particles whose poses are known: the posterior of the classes alone, and the sums that the M-step needs.

Each particle is compared with one slice of each map, in its own pose, on Fourier pixels. The images' transforms and CTFs
do not change between iterations and may be kept; noise, scales, norms and the radius are applied to sums over rings.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.spatial import cKDTree

from relionlab.engine.kernels.known_poses import compare, insert
from relionlab.engine.likelihood.kept import PictureCache
from relionlab.engine.likelihood.particles import Imaging, Loader, OpticsGroup, Particles
from relionlab.engine.likelihood.pixels import Pictures, PixelObserver, Pixels
from relionlab.engine.refine3d.grids import compared_rings, sampling_of
from relionlab.engine.refine3d.particle_pass import Found, ParticlePass, class_prior, record
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.volume import volume_of

BLOCK = 256
"""Particles compared at once: as many as use the lattice points near a ring while these are in the cache."""
_MADE_FROM = ("origin", "defocus_u", "defocus_v", "defocus_angle", "phase_shift", "bfactor", "ctf_scale")
_SAME_TO = 1e-5  # Å and degrees: origins that are written and read again are the same
_PER_SHARD = 20

Factors = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Of a block: what multiplies <X, c A> (n,) and |c A|² (n,), and one over twice the noise (n, k)."""


@dataclass(frozen=True)
class Weighed:
    """The posterior of a block of n particles, and what it sums over rings, weighed by it.

    weights       (n, class) and numbers (n, 4), as in Found; classes (n,) of the best
    cross, auto   (n, k) <X, s c A> and |s c A|²; power (n, k) |X|²
    signals       of each class, the particles' transforms (n, P or more), moved to where it puts them
    origin        (n,) complex px of the references, of the best; ``None``: they stay
    offset2       expected squared origins in px², summed
    """

    weights: np.ndarray
    numbers: np.ndarray
    classes: np.ndarray
    cross: np.ndarray
    auto: np.ndarray
    power: np.ndarray
    signals: list[np.ndarray]
    origin: np.ndarray | None
    offset2: float


class FixedExpectation(ParticlePass):
    """The E-step of a classification that keeps poses, as a Step (engine/steps.py).

    cache  where pictures are kept from one pass to the next; ``None``: they are made each time
    """

    kept = (*ParticlePass.kept, "cache")

    def __init__(
        self,
        model: Model,
        particles: Particles,
        groups: tuple[OpticsGroup, ...],
        *,
        search: Search,
        load: Loader,
        cache: PictureCache | None = None,
    ) -> None:
        super().__init__(model, particles, groups, search=search, load=load)
        # noise around the particle follows the noise spectra, which change
        self.cache = cache if search.zero_mask else None

    @property
    def least_shard(self) -> int:
        """Particles in a shard, at the least, so that adding up the shards' maps takes a small part of the time.

        A shard's maps have some 30 k³ lattice points per class, and a particle has 1.6 k² pixels. It is the same in every
        iteration, so that the blocks are, which are kept.
        """
        return -(-_PER_SHARD * self.model.classes * self.model.box // 2 // BLOCK) * BLOCK

    def _prepare(self) -> None:
        model, search = self.model, self.search
        # all shells, so that what is kept can be used when the radius grows
        everything = Pixels.up_to(model.box // 2 - 1)
        self._observers = [PixelObserver(everything, group, model, search) for group in self.groups]
        self.pixels = Pixels.up_to(self.grid.radius)
        self._points = np.stack([self.pixels.x, self.pixels.y], axis=1).astype(np.float32)
        volumes = [volume_of(np.asarray(one, np.float32), self.lattice) for one in model.references]
        self._volumes = np.ascontiguousarray(np.stack(volumes, axis=3))
        self._tree = cKDTree(sampling_of(search).vectors)
        compared = compared_rings(self.grid, search)
        rings = np.arange(self.grid.radius)
        self._compared = ((rings >= compared.start) & (rings < compared.stop)).astype(float)

    def process(self, indices: np.ndarray) -> Sums:
        """Return the sums over these particles."""
        sums = self._zeros()
        for optics in np.unique(self.particles.optics_group[indices]):
            members = indices[self.particles.optics_group[indices] == optics]
            for start in range(0, len(members), BLOCK):
                self._block(members[start : start + BLOCK], int(optics), sums)
        return sums

    def _block(self, indices: np.ndarray, optics: int, sums: Sums) -> None:
        particles, model, counts = self.particles.rows(indices), self.model, self.pixels.counts
        seen, norm = self._seen(indices, particles, optics)
        rotations = matrix_from_euler(particles.rot, particles.tilt, particles.psi)
        turns = (rotations[:, :2] * self.lattice.padding).astype(np.float32)
        scale = model.scale[particles.group]
        precision = 0.5 / model.sigma2[particles.group][:, 1 : self.grid.radius + 1]
        factors = (norm * scale, scale**2, precision)
        one = self._weigh(seen, turns, factors)
        self._insert(seen, one, turns, factors, sums)
        everything = seen.power * norm[:, None] ** 2
        everything[:, 1 : self.grid.radius + 1] = one.power * norm[:, None] ** 2 / counts
        origin = (particles.origin / model.pixel_size) @ np.array([1, 1j])
        found = Found(
            indices=indices,
            group=particles.group,
            power=everything,
            cross=one.cross / counts,
            auto=one.auto / counts,
            classes=one.classes,
            angles=np.stack([particles.rot, particles.tilt, particles.psi], axis=1),
            origin=origin if one.origin is None else self.groups[optics].aberrations.offset_of_image(one.origin),
            numbers=one.numbers,
        )
        pixels = np.zeros(model.box // 2 + 1)
        pixels[1 : self.grid.radius + 1] = counts * self._compared
        record(found, sums, sigma2=model.sigma2, pixels=pixels)
        sums.share += one.weights.sum(axis=0)
        directions = self._directions(rotations)
        for of_class, weight in zip(sums.directions, one.weights.T, strict=True):
            np.add.at(of_class, directions, weight)
        sums.offset2 += one.offset2

    def _weigh(self, seen: Pictures, turns: np.ndarray, factors: Factors) -> Weighed:
        """Return the posterior of a block, and what it sums."""
        parts = compare(self._volumes, turns, self._points, self.pixels.first, seen.signal, seen.transfer)
        cross, auto, power = (part.astype(float) for part in parts)
        of_signal, of_weight, precision = factors
        cross *= of_signal[:, None, None]
        auto *= of_weight[:, None, None]
        values = ((2 * cross - auto) @ (precision * self._compared)[:, :, None])[..., 0]
        values += class_prior(self.model, self.search)
        weights, numbers = posterior_of(values, self.search.fraction)
        return Weighed(
            weights,
            numbers,
            weights.argmax(axis=1),
            cross=np.einsum("nc,nck->nk", weights, cross),
            auto=np.einsum("nc,nck->nk", weights, auto),
            power=power,
            signals=[seen.signal] * self.model.classes,
            origin=None,
            offset2=float((np.abs(seen.origin) ** 2).sum()),
        )

    def _directions(self, rotations: np.ndarray) -> np.ndarray:
        """Return the direction of the sampling that is nearest to each orientation, or to an equivalent one, (n,)."""
        grid = sampling_of(self.search)
        equivalent = grid.group.equivalent_poses(rotations) @ grid.turn.T
        distance, nearest = self._tree.query(equivalent[:, :, 2])
        return np.take_along_axis(nearest, distance.argmin(axis=1)[:, None], axis=1)[:, 0]

    def _seen(self, indices: np.ndarray, particles: Particles, optics: int) -> tuple[Pictures, np.ndarray]:
        """Return a block's pictures, and by what they are still to be multiplied (n,)."""
        observer, model = self._observers[optics], self.model
        if self.cache is None:
            return observer.look(particles, self.load(indices), identifiers=indices), np.ones(len(indices))
        imaging = tuple(getattr(self.search, field.name) for field in fields(Imaging))
        key = (indices.tobytes(), model.box, model.pixel_size, imaging, self.groups[optics])
        made_from = np.column_stack([np.rint(getattr(particles, name) / _SAME_TO) for name in _MADE_FROM])
        plain = replace(particles, norm=np.full(len(indices), model.mean_norm))
        seen = self.cache.pictures(
            key, made_from, lambda: observer.look(plain, self.load(indices), identifiers=indices)
        )
        return seen, model.mean_norm / particles.norm

    def _insert(
        self,
        seen: Pictures,
        one: Weighed,
        turns: np.ndarray,
        factors: Factors,
        sums: Sums,
    ) -> None:
        """Add the particles to the maps of the classes in which they have weight."""
        of_signal, of_weight, precision = factors
        for c, map_ in enumerate(sums.maps):
            share = one.weights[:, c, None] * precision
            towards, weight = ((share * factor[:, None]).astype(np.float32) for factor in (of_signal, of_weight))
            insert(map_.array, turns, self._points, self.pixels.first, one.signals[c], seen.transfer, towards, weight)


def posterior_of(values: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights (n, class) of log-likelihoods, without the small ones beyond a fraction, and ``numbers`` of Found."""
    highest = values.max(axis=1, keepdims=True)
    weights = np.exp(values - highest)
    total = weights.sum(axis=1, keepdims=True)
    weights /= total
    order = np.argsort(-weights, axis=1, kind="stable")
    ordered = np.take_along_axis(weights, order, axis=1)
    needed = (np.cumsum(ordered, axis=1) - ordered < fraction) & (ordered > 0)
    np.put_along_axis(weights, order, np.where(needed, ordered, 0.0), axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, np.column_stack([highest, np.log(total), weights.max(axis=1), needed.sum(axis=1)])
