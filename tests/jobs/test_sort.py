"""Sort: the score becomes a column, for class averages and maps, and what is missing is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.sorting import turned
from relionlab.errors import InputError, ParameterError, StarError
from relionlab.io.images import write_map, write_stack
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star, write_star
from relionlab.jobs.selecting.particle_sort import ParticleSort
from relionlab.jobs.selecting.sort import Sort
from tests.jobs.listening import Listening
from tests.jobs.small_files import optics, particle_rows

N, COUNT, JUNK = 32, 60, 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Particles of two classes; the first six show something else."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:N, :N] - N // 2
    averages = np.stack([np.exp(-((x / a) ** 2 + (y / b) ** 2) / 2) for a, b in ((7, 3), (4, 4))]).astype(np.float32)
    rows = particle_rows(COUNT).with_columns(
        rlnClassNumber=np.arange(COUNT) % 2 + 1,
        rlnAnglePsi=rng.uniform(-180, 180, COUNT),
        rlnAngleRot=0.0,
        rlnAngleTilt=0.0,
    )
    px = np.stack([rows["rlnOriginXAngst"], rows["rlnOriginYAngst"]], axis=1) / 2.0
    images = [
        4 * turned(averages[number - 1], psi, (a, b))
        for number, psi, (a, b) in zip(rows["rlnClassNumber"], rows["rlnAnglePsi"], px.tolist(), strict=True)
    ]
    stack = np.stack(images) + rng.normal(size=(COUNT, N, N))
    stack[:JUNK] = rng.normal(size=(JUNK, N, N)) + 5 * (np.abs(x - y) < 3)
    write_stack(tmp_path / "stack.mrcs", stack, pixel_size=2.0)
    write_stack(tmp_path / "averages.mrcs", averages, pixel_size=2.0)
    write_star(tmp_path / "particles.star", [optics(rlnImageSize=[N]), rows])
    return tmp_path


def run(folder: Path, flags: str) -> Listening:
    context = Listening(folder)
    ParticleSort.from_flags(flags.split()).run(context)
    return context


def scores(folder: Path) -> np.ndarray:
    return read_particles(folder / "Sort/job009/particles_sort.star").particles["rlnParticleSelectZScore"]


def test_the_odd_ones_score_highest(folder: Path):
    (command,) = Sort(input_star="particles.star", autopick_refs="averages.mrcs", do_ctf=False).commands("Sort/job009/")
    context = Listening(folder)
    ParticleSort.from_flags(command.arguments).run(context)
    assert set(np.argsort(-scores(folder))[:JUNK].tolist()) == set(range(JUNK))
    assert any("Z-scores: median" in line for line in context.said)
    table = read_star(folder / "Sort/job009/particles_sort_features.star")["features"]
    assert "relionlab_kurtosis" in table


def test_references_of_another_pixel_size_and_inverted(folder: Path):
    run(folder, "--i particles.star --o Sort/job009/particles_sort.star --ref averages.mrcs")
    plain = scores(folder)
    from relionlab.engine.fourier import resize
    from relionlab.io.images import read_stack

    small = resize(read_stack(folder / "averages.mrcs"), 16)
    write_stack(folder / "small.mrcs", -small, pixel_size=4.0)
    run(folder, "--i particles.star --o Sort/job009/particles_sort.star --ref small.mrcs --invert")
    assert np.corrcoef(plain, scores(folder))[0, 1] > 0.99


def test_a_map_is_projected(folder: Path):
    ball = np.exp(-(np.indices((N, N, N)) - N // 2).astype(float).__pow__(2).sum(0) / 32).astype(np.float32)
    write_map(folder / "ball.mrc", ball, pixel_size=2.0)
    run(folder, "--i particles.star --o Sort/job009/particles_sort.star --ref ball.mrc")
    assert np.median(scores(folder)[:JUNK]) > 2 * np.median(scores(folder)[JUNK:])


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        ("--i particles.star --o o.star", ParameterError, "give --ref"),
        ("--i particles.star --o o.star --ref one.mrcs", InputError, "class numbers 1 to 2, but there are 3"),
        ("--i bare.star --o o.star --ref averages.mrcs", StarError, "no column rlnAnglePsi"),
        ("--i bare.star --o o.star --ref averages.mrcs --ctf", StarError, "no CTF"),
    ],
)
def test_what_is_missing_is_said(folder: Path, flags: str, error, message: str):
    data = read_particles(folder / "particles.star")
    rows = data.particles.without("rlnAnglePsi", "rlnDefocusU", "rlnDefocusV")
    write_star(folder / "bare.star", [data.optics, rows])
    write_stack(folder / "one.mrcs", np.ones((3, N, N), np.float32), pixel_size=2.0)
    if "one.mrcs" in flags:
        rows = data.particles.with_columns(rlnClassNumber=5)
        write_star(folder / "particles.star", [data.optics, rows])
        message = "class numbers 5 to 5, but there are 3"
    with pytest.raises(error, match=message):
        run(folder, flags)
