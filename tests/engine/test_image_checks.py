"""What is wrong with foreign images is recognised, on simulated and on real particles, and nothing else is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from relionlab.engine.ctf import Optics, ctf_images
from relionlab.engine.fourier import irfft2_centred, rfft2_centred
from relionlab.engine.image_checks import check_images, check_shape, check_values, sample
from relionlab.engine.masks import soft_circle
from relionlab.engine.normalise import normalise
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_stack
from relionlab.io.particles import read_particles
from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.conditions import Simulation
from relionlab.simulation.scenes import Scenes
from relionlab.simulation.structures import density, read_atoms
from relionlab.simulation.truth import draw_truth

Stack = tuple[np.ndarray, np.ndarray]


def simulated(map_: np.ndarray, simulation: Simulation, diameter: float) -> Stack:
    truth = draw_truth(simulation, 1, diameter)
    images = Scenes([map_], truth, simulation, diameter).images(np.arange(simulation.count))
    return images, ctfs(truth, simulation.optics, simulation.box)


def ctfs(table, optics: Optics, n: int) -> np.ndarray:
    values = {name: table[f"rlnDefocus{label}"] for name, label in (("u", "U"), ("v", "V"), ("angle", "Angle"))}
    return ctf_images(n, optics=optics, **{f"defocus_{name}": value for name, value in values.items()})


@pytest.fixture(scope="module")
def built_in() -> Stack:
    return simulated(density(d2_assembly(), 64, 3.6), Simulation(count=300, pixel_size=3.6, neighbours=0.2), 210)


@pytest.fixture(scope="module")
def galactosidase(shared_data: Path) -> Stack:
    particles = read_particles(shared_data / "betagal/particles.star")
    particles = particles.rows(np.arange(0, len(particles), 4))
    images = ImageReader(particles.particles["rlnImageName"], shared_data / "empiar10204_betagal_relion5").read()
    return images, ctfs(particles.particles, Optics(200, 1.4, 0.1, 3.54), 64)


@pytest.fixture(params=["built_in", "galactosidase"])
def stack(request: pytest.FixtureRequest) -> Stack:
    return request.getfixturevalue(request.param)


def kinds(images: np.ndarray, ctf: np.ndarray | None = None, **options) -> list[str]:
    return [finding.kind for finding in check_images(images, ctf=ctf, **options)]


def filtered(images: np.ndarray, factor: np.ndarray) -> np.ndarray:
    return normalise(irfft2_centred(rfft2_centred(images) * factor, images.shape[-1]), background_radius=24)


def test_good_images_raise_no_alarm(stack: Stack) -> None:
    assert kinds(*stack) == []


def test_flipped_and_multiplied_images_are_recognised(stack: Stack) -> None:
    images, ctf = stack
    assert kinds(filtered(images, np.sign(ctf)), ctf) == ["phase-flipped"]
    assert kinds(filtered(images, np.sign(ctf)), ctf, told="phase-flipped") == []
    assert kinds(filtered(images, ctf), ctf) == ["CTF-multiplied"]
    assert kinds(filtered(images, ctf), ctf, told="CTF-multiplied") == []
    assert kinds(images, ctf, told="phase-flipped") == ["CTF as recorded"]


def test_inverted_contrast_is_recognised(stack: Stack) -> None:
    assert kinds(-stack[0]) == ["black on white"]


def test_masked_images_are_named(stack: Stack) -> None:
    images = stack[0][:50].copy()
    images[[3, 7]] *= soft_circle(64, 25, 5)
    (finding,) = [finding for finding in check_images(images) if finding.kind == "masked"]
    assert finding.particles.tolist() == [3, 7]
    assert "2 of 50 images (4, 8)" in finding.message


def test_interpolated_and_filtered_images_are_recognised(stack: Stack) -> None:
    images = stack[0][:150]
    angles = np.random.default_rng(0).uniform(0, 360, len(images))
    turned = np.stack(
        [
            ndimage.rotate(image, angle, order=1, reshape=False, mode="wrap")
            for image, angle in zip(images, angles, strict=True)
        ]
    )
    assert kinds(normalise(turned, background_radius=24)) == ["interpolated"]
    assert kinds(normalise(ndimage.gaussian_filter(images, (0, 2, 2)), background_radius=24)) == ["filtered"]


def test_wrong_normalisation_is_said_with_its_figures(stack: Stack) -> None:
    (finding,) = check_images(3 * stack[0][:100] + 7)
    assert finding.kind == "not normalised"
    assert "expected 0 and 1" in finding.message
    assert len(finding.particles) == 100
    assert kinds(stack[0][:100] + 3000) == ["not normalised"]  # raw counts: what the offset spreads is no low-pass
    few = stack[0][:100].copy()
    few[5] += 0.5
    assert kinds(few) == []  # one in a hundred is a neighbour or dirt, not a fault of the normalisation


def test_bad_values_are_named_by_their_own_numbers() -> None:
    images = np.random.default_rng(0).normal(size=(6, 8, 8))
    images[1, 2, 3], images[4, 0, 0], images[5] = np.nan, np.inf, 2.0
    first, second = check_values(images, indices=np.arange(10, 16))
    assert (first.kind, first.severity, first.particles.tolist()) == ("not finite", "error", [11, 14])
    assert "2 of 6 images (12, 15)" in first.message
    assert (second.kind, second.particles.tolist()) == ("constant", [15])


def test_shapes() -> None:
    assert check_shape((64, 64)) == []
    assert check_shape((64, 65))[0].kind == "not square"
    assert "--window 64" in check_shape((65, 65))[0].message
    assert kinds(np.zeros((0, 64, 64))) == []


def test_boxes_of_few_pixels_are_judged_too() -> None:
    images = np.random.default_rng(0).normal(size=(50, 16, 16)).astype(np.float32)
    assert kinds(images) == []
    assert "filtered" in kinds(ndimage.gaussian_filter(images, (0, 2, 2)))


def test_samples_are_spread_evenly() -> None:
    assert sample(5).tolist() == [0, 1, 2, 3, 4]
    chosen = sample(100_000, 1000)
    assert len(chosen) == 1000
    assert chosen[0] == 0
    assert chosen[-1] == 99_999


@pytest.mark.parametrize(
    ("box", "pixel_size", "snr", "defocus"), [(96, 1.5, 0.1, (5e3, 1e4)), (48, 4.0, 1.0, (1e4, 3e4))]
)
def test_other_molecules_and_pixel_sizes(box: int, pixel_size: float, snr: float, defocus, shared_data: Path) -> None:
    map_ = density(read_atoms(shared_data / "pdb/6z6u.pdb.gz"), box, pixel_size)
    simulation = Simulation(
        count=300, box=box, pixel_size=pixel_size, snr=snr, defocus=defocus, ice=0.4, neighbours=0.3, junk=0.2
    )
    images, ctf = simulated(map_, simulation, 130)
    assert kinds(images, ctf) == []
    assert "CTF-multiplied" in kinds(filtered(images, ctf), ctf)


def test_real_stacks_of_other_programs(shared_data: Path) -> None:
    directory = shared_data / "cryodrgn_real_subset"
    assert kinds(read_stack(directory / "relion31.mrcs")) == []
    assert kinds(read_stack(directory / "ay19102021_L3_position6_ribo_it09_bin8_1.82A.mrcs")) == [
        "not normalised"
    ]  # deviation 11
    assert kinds(read_stack(directory / "empiar_10076_7.mrc")) == ["black on white"]  # as one sees after blurring them
