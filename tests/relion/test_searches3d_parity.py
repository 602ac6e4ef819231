"""Searches of some angles alone, of offsets alone, and near the last offsets: one iteration of either program.

The particles are simulated, and begin near their true poses: but for one that a prior holds (the prior is wrong then, and a
program that does not heed it finds the truth), or those that are free (drawn at random).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.rotations import angle_between, matrix_from_euler
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.jobs.context import PlainContext
from relionlab.jobs.refinement.program import Refine
from relionlab.settings import settings
from relionlab.simulation import Simulation, d2_assembly, simulate_particles
from tests.relion.relion_runs import RELION, relion_refine

pytestmark = [pytest.mark.relion, pytest.mark.full]

COUNT, PIXEL_SIZE, SIGMA = 60, 8.0, 5.0
ANGLES = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi")
ORIGINS = ("rlnOriginXAngst", "rlnOriginYAngst")
FLAGS = (
    "--ref data/truth_class001.mrc --ini_high 20 --ctf --particle_diameter 215 --flatten_solvent --zero_mask --sym C1"
)
FLAGS += (
    " --norm --scale --tau2_fudge 4 --oversampling 1 --healpix_order 2 --offset_range 2 --offset_step 1 --perturb 0"
)
FLAGS += " --random_seed 1 --pad 2 --iter 1"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, relion: Path) -> Path:
    """A folder with simulated particles, and their truth."""
    directory = tmp_path_factory.mktemp("searches3d")
    simulation = Simulation(count=COUNT, box=32, pixel_size=PIXEL_SIZE, snr=0.5, particles_per_micrograph=30, seed=3)
    simulate_particles(directory / "data", [d2_assembly("missing_subunit")], simulation, project=directory)
    return directory


def begun(directory: Path, name: str, **changes: np.ndarray) -> dict[str, np.ndarray]:
    """Write particles that begin at their truth but for these columns; return the columns."""
    truth = read_star(directory / "data/truth.star")["particles"]
    columns = {label: np.asarray(truth[label], float) for label in (*ANGLES, *ORIGINS)} | changes
    write_particles(directory / name, read_particles(directory / "data/particles.star").with_columns(columns))
    return columns


def of(table: dict, labels: tuple[str, ...]) -> list[np.ndarray]:
    return [np.asarray(table[label], float) for label in labels]


def both(directory: Path, name: str, flags: str, *, ours: str = "") -> tuple[dict, dict]:
    """Run RELION and relionlab; return the particles of each."""
    words = f"--i {name} {FLAGS} {flags}"
    relion_refine(directory, f"R_{name}/run", words, halves=False, timeout=300)
    context = PlainContext(directory, settings(executor="inline", workers=1), quiet=True)
    (directory / f"O_{name}").mkdir()
    Refine.from_flags(["--o", f"O_{name}/run", *words.split(), *ours.split(), *RELION.split()]).run(context)
    found = []
    for side in "RO":
        table = read_particles(directory / f"{side}_{name}/run_it001_data.star").particles
        order = np.argsort(table["rlnImageName"])
        found.append({label: np.asarray(table[label], float)[order] for label in (*ANGLES, *ORIGINS)})
    return found[0], found[1]


def away(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.abs((first - second + 180) % 360 - 180)


def apart(one: dict, other: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return degrees and Å between the poses of two runs."""
    first, second = (matrix_from_euler(*of(each, ANGLES)) for each in (one, other))
    return angle_between(first, second), np.hypot(*np.subtract(of(one, ORIGINS), of(other, ORIGINS)))


@pytest.mark.parametrize(
    ("free", "flags"),
    [
        (("rlnAngleRot",), f"--sigma_tilt {SIGMA} --sigma_psi {SIGMA}"),
        (("rlnAngleRot", "rlnAnglePsi"), f"--sigma_tilt {SIGMA}"),
        (("rlnAngleRot", "rlnAngleTilt"), f"--sigma_psi {SIGMA}"),
        (("rlnAngleTilt", "rlnAnglePsi"), f"--sigma_rot {SIGMA}"),
    ],
    ids=["tilt and psi", "tilt", "psi", "rot"],
)
def test_angles_without_a_width_are_free(there: Path, free: tuple[str, ...], flags: str):
    rng, name = np.random.default_rng(0), f"free{len(free)}{flags.split()[0].strip('-')}.star"
    start = begun(there, name, **{label: rng.uniform(0, 180, COUNT) for label in free})
    truth = begun(there, "truth_again.star")
    theirs, ours = both(there, name, flags)
    assert np.median(apart(start, truth)[0]) > 40
    angles, offsets = apart(theirs, ours)
    print(f"{flags}: {np.median(angles):.2f}° and {np.median(offsets):.2f} Å apart (median)")
    assert np.median(apart(theirs, truth)[0]) < 7.5  # the fine step
    assert np.median(apart(ours, truth)[0]) < 7.5
    assert np.median(angles) < 10  # RELION's are poses of the grid
    assert np.median(offsets) < 0.5 * PIXEL_SIZE


@pytest.mark.parametrize(("label", "flag"), [("rlnAngleTilt", "--sigma_tilt"), ("rlnAnglePsi", "--sigma_psi")])
def test_a_prior_holds_its_angle(there: Path, label: str, flag: str):
    truth = begun(there, "truth_again.star")
    wrong = truth[label] + 40 if label == "rlnAnglePsi" else 90 + 0.4 * (truth[label] - 90)
    begun(there, f"wrong{flag}.star", **{label: wrong})
    theirs, ours = both(there, f"wrong{flag}.star", f"{flag} {SIGMA}")
    reach = 3 * SIGMA + 15  # a particle has the nearest ring of the grid, at the least
    for found in (theirs, ours):
        assert away(found[label], wrong).max() < reach
    print(f"{flag}: {np.median(away(theirs[label], ours[label])):.2f}° apart (median)")
    assert np.median(away(theirs[label], ours[label])) < 7.5


def test_columns_of_priors_count_instead_of_the_angles(there: Path):
    """As of segments of filaments, whose tilt and psi are known before anything was refined."""
    truth = begun(there, "truth_again.star")
    wrong, zeros = 90 + 0.4 * (truth["rlnAngleTilt"] - 90), {label: np.zeros(COUNT) for label in ANGLES}
    begun(there, "prior.star", rlnAngleTiltPrior=wrong, **zeros)
    theirs, ours = both(there, "prior.star", f"--sigma_tilt {SIGMA}")
    for found in (theirs, ours):
        assert away(found["rlnAngleTilt"], wrong).max() < 3 * SIGMA + 15
    print(f"rlnAngleTiltPrior: {np.median(away(theirs['rlnAngleTilt'], ours['rlnAngleTilt'])):.2f}° apart (median)")
    assert np.median(away(theirs["rlnAngleTilt"], ours["rlnAngleTilt"])) < 7.5


def test_offsets_alone(there: Path):
    truth, rng = begun(there, "truth_again.star"), np.random.default_rng(1)
    moved = {label: truth[label] + rng.normal(0, PIXEL_SIZE, COUNT) for label in ORIGINS}
    start = begun(there, "moved.star", **moved)
    theirs, ours = both(there, "moved.star", "--skip_rotate")
    for found in (theirs, ours):
        assert apart(found, start)[0].max() < 1e-2
        assert np.median(apart(found, truth)[1]) < 0.6 * np.median(apart(start, truth)[1])
    _, offsets = apart(theirs, ours)
    print(f"--skip_rotate: {np.median(offsets):.2f} Å apart (median)")
    assert np.median(offsets) < 0.5 * PIXEL_SIZE


def test_particles_are_expected_where_they_were(there: Path):
    """RELION 3.1 does so always; here --local_offsets asks for it."""
    truth, rng = begun(there, "truth_again.star"), np.random.default_rng(1)
    far = {label: truth[label] + 2.5 * PIXEL_SIZE * rng.choice([-1, 1], COUNT) for label in ORIGINS}
    start = begun(there, "far.star", **far)
    flags = f"--skip_rotate --offset {PIXEL_SIZE} --fix_sigma_offset"
    theirs, ours = both(there, "far.star", flags, ours="--local_offsets")
    plain = both_of_ours(there, flags)
    kept, held, drawn = (np.median(apart(found, start)[1]) for found in (theirs, ours, plain))
    print(f"--local_offsets: moved by {kept:.2f} Å (RELION), {held:.2f} Å; without it {drawn:.2f} Å (medians)")
    assert held < drawn
    assert np.median(apart(theirs, ours)[1]) < np.median(apart(theirs, plain)[1])


def both_of_ours(directory: Path, flags: str) -> dict:
    """Run relionlab alone on the particles that begin far from their truth."""
    context = PlainContext(directory, settings(executor="inline", workers=1), quiet=True)
    (directory / "P_far").mkdir()
    Refine.from_flags(["--o", "P_far/run", "--i", "far.star", *FLAGS.split(), *flags.split()]).run(context)
    table = read_particles(directory / "P_far/run_it001_data.star").particles
    order = np.argsort(table["rlnImageName"])
    return {label: np.asarray(table[label], float)[order] for label in (*ANGLES, *ORIGINS)}
