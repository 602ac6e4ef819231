"""RELION goes on from an iteration of its own, read and written again by us, exactly as from the original.

So what we read of its files is all that it needs, and what we write says it in its words. The measured meaning of the
columns of model.star (see relionlab/jobs/refinement/model_file.py) is tested here too, on the same files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.fourier import radius_squared, rfft3_centred
from relionlab.io.images import read_map
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star
from relionlab.jobs.refinement.files3d import write_iteration3d
from relionlab.jobs.refinement.input import poses_of
from relionlab.jobs.refinement.saved3d import Saved3D, read_iteration3d
from relionlab.simulation import Simulation, d2_assembly, simulate_particles
from tests.relion.relion_runs import relion_refine

pytestmark = pytest.mark.relion

COUNT, BOX, PIXEL_SIZE = 150, 32, 8.0
COMMON = (
    "--ctf --particle_diameter 215 --flatten_solvent --zero_mask --oversampling 1 --healpix_order 1 --offset_range 3"
)
COMMON += " --offset_step 2 --norm --scale --random_seed 1 --pad 1"
START = "--i data/particles.star --ref data/truth_class001.mrc --ini_high 40 --firstiter_cc"
CLASSES = f"{START} --K 2 --tau2_fudge 4 --sym C1 --iter 3"
HALVES = f"{START} --auto_refine --split_random_halves --sym D2 --low_resol_join_halves 40 --auto_iter_max 3"
GRADIENT = "--i data/particles.star --sgd --denovo_3dref --K 1 --sym D2 --sgd_ini_iter 1 --sgd_inbetween_iter 1 --sgd_fin_iter 1"
GRADIENT += " --sgd_ini_resol 60 --sgd_fin_resol 40 --sgd_ini_subset 30 --sgd_fin_subset 60"
POSES = ("AngleRot", "AngleTilt", "AnglePsi", "OriginXAngst", "OriginYAngst")
LABELS = (*POSES, "ClassNumber", "NormCorrection", "LogLikeliContribution")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, relion: Path) -> Path:
    """A folder with simulated particles."""
    directory = tmp_path_factory.mktemp("files3d")
    simulation = Simulation(count=COUNT, box=BOX, pixel_size=PIXEL_SIZE, snr=1.0, particles_per_micrograph=50, seed=2)
    simulate_particles(directory / "data", [d2_assembly()], simulation, project=directory)
    return directory


def refine(directory: Path, root: str, flags: str, *, halves: bool = False) -> None:
    relion_refine(directory, root, flags, halves=halves, timeout=300)


@pytest.fixture(scope="module")
def classes(there: Path) -> Path:
    """Class3D/run: three iterations of two classes."""
    refine(there, "Class3D/run", f"{CLASSES} {COMMON}")
    return there


@pytest.fixture(scope="module")
def halves(there: Path) -> Path:
    """Refine3D/run: three iterations of two half-sets."""
    refine(there, "Refine3D/run", f"{HALVES} {COMMON}", halves=True)
    return there


@pytest.fixture(scope="module")
def gradient(there: Path) -> Path:
    """InitialModel/run: three iterations."""
    refine(there, "InitialModel/run", f"{GRADIENT} {COMMON}")
    return there


def written_again(directory: Path, root: str, number: int, again: str) -> Saved3D:
    """Read an iteration of RELION's and write it under another name."""
    saved = read_iteration3d(f"{root}_it{number:03d}_optimiser.star", directory)
    stem = f"{root}_it{number:03d}"
    half = "half1_" if saved.kind == "auto-refine" else ""
    names = [str(name) for name in read_star(directory / f"{stem}_{half}model.star")["model_groups"]["rlnGroupName"]]
    own = {"rlnOutputRootName", "rlnCurrentIteration"}
    labels = [label for label in saved.optimiser.labels if label not in own and not label.endswith("StarFile2")]
    options = {label: saved.optimiser.value(label) for label in labels if not label.endswith("StarFile")}
    options |= {"rlnBodyStarFile": "None", "tau2_fudge": saved.tau2_fudge, "padding": saved.padding}
    poses = poses_of(saved.table, np.array(saved.table.particles["rlnGroupNumber"]) - 1)
    (directory / again).parent.mkdir(parents=True, exist_ok=True)
    write_iteration3d(
        again, saved.state(poses), saved.table, directory=directory, options=options, command="", group_names=names
    )
    return saved


def check_same(directory: Path, first: str, second: str, maps: list[str]) -> None:
    one, other = (read_particles(directory / f"{stem}_data.star").particles for stem in (first, second))
    assert list(one["rlnImageName"]) == list(other["rlnImageName"])
    seen = other["rlnClassNumber"] > 0  # RELION gives 0 to particles that no gradient looked at yet, we 1
    assert seen.sum() > COUNT / 2
    for label in LABELS:
        np.testing.assert_allclose(one[f"rln{label}"][seen], other[f"rln{label}"][seen], atol=1e-4, err_msg=label)
    for name in maps:
        mine, its = (read_map(directory / f"{stem}_{name}.mrc")[0] for stem in (first, second))
        assert mine.std() > 0
        np.testing.assert_allclose(mine, its, atol=1e-5 * mine.std())


def go_on(directory: Path, kind: str, flags: str, *, halves: bool = False) -> tuple[str, str]:
    """Let RELION do iteration 3 from our file of iteration 2 and from its own; returns how the names of both begin."""
    for begin, folder in (("again/run", "ours"), ("run", "theirs")):
        continued = f"--continue {kind}/{begin}_it002_optimiser.star {flags}"
        refine(directory, f"{kind}/{folder}/run", continued, halves=halves)
    return f"{kind}/ours/run_it003", f"{kind}/theirs/run_it003"


def test_classes_go_on_from_what_we_write(classes: Path) -> None:
    saved = written_again(classes, "Class3D/run", 2, "Class3D/again/run")
    assert saved.kind == "class3d"
    assert saved.relion_version.startswith("3.")
    check_same(classes, *go_on(classes, "Class3D", "--iter 3"), ["class001", "class002"])


def test_half_sets_go_on_from_what_we_write(halves: Path) -> None:
    saved = written_again(halves, "Refine3D/run", 2, "Refine3D/again/run")
    assert saved.kind == "auto-refine"
    assert {1, 2} == set(saved.table.particles["rlnRandomSubset"])
    stems = go_on(halves, "Refine3D", "--auto_iter_max 3", halves=True)
    check_same(halves, *stems, ["half1_class001", "half2_class001"])


def test_an_initial_model_goes_on_from_what_we_write(gradient: Path) -> None:
    saved = written_again(gradient, "InitialModel/run", 2, "InitialModel/again/run")
    assert saved.kind == "initial model"
    assert saved.gradients is not None
    stems = go_on(gradient, "InitialModel", "--sgd_ini_iter 1 --sgd_inbetween_iter 1 --sgd_fin_iter 1")
    check_same(gradient, *stems, ["class001", "grad001"])


def labels(path: Path) -> dict[str, set[str]]:
    return {name: set(table.labels) for name, table in read_star(path).items()}


@pytest.mark.parametrize("file", ["model", "sampling", "optimiser", "data"])
def test_our_tables_have_the_labels_of_relions(classes: Path, halves: Path, gradient: Path, file: str) -> None:
    cases = [(classes, "Class3D", ""), (halves, "Refine3D", "half2_"), (gradient, "InitialModel", "")]
    for directory, kind, half in cases:
        written_again(directory, f"{kind}/run", 2, f"{kind}/labels/run")
        name = f"run_it002_{half if file == 'model' else ''}{file}.star"
        theirs, ours = (labels(directory / kind / folder / name) for folder in ("", "labels"))
        assert set(theirs) == set(ours)
        for table, wanted in theirs.items():
            assert wanted - {"rlnBodyStarFile"} <= ours[table], (kind, table)


def cylinders(path: Path) -> np.ndarray:
    """Return colours and cylinders of a picture of directions, in the order of their places: (n, 10)."""
    lines = [[float(x) for x in line.split()[1:]] for line in path.read_text().splitlines() if line]
    both = np.hstack([lines[0::2], lines[1::2]])
    return both[np.lexsort(np.round(both[:, 3:6], 2).T)]


def test_directions_are_drawn_as_relion_draws_them(classes: Path, halves: Path) -> None:
    counts = []
    for directory, kind, drawn in (
        (classes, "Class3D", ("class001", "class002")),
        (halves, "Refine3D", ("half1_class001", "half2_class001")),
    ):
        written_again(directory, f"{kind}/run", 2, f"{kind}/drawn/run")
        for name in (f"run_it002_{map_}_angdist.bild" for map_ in drawn):
            ours, theirs = cylinders(directory / kind / "drawn" / name), cylinders(directory / kind / name)
            np.testing.assert_allclose(ours, theirs, atol=2e-3)  # both have six digits
            counts.append(len(ours))
    assert max(counts) > 10


def slice_power(name: Path, padding: int) -> np.ndarray:
    """Return half the mean power of a map's slices per shell, as RELION measures it for tau2."""
    array = read_map(name)[0].astype(float)
    box = array.shape[0]
    line = np.arange(box) - box // 2
    radius = np.sqrt(line[:, None, None] ** 2 + line[:, None] ** 2 + line**2)
    n = padding * box
    padded = np.zeros((n, n, n))
    inner = slice((n - box) // 2, (n + box) // 2)
    padded[inner, inner, inner] = array / np.sinc(radius / n) ** 2
    power = np.abs(rfft3_centred(padded) * padding**3) ** 2
    shells = np.floor(np.sqrt(radius_squared(n, 3)) / padding + 0.5).astype(int).ravel()
    mean = np.bincount(shells, power.ravel()) / np.bincount(shells)
    return box**2 / 2 * mean[: box // 2 + 1]


@pytest.mark.parametrize("padding", [1, 2])
def test_tau2_of_classes_is_the_power_of_the_last_maps(classes: Path, padding: int) -> None:
    kind = f"Padded{padding}"
    flags = f"{START} --K 2 --tau2_fudge 4 --sym C1 --iter 3 {COMMON.replace('--pad 1', f'--pad {padding}')}"
    refine(classes, f"{kind}/run", flags)
    tables = read_star(classes / f"{kind}/run_it003_model.star")
    used = int(tables["model_general"].value("rlnCurrentImageSize")) // 2
    for c in (1, 2):
        table = tables[f"model_class_{c}"]
        tau2, ssnr, sigma2 = (table[f"rln{label}"][:used] for label in ("ReferenceTau2", "SsnrMap", "ReferenceSigma2"))
        before = slice_power(classes / f"{kind}/run_it002_class00{c}.mrc", padding)[:used]
        np.testing.assert_allclose(tau2, before, rtol=2e-3)
        np.testing.assert_allclose(ssnr, 4 * tau2 / sigma2, rtol=1e-3)
        shares = tables[f"model_pdf_orient_class_{c}"]["rlnOrientationDistribution"]
        assert shares.sum() == pytest.approx(tables["model_classes"]["rlnClassDistribution"][c - 1], abs=1e-4)


def test_tau2_of_half_sets_follows_from_the_fsc(halves: Path) -> None:
    tables = read_star(halves / "Refine3D/run_it003_half1_model.star")
    table = tables["model_class_1"]
    used = int(tables["model_general"].value("rlnCurrentImageSize")) // 2
    fsc, ssnr = table["rlnGoldStandardFsc"][1:used], table["rlnSsnrMap"][1:used]
    capped = np.clip(fsc, 0.001, 0.999)
    np.testing.assert_allclose(ssnr, capped / (1 - capped), rtol=1e-2)
    np.testing.assert_allclose(table["rlnReferenceTau2"][1:used], ssnr * table["rlnReferenceSigma2"][1:used], rtol=1e-3)
    # half-sets share the shells below what they are joined to, but none beyond the resolution that they had
    before = read_star(halves / "Refine3D/run_it002_half1_model.star")["model_general"].value("rlnCurrentResolution")
    joined = int(np.ceil(BOX * PIXEL_SIZE / max(40.0, float(before)) - 1e-6))
    assert (fsc[: joined - 1] == 1).all()
    assert (fsc[joined - 1 :] < 1).all()
