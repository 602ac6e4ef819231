"""Either program goes on where the other stopped: RELION continues our 3D classes and our half-sets, and we RELION's.

The particles are simulated. A run that was handed over is compared with one that its first program did to the end: classes,
poses (median angle up to the symmetry), origins, and the correlation of maps shell by shell. Classes are found around known
poses, on one grid for both programs (--perturb 0); half-sets are searched from nothing, each program shifting its grids.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.maps.fsc import fourier_shell_correlation, transform
from relionlab.engine.rotations import matrix_from_euler
from relionlab.engine.symmetry import point_group
from relionlab.io.images import read_map
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.refinement.program import Refine
from relionlab.settings import settings
from relionlab.simulation import Simulation, d2_assembly, simulate_particles
from tests.relion.relion_runs import RELION, relion_refine

pytestmark = [pytest.mark.full, pytest.mark.relion]

COUNT, BOX, PIXEL_SIZE = 160, 32, 8.0
COMMON = "--ctf --particle_diameter 215 --flatten_solvent --zero_mask --oversampling 1"
COMMON += " --offset_range 3 --offset_step 2 --norm --scale --random_seed 1 --pad 2"
START = f"--ini_high 40 --firstiter_cc {COMMON}"
CLASSES = f"{START} --i posed.star --ref both.star --K 2 --tau2_fudge 4 --sym C1 --healpix_order 3 --sigma_ang 5"
CLASSES += " --perturb 0 --iter 5"
HALVES = f"{START} --i data/particles.star --ref data/truth_class001.mrc --healpix_order 1 --sym D2"
HALVES += " --auto_refine --split_random_halves"
HALVES += " --low_resol_join_halves 40 --auto_local_healpix_order 3"


@dataclass(frozen=True)
class Agreement:
    """How alike two runs are.

    classes   share of the particles in the same class
    angle     degrees, median over the particles, up to the symmetry
    origin    Å, median
    correlation  (map, shell) of the maps
    """

    classes: float
    angle: float
    origin: float
    correlation: np.ndarray

    def __str__(self) -> str:
        """Return it in words."""
        shells = " | ".join(" ".join(f"{x:.3f}" for x in row[1:13]) for row in self.correlation)
        return f"{100 * self.classes:.1f} % same class, {self.angle:.2f}°, {self.origin:.2f} Å, maps {shells}"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, relion: Path) -> Path:
    """A folder with simulated particles of two conformations."""
    directory = tmp_path_factory.mktemp("handover3d")
    simulation = Simulation(
        count=COUNT, box=BOX, pixel_size=PIXEL_SIZE, snr=2.0, particles_per_micrograph=40, fractions=(0.6, 0.4), seed=3
    )
    molecules = [d2_assembly(), d2_assembly("missing_subunit")]
    simulate_particles(directory / "data", molecules, simulation, project=directory)
    maps = [f"data/truth_class00{c}.mrc" for c in (1, 2)]
    write_star(directory / "both.star", [Table({"rlnReferenceImage": maps})])
    table, truth = read_particles(directory / "data/particles.star"), read_star(directory / "data/truth.star")
    known = truth["particles"] if "particles" in truth else next(iter(truth.values()))
    assert list(known["rlnImageName"]) == list(table.particles["rlnImageName"])
    labels = ("rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi", "rlnOriginXAngst", "rlnOriginYAngst")
    write_particles(directory / "posed.star", table.with_columns({label: known[label] for label in labels}))
    return directory


def with_relionlab(directory: Path, root: str, flags: str) -> str:
    context = PlainContext(directory, settings(executor="inline", workers=1), quiet=True)
    Refine.from_flags(["--o", root, *flags.split(), *RELION.split()]).run(context)
    return root


def with_relion(directory: Path, root: str, flags: str, *, halves: bool = False) -> str:
    relion_refine(directory, root, flags, halves=halves, timeout=1800)
    return root


def continuing(root: str, number: int, more: str = "") -> str:
    return f"--continue {root}_it{number:03d}_optimiser.star {more}"


def last_of(directory: Path, root: str) -> int:
    """Return the number of the last iteration."""
    return max(int(path.name[-18:-15]) for path in directory.glob(f"{root}_it*_optimiser.star"))


def compared(directory: Path, first: str, second: str, maps: list[str], symmetry: str) -> Agreement:
    """Compare what two runs left, given how the names of their files begin."""
    tables = [read_particles(directory / f"{stem}_data.star").particles for stem in (first, second)]
    orders = [np.argsort(table["rlnImageName"]) for table in tables]

    def columns(*labels: str) -> list[list[np.ndarray]]:
        return [[np.asarray(t[f"rln{x}"], float)[o] for x in labels] for t, o in zip(tables, orders, strict=True)]

    poses = [matrix_from_euler(*angles) for angles in columns("AngleRot", "AngleTilt", "AnglePsi")]
    one, other = columns("OriginXAngst", "OriginYAngst")
    classes = columns("ClassNumber")
    pairs = [[read_map(directory / f"{stem}_{name}.mrc")[0] for stem in (first, second)] for name in maps]
    agreement = Agreement(
        classes=float(np.mean(classes[0][0] == classes[1][0])),
        angle=float(np.median(point_group(symmetry).angle_between(*poses))),
        origin=float(np.median(np.hypot(one[0] - other[0], one[1] - other[1]))),
        correlation=np.array([fourier_shell_correlation(transform(a), transform(b), BOX) for a, b in pairs]),
    )
    print(first, second, agreement)
    return agreement


# --- classes ---------------------------------------------------------------------------------------------------------

MAPS = ["class001", "class002"]


@pytest.fixture(scope="module")
def our_classes(there: Path) -> str:
    """Our classification, not handed over."""
    return with_relionlab(there, "Ours/classes/run", CLASSES)


@pytest.fixture(scope="module")
def relions_classes(there: Path) -> str:
    """RELION's, not handed over."""
    return with_relion(there, "Relion/classes/run", CLASSES)


def check_classes(found: Agreement) -> None:
    assert found.classes >= 0.9
    assert found.angle < 4.0
    assert found.origin < PIXEL_SIZE / 2  # RELION's offsets count from whole pixels, ours from the origins themselves
    assert found.correlation[:, 1:7].min() > 0.9  # up to 43 Å


def test_we_go_on_with_relions_classes(there: Path, relions_classes: str) -> None:
    flags = continuing(relions_classes, 3, "--iter 5")
    root = with_relionlab(there, "Ours/from_relion/run", flags)
    check_classes(compared(there, f"{root}_it005", f"{relions_classes}_it005", MAPS, "C1"))


def test_relion_goes_on_with_our_classes(there: Path, our_classes: str) -> None:
    root = with_relion(there, "Relion/from_ours/run", continuing(our_classes, 3, "--iter 5"))
    check_classes(compared(there, f"{root}_it005", f"{our_classes}_it005", MAPS, "C1"))


# --- half-sets -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def our_halves(there: Path) -> str:
    """Our refinement, not handed over."""
    return with_relionlab(there, "Ours/halves/run", HALVES)


@pytest.fixture(scope="module")
def relions_halves(there: Path) -> str:
    """RELION's, not handed over."""
    return with_relion(there, "Relion/halves/run", HALVES, halves=True)


def handed_over(directory: Path, root: str) -> int:
    """Return the first iteration with local searches: half-sets, sampling and searches must all be taken over."""
    for number in range(1, last_of(directory, root)):
        general = read_star(directory / f"{root}_it{number:03d}_half1_model.star")["model_general"]
        if int(general.value("rlnOrientationalPriorMode")):
            return number
    raise AssertionError("no iteration searched locally")


def check_halves(directory: Path, first: str, second: str) -> None:
    names = ["class001", "half1_class001_unfil", "half2_class001_unfil"]
    found = compared(directory, first, second, names, "D2")
    halves = [read_particles(directory / f"{root}_data.star").particles for root in (first, second)]
    for table in halves:
        assert {1, 2} == set(table["rlnRandomSubset"])
    order = [np.argsort(table["rlnImageName"]) for table in halves]
    assert np.array_equal(*(table["rlnRandomSubset"][o] for table, o in zip(halves, order, strict=True)))
    assert found.angle < 2.0
    assert found.origin < 2.0  # a quarter of a pixel
    assert found.correlation[0, 1:12].min() > 0.95
    resolution = [
        float(read_star(directory / f"{root}_model.star")["model_general"].value("rlnCurrentResolution"))
        for root in (first, second)
    ]
    shells = [BOX * PIXEL_SIZE / each for each in resolution]
    assert abs(shells[0] - shells[1]) <= 1.5, resolution


def test_we_go_on_with_relions_half_sets(there: Path, relions_halves: str) -> None:
    number = handed_over(there, relions_halves)
    root = with_relionlab(there, "Ours/halves_from_relion/run", continuing(relions_halves, number))
    assert last_of(there, root) > number
    general = read_star(there / f"{root}_it{number + 1:03d}_half1_model.star")["model_general"]
    assert int(general.value("rlnOrientationalPriorMode")) == 1
    check_halves(there, root, relions_halves)


def test_relion_goes_on_with_our_half_sets(there: Path, our_halves: str) -> None:
    number = handed_over(there, our_halves)
    root = with_relion(there, "Relion/halves_from_ours/run", continuing(our_halves, number), halves=True)
    assert last_of(there, root) > number
    check_halves(there, root, our_halves)


def test_each_finishes_what_the_other_found_converged(there: Path, our_halves: str, relions_halves: str) -> None:
    """From the last iteration of the other there is but little to do."""
    root = with_relion(there, "Relion/last/run", continuing(our_halves, last_of(there, our_halves)), halves=True)
    check_halves(there, root, our_halves)
    number = last_of(there, relions_halves)
    root = with_relionlab(there, "Ours/last/run", continuing(relions_halves, number))
    check_halves(there, root, relions_halves)


def test_relions_postprocess_of_our_half_maps_gives_our_number(there: Path, our_halves: str) -> None:
    halves = f"--i {our_halves}_half1_class001_unfil.mrc --angpix {PIXEL_SIZE:g}"
    subprocess.run(
        f"relion_mask_create --i {our_halves}_class001.mrc --o mask.mrc --lowpass 25 --extend_inimask 2"
        f" --width_soft_edge 4 --ini_threshold {threshold(there / f'{our_halves}_class001.mrc'):g} --angpix {PIXEL_SIZE:g}".split(),
        cwd=there,
        check=True,
        capture_output=True,
    )
    flags = f"{halves} --mask mask.mrc --auto_bfac --autob_lowres 40"
    for program, folder in ((["relion_postprocess"], "theirs"), (None, "ours")):
        (there / folder).mkdir()
        arguments = [*flags.split(), "--o", f"{folder}/postprocess"]
        if program is None:
            from relionlab.jobs.maps.postprocess_program import Postprocess

            Postprocess.from_flags(arguments).run(PlainContext(there, quiet=True))
        else:
            subprocess.run([*program, *arguments], cwd=there, check=True, capture_output=True)
    ours, theirs = (read_star(there / folder / "postprocess.star") for folder in ("ours", "theirs"))
    for label, tolerance in (("rlnFinalResolution", 1e-3), ("rlnBfactorUsedForSharpening", 0.03)):
        mine, its = (float(tables["general"].value(label)) for tables in (ours, theirs))
        print(label, mine, its)
        assert mine == pytest.approx(its, rel=tolerance), label


def threshold(name: Path) -> float:
    """Return a contour level that encloses the particle."""
    map_ = read_map(name)[0]
    return 0.15 * float(map_.max())
