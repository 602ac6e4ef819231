"""Either program goes on where the other stopped: RELION continues our 2D classification, and we continue RELION's.

The particles are simulated. What counts is that at least 90 % of them lie in matched classes, and that matched class
averages correlate to 0.95 or better with those of the run that was not handed over. A class of a few particles is no
average of anything, in either program: classes below 3 % of the particles are not looked at.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from relionlab.io.images import read_stack
from relionlab.io.particles import read_particles
from relionlab.jobs.context import PlainContext
from relionlab.jobs.refinement.program import Refine
from relionlab.simulation import Simulation, d2_assembly, simulate_particles

pytestmark = [pytest.mark.full, pytest.mark.relion]

COUNT, BOX, PIXEL_SIZE = 600, 48, 5.0
HANDED_OVER, LAST = 10, 12
SAMPLING = "--ctf --tau2_fudge 2 --particle_diameter 210 --K 4 --flatten_solvent --zero_mask --oversampling 1"
STEPS = "--psi_step 12 --offset_range 4 --offset_step 2 --norm --scale --random_seed 1"
RELION = "--dont_combine_weights_via_disc --preread_images --pool 30 --pad 2 --j 2"
BEGIN = f"--i data/particles.star {SAMPLING} {STEPS} --iter {LAST} {RELION}"


@pytest.fixture(scope="module")
def there(tmp_path_factory) -> Path:
    """A folder with simulated particles."""
    directory = tmp_path_factory.mktemp("handover")
    simulation = Simulation(
        count=COUNT, box=BOX, pixel_size=PIXEL_SIZE, snr=0.4, particles_per_micrograph=60, fractions=(0.6, 0.4), seed=4
    )
    molecules = [d2_assembly(), d2_assembly("missing_subunit")]
    simulate_particles(directory / "data", molecules, simulation, project=directory)
    return directory


@pytest.fixture(scope="module")
def ours(there) -> str:
    """Our run, not handed over."""
    return with_relionlab(there, "Ours/whole/run", BEGIN)


@pytest.fixture(scope="module")
def relions(there, relion) -> str:
    """RELION's run, not handed over."""
    return with_relion(there, "Relion/whole/run", BEGIN)


def with_relionlab(directory: Path, root: str, flags: str) -> str:
    Refine.from_flags(["--o", root, *flags.split()]).run(PlainContext(directory, quiet=True))
    return root


def with_relion(directory: Path, root: str, flags: str) -> str:
    (directory / root).parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["relion_refine", "--o", root, *flags.split()], cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return root


def go_on(root: str) -> str:
    return f"--continue {root}_it{HANDED_OVER:03d}_optimiser.star --iter {LAST} {RELION}"


def compared(directory: Path, first: str, second: str) -> tuple[float, list[float]]:
    """Return the share of the particles in matched classes, and the correlation of each matched pair of averages."""
    tables = [read_particles(directory / f"{root}_it{LAST:03d}_data.star").particles for root in (first, second)]
    classes = [table["rlnClassNumber"][np.argsort(table["rlnImageName"])] - 1 for table in tables]
    assert sorted(tables[0]["rlnImageName"]) == sorted(tables[1]["rlnImageName"])
    count = max(int(numbers.max()) for numbers in classes) + 1
    together = np.zeros((count, count), np.int64)
    np.add.at(together, tuple(classes), 1)
    rows, columns = linear_sum_assignment(-together)
    averages = [read_stack(directory / f"{root}_it{LAST:03d}_classes.mrcs") for root in (first, second)]
    large = [
        (a, b)
        for a, b in zip(rows, columns, strict=True)
        if min(together[a].sum(), together[:, b].sum()) > 0.03 * COUNT
    ]
    correlations = [float(np.corrcoef(averages[0][a].ravel(), averages[1][b].ravel())[0, 1]) for a, b in large]
    return together[rows, columns].sum() / together.sum(), correlations


def check(found: tuple[float, list[float]]) -> None:
    share, correlations = found
    print(f"{100 * share:.1f} % of the particles in matched classes, averages correlate {np.round(correlations, 4)}")
    assert share >= 0.9
    assert len(correlations) >= 2
    assert min(correlations) >= 0.95


def test_relion_goes_on_where_we_stopped(there, relion, ours):
    check(compared(there, with_relion(there, "Relion/from_ours/run", go_on(ours)), ours))


def test_we_go_on_where_relion_stopped(there, relion, relions):
    check(compared(there, with_relionlab(there, "Ours/from_relion/run", go_on(relions)), relions))


def test_what_we_handed_over_comes_back(there, relion, ours):
    """Ours, one iteration of RELION's, and ours again."""
    flags = f"--continue {ours}_it{HANDED_OVER:03d}_optimiser.star --iter {HANDED_OVER + 1} {RELION}"
    middle = with_relion(there, "Relion/middle/run", flags)
    flags = f"--continue {middle}_it{HANDED_OVER + 1:03d}_optimiser.star --iter {LAST} {RELION}"
    check(compared(there, with_relionlab(there, "Ours/again/run", flags), ours))
