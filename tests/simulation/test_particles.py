"""Simulated particles: they obey their own truth table, their SNR, and their seed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.ctf import ctf_images
from relionlab.engine.fourier import irfft2_centred
from relionlab.engine.masks import radius_grid
from relionlab.engine.normalise import background_statistics
from relionlab.engine.projection import Projector
from relionlab.engine.rotations import matrix_from_euler
from relionlab.errors import InputError
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import read_map, read_stack
from relionlab.io.particles import Particles, read_particles
from relionlab.simulation import Simulation, simulate_particles
from relionlab.simulation.assembly import d2_assembly
from relionlab.simulation.scenes import Scenes
from relionlab.simulation.truth import draw_truth

SMALL = Simulation(count=60, box=32, pixel_size=7.2, particles_per_micrograph=20, snr=2.0, seed=5)


def read_truth(directory: Path) -> Particles:
    return read_particles(directory / "truth.star", directory=directory)


def expected_images(truth: Particles, maps: tuple[Path, ...], simulation: Simulation) -> np.ndarray:
    """Project the written maps as the written table says, by the engine alone."""
    rows = truth.particles
    matrices = matrix_from_euler(*(rows[f"rlnAngle{name}"] for name in ("Rot", "Tilt", "Psi")))
    origins = np.stack([rows["rlnOriginXAngst"], rows["rlnOriginYAngst"]], axis=1) / simulation.pixel_size
    images = np.zeros((len(rows), simulation.box, simulation.box), np.float32)
    for number, path in enumerate(maps):
        chosen = np.flatnonzero(rows["rlnClassNumber"] == number + 1)
        images[chosen] = Projector.of_map(read_map(path)[0]).images(matrices[chosen], shifts_px=-origins[chosen])
    from relionlab.engine.fourier import rfft2_centred

    ctf = ctf_images(
        simulation.box,
        optics=simulation.optics,
        defocus_u=rows["rlnDefocusU"],
        defocus_v=rows["rlnDefocusV"],
        defocus_angle=rows["rlnDefocusAngle"],
    )
    return irfft2_centred(rfft2_centred(images) * ctf, simulation.box)


def correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    one, other = (x.reshape(len(x), -1) - x.reshape(len(x), -1).mean(axis=1, keepdims=True) for x in (one, other))
    return (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))


def test_images_are_what_the_truth_says(tmp_path: Path) -> None:
    simulation = Simulation(count=40, box=32, pixel_size=7.2, snr=50.0, ice=0.1, fractions=(0.5, 0.5))
    made = simulate_particles(tmp_path, [d2_assembly(), d2_assembly("missing_subunit")], simulation)
    truth = read_truth(tmp_path)
    matched = correlation(read_stack(made.stacks[0]), expected_images(truth, made.maps, simulation))
    assert np.median(matched) > 0.95
    # The other conformation explains the images less well.
    swapped = truth.with_columns(rlnClassNumber=3 - truth.particles["rlnClassNumber"])
    assert (
        matched > correlation(read_stack(made.stacks[0]), expected_images(swapped, made.maps, simulation))
    ).mean() > 0.95


def test_snr_is_met() -> None:
    simulation = Simulation(count=200, box=32, pixel_size=7.2, snr=0.1)
    from relionlab.simulation.structures import density

    scenes = Scenes([density(d2_assembly(), 32, 7.2)], draw_truth(simulation, 1, 210), simulation, 210.0)
    rows = np.arange(200)
    streams = [np.random.default_rng(row) for row in rows]
    signal = scenes.scale * scenes._cut(scenes._signal(rows, streams))
    noise = scenes._cut(scenes._noise(rows, streams))
    inside = radius_grid(32) <= 105 / 7.2
    assert signal[:, inside].var() / noise.var() == pytest.approx(0.1, rel=0.03)
    assert noise.var() == pytest.approx(1, rel=0.15)


def test_stars_hide_the_truth_and_keep_it_beside(tmp_path: Path) -> None:
    made = simulate_particles(tmp_path / "Simulated", simulation=SMALL, project=tmp_path)
    particles, truth = (
        read_particles(made.particles, directory=tmp_path),
        read_particles(made.truth, directory=tmp_path),
    )
    assert particles.particles["rlnImageName"][1] == "000002@Simulated/particles.mrcs"
    assert "rlnAngleRot" not in particles
    assert "rlnClassNumber" not in particles
    assert set(truth.particles["rlnClassNumber"]) == {1}
    assert particles.pixel_size == 7.2
    assert len(set(particles.particles["rlnMicrographName"])) == 3
    images = ImageReader(particles.particles["rlnImageName"], tmp_path).read()
    mean, deviation = background_statistics(images, background_radius=made.diameter / 2 / 7.2)
    np.testing.assert_allclose(mean, 0, atol=1e-4)
    np.testing.assert_allclose(deviation, 1, atol=1e-4)


def test_same_seed_same_images_however_they_are_stacked(tmp_path: Path) -> None:
    from dataclasses import replace

    one = simulate_particles(tmp_path / "one", simulation=SMALL)
    many = simulate_particles(tmp_path / "many", simulation=replace(SMALL, stack_per_micrograph=True))
    other = simulate_particles(tmp_path / "other", simulation=replace(SMALL, seed=6))
    assert [path.name for path in many.stacks] == ["mic001.mrcs", "mic002.mrcs", "mic003.mrcs"]
    images = read_stack(one.stacks[0])
    np.testing.assert_allclose(np.concatenate([read_stack(path) for path in many.stacks]), images, atol=1e-5)
    names = read_particles(many.particles, directory=tmp_path / "many").particles["rlnImageName"]
    np.testing.assert_allclose(ImageReader(names, tmp_path / "many").read([45])[0], images[45], atol=1e-5)
    assert np.abs(read_stack(other.stacks[0]) - images).max() > 1


def test_junk_and_neighbours_come_in_the_shares_asked_for(tmp_path: Path) -> None:
    simulation = Simulation(count=400, box=16, pixel_size=14.4, junk=0.3, neighbours=0.25)
    simulate_particles(tmp_path, simulation=simulation)
    truth = read_truth(tmp_path).particles
    junk = truth["rlnClassNumber"] == 2
    assert junk.mean() == pytest.approx(0.3, abs=0.06)
    assert (truth["relionlabNeighbour"] == "1")[~junk].mean() == pytest.approx(0.25, abs=0.07)
    assert not (truth["relionlabNeighbour"] == "1")[junk].any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"box": 33}, "even number"),
        ({"box": 24}, "use a box of at least"),
        ({"fractions": (0.5, 0.5)}, "one number"),
        ({"junk": 1.5}, "between 0 and 1"),
        ({"snr": 0.0}, "must be positive"),
    ],
)
def test_contradictions_are_said_before_anything_is_written(changes: dict, message: str, tmp_path: Path) -> None:
    from dataclasses import replace

    from relionlab.errors import RelionlabError

    with pytest.raises(RelionlabError, match=message):
        simulate_particles(tmp_path / "none", simulation=replace(SMALL, **changes))
    assert not (tmp_path / "none").exists()


def test_a_map_of_another_box_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="16×16×16"):
        simulate_particles(tmp_path, [np.zeros((16, 16, 16))], SMALL)


@pytest.mark.relion
def test_relion_projects_the_truth_onto_the_images(relion: Path, tmp_path: Path) -> None:
    simulation = Simulation(count=30, box=32, pixel_size=7.2, snr=20.0, ice=0.1)
    made = simulate_particles(tmp_path, simulation=simulation)
    command = [
        relion / "relion_project",
        "--i",
        "truth_class001.mrc",
        "--ang",
        "truth.star",
        "--o",
        "projected",
        "--ctf",
    ]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    projected = read_stack(tmp_path / "projected.mrcs")
    assert np.median(correlation(read_stack(made.stacks[0]), projected)) > 0.93
    read = subprocess.run(
        [relion / "relion_image_handler", "--stats", "--i", "particles.mrcs"],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )
    assert b"32 x 32" in read.stdout.replace(b"(x,y,z,n)= ", b"")
