"""The E-step of a 3D model written plainly: double precision, every pose of the fine grid, direct Fourier sums, no FFT.

It is slow, and there so that the tests can say how far the engine is from it: on the nodes of a polar grid for searches, on
Fourier pixels for known poses. A slice is summed over the voxels of the map in the plane of its own rotation, and what the
particles give a map is summed back to its voxels: nothing is interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relionlab.engine.likelihood.cartesian import Nodes, Particle, PlainImages, significant_weights
from relionlab.engine.likelihood.particles import Loader, OpticsGroup, Particles
from relionlab.engine.refine3d.grids import fine_grid, fine_offsets, sampling_of, view_rotations
from relionlab.engine.refine3d.local import surroundings
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.rotations import euler_from_matrix, matrix_from_euler
from relionlab.engine.sampling.local import CUT_OFF
from relionlab.engine.symmetry import PointGroup

_AT_ONCE = 4096  # frequencies
_NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Orientations:
    """The orientations that particles are compared in, O of them.

    rotations  (O, 3, 3)
    direction, angle  (O,) the coarse direction and in-plane angle that each stands for
    slices     (class, O, p) transforms of the maps on the nodes
    """

    rotations: np.ndarray
    direction: np.ndarray
    angle: np.ndarray
    slices: np.ndarray


@dataclass(frozen=True)
class PlainResult:
    """The sums over particles.

    sums      as Expectation returns them, but without maps
    given, weight  (class, O, p) what the particles give the nodes of each orientation: numerators and weights
    rotations (O, 3, 3)
    """

    sums: Sums
    given: np.ndarray
    weight: np.ndarray
    rotations: np.ndarray


class PlainExpectation:
    """The E-step, with the arguments of :class:`~relionlab.engine.refine3d.expectation.Expectation`, and nodes."""

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
        self._images = PlainImages(model, particles, groups, imaging=search, load=load, nodes=nodes, whole=False)
        offsets = fine_offsets(search).reshape(-1, 2) if search.align else np.zeros((1, 2))
        self.offsets = offsets @ np.array([1, 1j])
        turn = -2j * np.pi / model.box
        self._phases = np.exp(turn * (np.outer(offsets[:, 0], nodes.x) + np.outer(offsets[:, 1], nodes.y)))
        inside = np.abs(model.references).max(axis=0) > 0
        line = np.abs(np.indices(inside.shape) - model.box // 2).max(axis=0)
        # half the width of the cube that holds the maps: outside there is nothing to sum
        self.reach = min(int(line[inside].max()), model.box // 2 - 1)
        limit = search.radius_limit or model.box
        self.compared = nodes.weight * ((nodes.ring >= search.first_shell) & (nodes.ring <= limit))
        self.orientations = self._all_orientations() if search.align and search.rotate else None

    def posterior(self, number: int) -> tuple[np.ndarray, float]:
        """Return a particle's posterior (class, O, offset), and the log of the sum of likelihood times prior."""
        return self._posterior(self._images.particle(number), self._of(number))

    def run(self) -> PlainResult:
        """Return the sums over all particles; in known poses the orientations are the particles' own."""
        model, count = self.model, len(self.particles)
        every = self.orientations
        rotations = self._poses() if every is None else every.rotations
        shape = (model.classes, len(rotations), len(self.nodes.x))
        given, weight = np.zeros(shape, complex), np.zeros(shape)
        directions = len(sampling_of(self.search))
        groups, shells = model.sigma2.shape
        sums = Sums(
            maps=[],
            share=np.zeros(model.classes),
            directions=np.zeros((model.classes, directions)),
            residual=np.zeros((groups, shells)),
            members=np.zeros(groups, np.int64),
            cross=np.zeros((groups, shells)),
            auto=np.zeros((groups, shells)),
        )
        rows = []
        for n in range(count):
            particle, where = self._images.particle(n), self._of(n)
            weights, likelihood = self._posterior(particle, where)
            rows.append(self._add(particle, where, (weights, likelihood), sums))
            place = slice(n, n + 1) if every is None else slice(None)
            precision = self.nodes.weight * particle.transfer / (2 * particle.variance)
            given[:, place] += (weights @ self._phases) * (precision * particle.transform)
            weight[:, place] += weights.sum(axis=2)[..., None] * (precision * particle.transfer)
        sums.indices, sums.poses = [np.arange(count)], [np.array(rows)]
        return PlainResult(sums, given, weight, rotations)

    def back_projected(self, values: np.ndarray, rotations: np.ndarray, group: PointGroup) -> np.ndarray:
        """Return the map that values (O, p) of planes make by direct sums, over a group's operations.

        Only of the cube that holds the references: (2 reach + 1,) * 3, the origin in its middle.
        """
        total = np.zeros((2 * self.reach + 1,) * 3)
        used = np.abs(values).max(axis=1) > _NEGLIGIBLE * np.abs(values).max()
        values = values[used]
        for operation in group.rotations:
            places = _places(self.nodes, rotations[used] @ operation)
            for start in range(0, len(places), _AT_ONCE):
                some = slice(start, start + _AT_ONCE)
                x, y, z = (self._waves(places[some, axis]).conj() for axis in range(3))
                planes = (z[:, None] * y).reshape(-1, z.shape[1]) * values.ravel()[some]
                total += (planes @ x.T).real.reshape(total.shape)
        return 2 * total  # the other half of Fourier space

    # --- the orientations ---------------------------------------------------------------------------------------

    def _all_orientations(self) -> Orientations:
        grid, parts = sampling_of(self.search), 2**self.search.oversampling
        views = view_rotations(self.search, fine=True)
        turns = matrix_from_euler(0.0, 0.0, np.arange(grid.n_psi * parts) * (grid.psi_step / parts))
        rotations = (turns[None] @ views[:, None]).reshape(-1, 3, 3)
        view, turn = np.divmod(np.arange(len(rotations)), len(turns))
        return Orientations(rotations, view // 4**self.search.oversampling, turn // parts, self._slices(rotations))

    def _of(self, number: int) -> Orientations:
        if self.orientations is not None:
            return self.orientations
        grid, rotations = sampling_of(self.search), self._poses()[number : number + 1]
        equivalent = grid.group.equivalent_poses(rotations)[0] @ grid.turn.T
        nearest = (equivalent[:, 2] @ grid.vectors.T).max(axis=0).argmax()
        return Orientations(rotations, np.array([nearest]), np.zeros(1, np.int64), self._slices(rotations))

    def _poses(self) -> np.ndarray:
        return matrix_from_euler(self.particles.rot, self.particles.tilt, self.particles.psi)

    def _slices(self, rotations: np.ndarray) -> np.ndarray:
        box, side = self.model.box, 2 * self.reach + 1
        middle = slice(box // 2 - self.reach, box // 2 + self.reach + 1)
        maps = self.model.references[:, middle, middle, middle].astype(float)
        places = _places(self.nodes, rotations)
        out = np.empty((len(maps), len(places)), complex)
        for start in range(0, len(places), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            x, y, z = (self._waves(places[some, axis]) for axis in range(3))
            for c, map_ in enumerate(maps):
                columns = (map_.reshape(-1, side) @ x).reshape(side, side, -1)
                out[c, some] = ((columns * y).sum(axis=1) * z).sum(axis=0)
        return out.reshape(len(maps), len(rotations), -1) / box**2

    def _waves(self, frequencies: np.ndarray) -> np.ndarray:
        """Return exp(-2 pi i k x / box) for the places x of a line through the cube, (2 reach + 1, p)."""
        line = np.arange(-self.reach, self.reach + 1)
        return np.exp(-2j * np.pi / self.model.box * np.outer(line, frequencies))

    # --- one particle -------------------------------------------------------------------------------------------

    def _posterior(self, particle: Particle, where: Orientations) -> tuple[np.ndarray, float]:
        image, transfer = particle.transform, particle.transfer
        precision = self.compared / (2 * particle.variance)
        value = 2 * (where.slices @ (precision * transfer * np.conj(image * self._phases)).T).real
        value -= ((np.abs(where.slices) ** 2) @ (precision * transfer**2))[..., None]
        value -= precision @ np.abs(image) ** 2
        if self.search.size_prior:
            value += np.log(self.model.class_share)[:, None, None]
        if self.search.align:
            sigma = self.search.step_sigma
            variance = (self.model.offset_sigma / self.model.pixel_size) ** 2 if sigma is None else sigma**2
            middle = 0 if sigma is None else particle.origin
            value -= np.abs(particle.origin + self.offsets - middle) ** 2 / (2 * variance)
        if self.search.widths is not None:
            value += self._prior(particle.number, where)[:, None]
        highest = value.max()
        weights = np.exp(value - highest)
        total = weights.sum()
        constant = self.compared @ np.log(2 * np.pi * particle.variance)
        kept = significant_weights(weights / total, self.search.fraction)
        return kept, float(highest + np.log(total) - constant)

    def _prior(self, number: int, where: Orientations) -> np.ndarray:
        """Return the log prior (O,) of orientations around the particle's last one."""
        grid, widths = sampling_of(self.search), self.search.widths
        assert widths is not None
        pose = matrix_from_euler(*self.particles.rows(np.array([number])).expected_angles())
        total = np.full(len(where.rotations), -np.inf)
        for near in surroundings(grid, pose, widths=widths, relaxed=self.search.relaxed)[0]:
            for direction, prior, psi in zip(near.direction, near.prior, near.psi, strict=True):
                away = np.abs((where.angle * grid.psi_step - psi + 180) % 360 - 180)
                sigma = widths.psi or np.inf
                here = (where.direction == direction) & (away <= max(CUT_OFF * sigma, grid.psi_step))
                total[here] = np.logaddexp(total[here], prior - away[here] ** 2 / (2 * sigma**2))
        return total

    def _add(
        self, particle: Particle, where: Orientations, found: tuple[np.ndarray, float], sums: Sums
    ) -> tuple[float, ...]:
        """Add a particle to its group's sums; return its row of ``Sums.poses``."""
        weights, likelihood = found
        mean = np.einsum("cot,tp,cop->p", weights, self._phases.conj(), where.slices, optimize=True)
        square = np.einsum("co,cop->p", weights.sum(axis=2), np.abs(where.slices) ** 2)
        residual, cross, auto = self._images.moments(particle, mean, square)
        group = int(self.particles.group[particle.number])
        for total, value in ((sums.residual, residual), (sums.cross, cross), (sums.auto, auto)):
            total[group] += value
        sums.members[group] += 1
        sums.share += weights.sum(axis=(1, 2))
        for c in range(self.model.classes):
            np.add.at(sums.directions[c], where.direction, weights[c].sum(axis=1))
        origins = particle.origin + self.offsets
        sums.offset2 += float(weights.sum(axis=(0, 1)) @ np.abs(origins) ** 2)
        c, o, t = (int(index) for index in np.unravel_index(weights.argmax(), weights.shape))
        shell = np.arange(1, len(residual))
        chi2 = (residual[1:] / (2 * self.model.sigma2[group][1:])) @ shell / shell.sum()
        aberrations = self.groups[int(self.particles.optics_group[particle.number])].aberrations
        angles, origin = euler_from_matrix(where.rotations[o]), aberrations.offset_of_image(origins[t])
        significant = float((weights > 0).sum())
        return (float(c), *map(float, angles), origin.real, origin.imag, likelihood, weights.max(), significant, chi2)


def nodes_of(model: Model, search: Search) -> Nodes:
    """Return the nodes that the engine compares on: of the polar grid, or Fourier pixels where poses are known."""
    grid = fine_grid(model, search)
    return Nodes.polar(grid) if search.align and search.rotate else Nodes.pixels(model.box, grid.radius)


def _places(nodes: Nodes, rotations: np.ndarray) -> np.ndarray:
    """Return where the nodes of planes lie in the map's Fourier space, (O p, 3) x, y, z."""
    plane = np.stack([nodes.x, nodes.y], axis=1)
    return (plane @ rotations[:, :2]).reshape(-1, 3)
