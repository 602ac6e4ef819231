"""Simulated 3D searches whose truth is known, small enough for the plain reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.ctf import Optics
from relionlab.engine.likelihood.particles import OpticsGroup, Particles
from relionlab.engine.masks import soft_circle
from relionlab.engine.projection import Projector
from relionlab.engine.refine3d.cartesian import PlainExpectation, PlainResult, nodes_of
from relionlab.engine.refine3d.expectation import Expectation
from relionlab.engine.refine3d.fixed import FixedExpectation
from relionlab.engine.refine3d.maximisation import signal_variance
from relionlab.engine.refine3d.shifted import ShiftedExpectation
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import COLUMNS, Sums
from relionlab.engine.rotations import matrix_from_euler, random_euler
from relionlab.engine.sampling import Widths, sampling
from relionlab.engine.steps import InlineExecutor, shards
from relionlab.engine.symmetry import PointGroup
from relionlab.engine.volume import FourierSums
from relionlab.engine.volume.solving import to_map
from tests.engine.classify2d_cases import coloured, image_of, spectrum

PIXEL, BOX = 4.0, 24


@dataclass(frozen=True)
class Case:
    """A model, particles, their images, and what the E-step is asked to do."""

    model: Model
    particles: Particles
    truth: Particles
    groups: tuple[OpticsGroup, ...]
    images: list[np.ndarray]
    search: Search

    def load(self, indices: np.ndarray) -> np.ndarray:
        return np.stack([self.images[i] for i in indices])

    def step(self, **options) -> Expectation | FixedExpectation:
        kind = FixedExpectation if not self.search.align else Expectation if self.search.rotate else ShiftedExpectation
        return kind(self.model, self.particles, self.groups, search=self.search, load=self.load, **options)

    def run(self, size: int = 64, **options) -> Sums:
        return InlineExecutor().run(self.step(**options), shards(len(self.particles), size))

    @cached_property
    def plain(self) -> PlainExpectation:
        nodes = nodes_of(self.model, self.search)
        return PlainExpectation(
            self.model, self.particles, self.groups, search=self.search, load=self.load, nodes=nodes
        )

    @property
    def group(self) -> PointGroup:
        assert self.search.sampling is not None
        return self.search.sampling.group

    def with_search(self, **changes) -> Case:
        return replace(self, search=replace(self.search, **changes))


def maps_of(classes: int, group: PointGroup, rng: np.random.Generator) -> np.ndarray:
    """Blobs inside a ball of 0.3 boxes, with a group's symmetry."""
    z, y, x = np.indices((BOX,) * 3) - BOX // 2
    maps = np.zeros((classes, BOX, BOX, BOX))
    for map_ in maps:
        for _ in range(6):
            middle = rng.normal(size=3)
            middle *= 0.2 * BOX * rng.uniform(0.3, 1) / np.linalg.norm(middle)
            height, width = rng.uniform(0.5, 1.5), rng.uniform(1.1, 1.8)
            for a, b, c in group.rotations @ middle:
                map_ += height * np.exp(-((x - a) ** 2 + (y - b) ** 2 + (z - c) ** 2) / (2 * width**2))
    maps *= np.sqrt(x**2 + y**2 + z**2) < 0.36 * BOX  # so that the plain reference has less to sum
    strength = [Projector.of_map(map_.astype(np.float32)).images(np.eye(3)[None]).std() for map_ in maps]
    return (maps / np.array(strength)[:, None, None, None]).astype(np.float32)


def case(
    *,
    count: int = 16,
    classes: int = 1,
    symmetry: str = "C1",
    snr: float = 0.3,
    groups: tuple[tuple[float, int], ...] = ((PIXEL, BOX),),
    aberrations: tuple[Aberrations, ...] = (),
    radius: int = 7,
    perturbation: float = 0.3,
    seed: int = 1,
    **search,
) -> Case:
    """Make a case.

    snr     variance of the signal, before the CTF, over that of the noise
    groups  pixel size in Å and box of each optics group; particles are dealt out in turn
    """
    rng = np.random.default_rng(seed)
    grid = sampling(0, group=symmetry).perturbed(perturbation)
    if isinstance(search.get("widths"), float):
        search["widths"] = Widths.alike(search["widths"])
    options = {"offset_range": 1.5, "offset_step": 1.5, "diameter": 0.7 * BOX * PIXEL, "edge": 2.0, "fraction": 1.0}
    wanted = Search(**{**options, "sampling": grid, **search})
    maps = maps_of(classes, grid.group, rng)
    aberrations += (Aberrations(),) * (len(groups) - len(aberrations))
    optics = tuple(
        OpticsGroup(Optics(300.0, 2.7, 0.1, pixel), box, seen_with)
        for (pixel, box), seen_with in zip(groups, aberrations, strict=True)
    )
    optics_group = np.arange(count) % len(optics)
    noise_groups = 2 * len(optics)
    defocus, zeros = rng.uniform(9000, 20000, count), np.zeros(count)
    rot, tilt, psi = random_euler(rng, count)
    truth = Particles(
        group=optics_group * 2 + rng.integers(0, 2, count), optics_group=optics_group, defocus_u=defocus + 200,
        defocus_v=defocus - 200, defocus_angle=rng.uniform(0, 180, count), phase_shift=zeros, bfactor=zeros,
        ctf_scale=rng.uniform(0.9, 1.1, count), rot=rot, tilt=tilt, psi=psi, origin=rng.normal(0, 1.0 * PIXEL, (count, 2)),
        class_index=rng.integers(0, classes, count), half=np.zeros(count, np.int64), norm=rng.uniform(0.9, 1.1, count),
        log_likelihood=zeros, best_weight=zeros, significant=np.zeros(count, np.int64),
    )  # fmt: skip
    scale, sigma = np.linspace(0.85, 1.15, noise_groups), 1 / np.sqrt(snr)
    model = Model(
        references=maps, pixel_size=PIXEL, class_share=np.linspace(1, 2, classes) / np.linspace(1, 2, classes).sum(),
        tau2=signal_variance(maps), sigma2=noise_of(optics, wanted, sigma), scale=scale, offset_sigma=1.5 * PIXEL,
        mean_norm=1.0, radius=radius, resolution_shell=radius,
    )  # fmt: skip
    images = [image(truth.rows(np.array([n])), maps, model, optics, wanted, sigma, rng) for n in range(count)]
    moved = rng.normal(0, 0.4 * PIXEL, (count, 2)) if wanted.align else 0
    return Case(model, replace(truth, origin=truth.origin + moved), truth, optics, images, wanted)


def image(one: Particles, maps: np.ndarray, model: Model, optics, search: Search, sigma: float, rng) -> np.ndarray:
    """A particle's image, noise and all."""
    group, noise_group = optics[one.optics_group[0]], one.group[0]
    plane = matrix_from_euler(one.rot, one.tilt, one.psi)
    projection = Projector.of_map(maps[one.class_index[0]], padding=3).images(plane)[0]
    clean = image_of(projection, replace(one, psi=np.zeros(1)), group, search, BOX * PIXEL)
    noise = sigma * coloured(rng, group.box, 1 + 0.3 * (noise_group % 2))
    return ((clean * model.scale[noise_group] + noise) * one.norm[0]).astype(np.float32)


def noise_of(optics: tuple[OpticsGroup, ...], search: Search, sigma: float) -> np.ndarray:
    """The noise spectra of two groups per optics group, (groups, shells)."""
    sigma2 = np.zeros((2 * len(optics), BOX // 2 + 1))
    for g in range(len(sigma2)):
        group = optics[g // 2]
        extent = group.box * group.optics.pixel_size / (BOX * PIXEL)
        shell = np.arange(BOX // 2 + 1) * extent
        inside = np.mean(soft_circle(group.box, search.diameter / 2 / group.optics.pixel_size, search.edge) ** 2)
        power = extent**4 * sigma**2 * spectrum(shell / group.box, 1 + 0.3 * (g % 2))
        sigma2[g] = power * inside / (2 * group.box**2)
    return sigma2


def column(sums: Sums, name: str) -> np.ndarray:
    return sums.poses[0][:, COLUMNS.index(name)]


def back_projections(made: Case, sums: FourierSums) -> tuple[np.ndarray, ...]:
    """The numerators and the weights of a map in real space, as PlainExpectation.back_projected makes them."""
    lattice, reach = sums.lattice, made.plain.reach
    completed = sums.completed(made.group)[lattice.inner]
    units, middle = lattice.padded**3 / lattice.n**2, slice(BOX // 2 - reach, BOX // 2 + reach + 1)
    parts = (completed[..., 0] + 1j * completed[..., 1], completed[..., 2] + 0j)
    return tuple(to_map(part.astype(np.complex64), lattice)[middle, middle, middle] * units for part in parts)


def plain_back_projections(made: Case, result: PlainResult, c: int) -> tuple[np.ndarray, ...]:
    parts = (result.given[c], result.weight[c])
    return tuple(made.plain.back_projected(part, result.rotations, made.group) for part in parts)
