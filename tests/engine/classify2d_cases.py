"""Simulated 2D classifications whose truth is known, small enough for the plain reference."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.classify2d.expectation import Expectation, grid_for
from relionlab.engine.classify2d.maximisation import prior_variance
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.ctf import Optics, ctf
from relionlab.engine.fourier import irfft2_centred
from relionlab.engine.likelihood.cartesian import Nodes, direct_transform
from relionlab.engine.likelihood.particles import OpticsGroup, Particles
from relionlab.engine.masks import soft_circle
from relionlab.engine.steps import InlineExecutor, shards

PIXEL = 3.5


@dataclass(frozen=True)
class Case:
    """A model, particles, their images, and what the E-step is asked to do."""

    model: Model
    particles: Particles
    groups: tuple[OpticsGroup, ...]
    images: list[np.ndarray]
    search: Search

    def load(self, indices: np.ndarray) -> np.ndarray:
        return np.stack([self.images[i] for i in indices])

    def step(self) -> Expectation:
        return Expectation(self.model, self.particles, self.groups, search=self.search, load=self.load)

    def run(self, size: int = 64):
        return InlineExecutor().run(self.step(), shards(len(self.particles), size))

    def nodes(self, *, polar: bool) -> Nodes:
        grid = grid_for(self.model, self.search)
        return Nodes.polar(grid) if polar else Nodes.pixels(self.model.box, grid.radius)

    def with_search(self, **changes) -> Case:
        return replace(self, search=replace(self.search, **changes))


def references(rng: np.random.Generator, classes: int, box: int, radius_px: float) -> np.ndarray:
    """Blobs inside a soft disc, without symmetry."""
    y, x = np.mgrid[:box, :box] - box // 2
    images = np.zeros((classes, box, box))
    for image in images:
        for _ in range(7):
            distance, angle, width = rng.uniform(0, 0.65 * radius_px), rng.uniform(0, 2 * np.pi), rng.uniform(1.2, 2.5)
            centre = distance * np.exp(1j * angle)
            image += rng.uniform(0.5, 1) * np.exp(-((x - centre.real) ** 2 + (y - centre.imag) ** 2) / (2 * width**2))
    images *= soft_circle(box, radius_px - 1, 3, dtype=np.float64)
    return (images / images.std(axis=(1, 2), keepdims=True)).astype(np.float32)


def case(
    *,
    count: int = 240,
    box: int = 36,
    classes: int = 3,
    snr: float = 0.15,
    astigmatism: float = 400.0,
    groups: tuple[tuple[float, int], ...] = ((PIXEL, 36),),
    aberrations: tuple[Aberrations, ...] = (),
    radius: int = 13,
    seed: int = 1,
    **search,
) -> Case:
    """Make a case.

    snr     variance of the signal (before the CTF) over that of the noise, in the images
    groups  pixel size in Å and box of each optics group; particles are dealt out in turn
    aberrations  of the first groups; the others have none
    """
    rng = np.random.default_rng(seed)
    diameter = 0.62 * box * PIXEL
    wanted = Search(
        **{"psi_step": 12.0, "offset_range": 2.0, "diameter": diameter, "edge": 4.0, "fraction": 1.0, **search}
    )
    refs = references(rng, classes, box, diameter / 2 / PIXEL)
    aberrations += (Aberrations(),) * (len(groups) - len(aberrations))
    optics = tuple(
        OpticsGroup(Optics(300.0, 2.7, 0.1, pixel), n, seen_with)
        for (pixel, n), seen_with in zip(groups, aberrations, strict=True)
    )
    optics_group = np.arange(count) % len(optics)
    noise_groups = 3 * len(optics)
    scale = np.linspace(0.8, 1.2, noise_groups)
    defocus = rng.uniform(9000, 20000, count)
    truth = Particles(
        group=optics_group * 3 + rng.integers(0, 3, count),
        optics_group=optics_group,
        defocus_u=defocus + astigmatism / 2,
        defocus_v=defocus - astigmatism / 2,
        defocus_angle=rng.uniform(0, 180, count),
        phase_shift=np.zeros(count),
        bfactor=np.zeros(count),
        ctf_scale=rng.uniform(0.9, 1.1, count),
        rot=np.zeros(count),
        tilt=np.zeros(count),
        psi=rng.uniform(-180, 180, count),
        origin=rng.normal(0, 1.2 * PIXEL, (count, 2)),
        class_index=rng.integers(0, classes, count),
        half=np.zeros(count, np.int64),
        norm=rng.uniform(0.9, 1.1, count),
        log_likelihood=np.zeros(count),
        best_weight=np.zeros(count),
        significant=np.zeros(count, np.int64),
    )
    sigma = 1 / np.sqrt(snr)
    images, sigma2 = [], np.zeros((noise_groups, box // 2 + 1))
    for n in range(count):
        one, group = truth.rows(np.array([n])), optics[optics_group[n]]
        colour = 1 + 0.3 * (one.group[0] % 3)
        clean = image_of(refs[one.class_index[0]], one, group, wanted, box * PIXEL)
        noise = sigma * coloured(rng, group.box, colour)
        images.append(((clean * scale[one.group[0]] + noise) * one.norm[0]).astype(np.float32))
    for g in range(noise_groups):
        group = optics[g // 3]
        shell = np.arange(box // 2 + 1) * group.box * group.optics.pixel_size / (box * PIXEL)
        inside = np.mean(soft_circle(group.box, diameter / 2 / group.optics.pixel_size, wanted.edge) ** 2)
        strength = (group.box * group.optics.pixel_size / (box * PIXEL)) ** 4  # see Observer.amplitude
        sigma2[g] = strength * sigma**2 * spectrum(shell / group.box, 1 + 0.3 * (g % 3)) * inside / (2 * group.box**2)
    model = Model(
        references=refs,
        pixel_size=PIXEL,
        class_share=np.linspace(1, 2, classes) / np.linspace(1, 2, classes).sum(),
        tau2=prior_variance(refs),
        sigma2=sigma2,
        scale=scale,
        offset_sigma=1.5 * PIXEL,
        mean_norm=1.0,
        radius=radius,
        resolution_shell=radius,
    )
    # what an earlier iteration might have known: near the truth, in whole and broken px
    known = replace(
        truth,
        psi=truth.psi if not (wanted.align and wanted.rotate) else rng.uniform(-180, 180, count),
        origin=truth.origin + (rng.normal(0, 0.6 * PIXEL, (count, 2)) if wanted.align else 0),
    )
    return Case(model, known, optics, images, wanted)


def image_of(reference: np.ndarray, one: Particles, group: OpticsGroup, search: Search, extent: float) -> np.ndarray:
    """The noise-free image of a particle, made in Fourier space to the image's Nyquist frequency."""
    nodes = Nodes.pixels(group.box, group.box // 2 - 1)
    size = group.box * group.optics.pixel_size
    q_x, q_y = group.aberrations.of_object(nodes.x, nodes.y)
    turned = (q_x + 1j * q_y) * np.exp(1j * np.radians(one.psi[0]))
    x, y = turned.real, turned.imag
    value = direct_transform(reference[None].astype(float), x * extent / size, y * extent / size)[0]
    value[np.hypot(x, y) * extent / size > len(reference) // 2] = 0
    seen_with = group.aberrations.antisymmetric_phase(q_x / size, q_y / size, optics=group.optics)
    if seen_with is not None:
        value = value * np.exp(1j * seen_with)
    away = -one.origin[0] / size
    value *= np.exp(-2j * np.pi * (nodes.x * away[0] + nodes.y * away[1]))
    if search.use_ctf:
        values = {
            name: getattr(one, field)[0]
            for name, field in (
                ("defocus_u", "defocus_u"),
                ("defocus_v", "defocus_v"),
                ("defocus_angle", "defocus_angle"),
                ("phase_shift", "phase_shift"),
                ("bfactor", "bfactor"),
                ("scale", "ctf_scale"),
            )
        }
        value *= ctf(
            q_x / size,
            q_y / size,
            optics=group.optics,
            symmetric_phase=group.aberrations.symmetric_phase(q_x / size, q_y / size),
            phase_flipped=search.phase_flipped,
            only_flip_phases=search.only_flip_phases,
            intact_first_peak=search.intact_first_peak,
            **values,
        )
    return on_half_plane(value * (extent / size) ** 2, nodes, group.box)  # the same grey values in any box


def on_half_plane(value: np.ndarray, nodes: Nodes, box: int) -> np.ndarray:
    plane = np.zeros((box, box // 2 + 1), complex)
    x, y = nodes.x.astype(int), nodes.y.astype(int)
    plane[y, x] = value
    plane[-y[x == 0], 0] = np.conj(value[x == 0])
    return irfft2_centred(plane, box)


def spectrum(frequency: np.ndarray, colour: float) -> np.ndarray:
    """Relative power of the noise at frequencies in cycles per px."""
    return colour / (1 + (4 * frequency) ** 2) + 0.4


def coloured(rng: np.random.Generator, box: int, colour: float) -> np.ndarray:
    """Noise with that spectrum."""
    frequency = np.hypot(np.fft.fftfreq(box)[:, None], np.fft.rfftfreq(box))
    white = np.fft.rfft2(rng.standard_normal((box, box)))
    return np.fft.irfft2(white * np.sqrt(spectrum(frequency, colour)), (box, box))
