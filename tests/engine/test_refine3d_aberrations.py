"""A 3D E-step finds poses in stretched images with aberrations, and the map that they show."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relionlab.engine.aberrations import Aberrations
from relionlab.engine.ctf import Optics, ctf
from relionlab.engine.fourier import frequencies, irfft2_centred, shift_phases
from relionlab.engine.likelihood.particles import OpticsGroup, Particles
from relionlab.engine.projection import Projector
from relionlab.engine.refine3d.expectation import Expectation
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import COLUMNS
from relionlab.engine.rotations import angle_between, matrix_from_euler, random_euler
from relionlab.engine.sampling import sampling
from relionlab.engine.steps import InlineExecutor
from relionlab.engine.volume import reconstruct, weight_spectrum
from tests.engine.volume_cases import Blobs, shell_correlation

N, PIXEL, COUNT, NOISE = 32, 4.0, 150, 1.0
SEEN_WITH = Aberrations(
    odd=(0.0, 0.0, 3000.0, 0.0, 0.0, -2000.0),
    even=(0.0, 60.0, 0.0, 40.0),
    tilt_mrad=(300.0, -200.0),
    magnification=((1.1, 0.04), (-0.03, 0.92)),
)
MICROSCOPE = Optics(300.0, 2.7, 0.1, PIXEL)


def truth() -> np.ndarray:
    map_ = Blobs(N, width=1.5).map()
    return np.asarray(map_ / Projector.of_map(map_).images(np.eye(3)[None]).std(), np.float32)


def simulated() -> tuple[Particles, np.ndarray]:
    """Particles in stretched images with all aberrations, far from the middle, and their images."""
    rng = np.random.default_rng(0)
    rot, tilt, psi = random_euler(rng, COUNT)
    defocus, origin = rng.uniform(8000, 20000, COUNT), rng.uniform(-4, 4, (COUNT, 2)) * PIXEL
    zeros, ones = np.zeros(COUNT), np.ones(COUNT)
    particles = Particles(
        group=np.zeros(COUNT, int), optics_group=np.zeros(COUNT, int), defocus_u=defocus, defocus_v=defocus + 300,
        defocus_angle=zeros, phase_shift=zeros, bfactor=zeros, ctf_scale=ones, rot=rot, tilt=tilt, psi=psi, origin=origin,
        class_index=np.zeros(COUNT, int), half=np.zeros(COUNT, int), norm=ones, log_likelihood=zeros, best_weight=zeros,
        significant=np.zeros(COUNT, int),
    )  # fmt: skip
    planes = matrix_from_euler(rot, tilt, psi)
    planes[:, :2] = np.array(SEEN_WITH.magnification).T @ planes[:, :2]
    transforms = Projector.of_map(truth(), padding=3).slices(planes)
    x, y = SEEN_WITH.of_object(*frequencies(N, PIXEL))
    transforms = transforms * np.exp(1j * SEEN_WITH.antisymmetric_phase(x, y, optics=MICROSCOPE))
    u = defocus[:, None, None]
    transforms = transforms * ctf(
        x, y, optics=MICROSCOPE, defocus_u=u, defocus_v=u + 300, defocus_angle=0.0, symmetric_phase=SEEN_WITH.symmetric_phase(x, y)
    )  # fmt: skip
    transforms = transforms * shift_phases(N, -origin / PIXEL)
    images = irfft2_centred(transforms.astype(np.complex64), N)
    return particles, (images + NOISE * rng.standard_normal(images.shape)).astype(np.float32)


def step(aberrations: Aberrations) -> tuple[Expectation, Particles]:
    particles, images = simulated()
    rng = np.random.default_rng(1)
    shells = N // 2 + 1
    model = Model(
        references=truth()[None], pixel_size=PIXEL, class_share=np.ones(1), tau2=np.ones((1, shells)),
        sigma2=np.full((1, shells), NOISE**2 / (2 * N**2)), scale=np.ones(1), offset_sigma=4 * PIXEL, mean_norm=1.0,
        radius=12, resolution_shell=12,
    )  # fmt: skip
    search = Search(sampling=sampling(2), offset_range=3.0, offset_step=1.5, diameter=0.8 * N * PIXEL, edge=3.0)
    start = replace(particles, origin=particles.origin + rng.uniform(-2, 2, (COUNT, 2)) * PIXEL)
    group = OpticsGroup(MICROSCOPE, N, aberrations)
    return Expectation(model, start, (group,), search=search, load=lambda indices: images[indices]), particles


def test_poses_and_map_are_found_in_stretched_images_with_aberrations() -> None:
    found, scores = {}, {}
    for name, aberrations in (("with", SEEN_WITH), ("without", Aberrations())):
        expectation, particles = step(aberrations)
        sums = InlineExecutor().run(expectation, [np.arange(COUNT)])
        column = dict(zip(COLUMNS, sums.poses[0].T, strict=True))
        turns = [matrix_from_euler(*angles) for angles in (
            (column["rot"], column["tilt"], column["psi"]), (particles.rot, particles.tilt, particles.psi))]  # fmt: skip
        moved = np.stack([column["x"], column["y"]], axis=1) * PIXEL - particles.origin
        found[name] = np.median(angle_between(*turns)), np.median(np.hypot(*moved.T)) / PIXEL
        weights = weight_spectrum(sums.maps[0].completed(), sums.maps[0].lattice)
        map_ = reconstruct(sums.maps[0], inverse_tau2=np.full(13, 1e-3 * weights.mean()))
        scores[name] = shell_correlation(map_, truth())[4:8].min()
    assert found["with"][0] < 6  # the fine grid has 7.5°
    assert found["with"][1] < 0.5
    assert found["without"][0] > 1.5 * found["with"][0]
    assert scores["with"] > 0.75 > scores["without"] + 0.1
