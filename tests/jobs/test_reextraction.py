"""Refined particles are cut out again: recentred, at another binning, with their own CTF."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ParameterError, StarError
from relionlab.io.images import read_stack
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from tests.jobs.test_extraction import NAMES, folder, mics, run  # noqa: F401 - the fixture

FIRST = "--i mics.star --coord_dir Pick/job003/ --coord_suffix _pick.star --part_dir Extract/job004/ --extract --extract_size 32"
AGAIN = "--i mics.star --reextract_data_star refined.star --part_dir Extract/job005/ --extract --extract_size 32"


@pytest.fixture
def refined(folder: Path) -> Path:  # noqa: F811
    """Particles with shifts, angles and a defocus of their own, in an order of their own."""
    run(folder, FIRST)
    particles = read_particles(folder / "Extract/job004/particles.star", directory=folder)
    rng = np.random.default_rng(1)
    count = len(particles)
    particles = particles.rows(rng.permutation(count)).with_columns(
        rlnOriginXAngst=rng.uniform(-9, 9, count),
        rlnOriginYAngst=rng.uniform(-9, 9, count),
        rlnAngleRot=rng.uniform(-180, 180, count),
        rlnAngleTilt=rng.uniform(0, 180, count),
        rlnAnglePsi=rng.uniform(-180, 180, count),
        rlnDefocusU=rng.uniform(14000, 16000, count),
    )
    write_particles(folder / "refined.star", particles)
    return folder


def made(folder: Path):  # noqa: F811
    return read_particles(folder / "Extract/job005/particles.star", directory=folder)


def test_recentred_boxes_and_what_is_left(refined: Path):
    before = read_particles(refined / "refined.star")
    run(refined, f"{AGAIN} --recenter")
    after = made(refined)
    names = before.particles["rlnMicrographName"]
    order = np.concatenate([np.flatnonzero(names == name) for name in NAMES])
    for axis in "XY":
        coordinate, origin = f"rlnCoordinate{axis}", f"rlnOrigin{axis}Angst"
        old = before.particles[coordinate][order] - before.particles[origin][order] / 2
        new = after.particles[coordinate] - after.particles[origin] / 2
        np.testing.assert_allclose(new, old, atol=1e-9)  # the place is the same,
        assert np.abs(after.particles[origin]).max() <= 1.0 + 1e-9  # and at most half a pixel of 2 Å is left
    np.testing.assert_allclose(after.particles["rlnDefocusU"], before.particles["rlnDefocusU"][order])
    assert (refined / "Extract/job005/coords_suffix_extract.star").read_text().strip() == "mics.star"


def test_pixels_follow_the_coordinates(refined: Path):
    run(refined, f"{AGAIN} --recenter")
    after = made(refined).particles
    row = 0
    image = read_stack(refined / str(after["rlnMicrographName"][row]))[0]
    x, y = int(after["rlnCoordinateX"][row]), int(after["rlnCoordinateY"][row])
    box = read_stack(refined / "Extract/job005/Movies/mic0.mrcs")[row]
    assert box[16, 16] == pytest.approx(image[y, x])


def test_offsets_are_reset_or_kept(refined: Path):
    run(refined, AGAIN)
    assert np.abs(made(refined).particles["rlnOriginXAngst"]).max() > 1
    run(refined, f"{AGAIN} --reset_offsets")
    assert not made(refined).particles["rlnOriginXAngst"].any()


def test_ctf_of_the_micrographs_only_when_asked(refined: Path):
    run(refined, f"{AGAIN} --keep_ctfs_micrographs")
    assert set(made(refined).particles["rlnDefocusU"].tolist()) == {15000.0}


def test_refined_aberrations_of_the_groups_are_kept(refined: Path):
    particles = read_particles(refined / "refined.star")
    optics = particles.optics.with_columns(rlnBeamTiltX=[0.4])
    write_particles(refined / "refined.star", type(particles)(optics, particles.particles))
    run(refined, f"{AGAIN} --scale 16")
    assert made(refined).optics["rlnBeamTiltX"].tolist() == [0.4]
    assert made(refined).optics["rlnImagePixelSize"].tolist() == [4.0]


def test_micrographs_of_another_job_are_found_by_name(refined: Path):
    names = [name.replace("job002", "job009") for name in NAMES]
    for old, new in zip(NAMES, names, strict=True):
        (refined / new).parent.mkdir(parents=True, exist_ok=True)
        (refined / old).replace(refined / new)
    mics(refined, names)
    run(refined, AGAIN)
    assert set(made(refined).particles["rlnMicrographName"].tolist()) == set(names)


def test_particles_of_other_micrographs_are_told(refined: Path):
    mics(refined, NAMES[:2])
    context = run(refined, AGAIN)
    assert any("4 particles are left out" in line and NAMES[2] in line for line in context.warned)
    mics(refined, ["Movies/other.mrc"])
    with pytest.raises(StarError, match="none of the particles' micrographs"):
        run(refined, AGAIN)


def test_whole_coordinates_say_where_the_particle_is(refined: Path):
    run(refined, f"{AGAIN} --recenter --whole_coordinates")
    after = made(refined).particles
    assert (after["rlnCoordinateX"] == np.rint(after["rlnCoordinateX"])).all()


@pytest.mark.parametrize(
    ("spoil", "flags", "error", "message"),
    [
        ("rlnMicrographName", "", StarError, "no column rlnMicrographName"),
        ("rlnCoordinateX", "", StarError, "no column rlnCoordinateX"),
        ("rlnAnglePsi", "--recenter --recenter_x 3", ParameterError, "no angles"),
        ("", "--recenter_x 3", ParameterError, "without --recenter"),
    ],
)
def test_what_is_missing_is_said(refined: Path, spoil: str, flags: str, error, message: str):
    particles = read_particles(refined / "refined.star")
    write_star(refined / "refined.star", [particles.optics, particles.particles.without(spoil)])
    with pytest.raises(error, match=message):
        run(refined, f"{AGAIN} {flags}")


def test_without_origins_they_are_zero(refined: Path):
    particles = read_particles(refined / "refined.star")
    rows: Table = particles.particles.without("rlnOriginXAngst", "rlnOriginYAngst")
    write_star(refined / "refined.star", [particles.optics, rows])
    assert any("no refined origins" in line for line in run(refined, f"{AGAIN} --recenter").warned)
