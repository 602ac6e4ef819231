"""The directions of a search are RELION's, one for one: a model file with other directions is not continued."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.sampling import sampling
from relionlab.engine.sampling.grid import unit_vectors
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.jobs.context import PlainContext
from relionlab.jobs.refinement.program import Refine
from relionlab.settings import settings
from relionlab.simulation import Simulation, d2_assembly, simulate_particles

pytestmark = pytest.mark.relion

COUNT, BOX, PIXEL_SIZE = 12, 16, 16.0
COMMON = "--ctf --particle_diameter 215 --pad 1 --oversampling 0 --offset_range 1 --offset_step 2 --random_seed 1"
COMMON += " --dont_combine_weights_via_disc --preread_images --pool 4 --j 1 --perturb 0"
START = f"--i posed.star --ref data/truth_class001.mrc --ini_high 60 --K 1 --tau2_fudge 4 {COMMON}"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, relion: Path) -> Path:
    """A folder with a few particles in known poses."""
    directory = tmp_path_factory.mktemp("directions")
    simulation = Simulation(
        count=COUNT, box=BOX, pixel_size=PIXEL_SIZE, snr=2.0, particles_per_micrograph=COUNT, seed=1
    )
    simulate_particles(directory / "data", [d2_assembly()], simulation, project=directory)
    table, known = read_particles(directory / "data/particles.star"), read_star(directory / "data/truth.star")
    poses = known["particles"] if "particles" in known else next(iter(known.values()))
    labels = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst")
    write_particles(directory / "posed.star", table.with_columns({label: poses[label] for label in labels}))
    return directory


def with_relion(directory: Path, root: str, flags: str) -> None:
    (directory / root).parent.mkdir(parents=True, exist_ok=True)
    command = f"relion_refine --o {root} {flags}"
    done = subprocess.run(command.split(), cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def drawn(path: Path) -> np.ndarray:
    """Return the unit vectors of the directions in RELION's picture of them, in their order."""
    lines = [line.split()[1:4] for line in path.read_text().splitlines() if line.startswith(".cylinder")]
    vectors = np.array(lines, float) - BOX * PIXEL_SIZE / 2
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# around 4000 points RELION ceases to leave doubles out; D7, O, T have pairs of just more and just less than its distance
@pytest.mark.parametrize(
    ("group", "order"),
    [("C2", 4), ("C2", 5), ("C3", 5), ("C10", 4), ("D2", 6), ("D7", 3), ("D7", 4), ("T", 6), ("I3", 4)]
    + [pytest.param(*pair, marks=pytest.mark.full) for pair in (("D2", 5), ("D7", 5), ("D7", 6), ("T", 5))],
)
def test_directions_are_relions(there: Path, group: str, order: int) -> None:
    with_relion(there, f"lists/{group}_{order}", f"{START} --iter 0 --sym {group} --healpix_order {order}")
    theirs = drawn(there / f"lists/{group}_{order}_it000_class001_angdist.bild")
    grid = sampling(order, group=group)
    assert len(theirs) == len(grid)
    np.testing.assert_allclose(theirs, unit_vectors(grid.rot, grid.tilt), atol=1e-4)


@pytest.mark.full
@pytest.mark.parametrize(("group", "order"), [("C2", 5), ("D2", 6), ("O", 5)])
def test_relion_goes_on_at_any_order(there: Path, group: str, order: int) -> None:
    root, flags = f"ours/{group}_{order}/run", f"--sigma_ang 1 --sym {group} --healpix_order {order}"
    context = PlainContext(there, settings(executor="inline", workers=1), quiet=True)
    Refine.from_flags(["--o", root, *START.split(), *flags.split(), "--iter", "1"]).run(context)
    continued = f"--continue {root}_it001_optimiser.star --iter 2 --dont_combine_weights_via_disc"
    with_relion(there, f"theirs/{group}_{order}/run", continued)
    tables = read_star(there / f"theirs/{group}_{order}/run_it002_model.star")
    assert len(tables["model_pdf_orient_class_1"]) == len(sampling(order, group=group))
    assert np.isfinite(
        read_particles(there / f"theirs/{group}_{order}/run_it002_data.star").particles["rlnAngleRot"]
    ).all()
