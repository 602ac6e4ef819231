"""Maps and poses against a known molecule, and the choices between 3D jobs that go by rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.axes import moved
from relionlab.engine.maps.alterations import inverted_hand
from relionlab.engine.maps.filters import filtered, low_pass, radial
from relionlab.engine.rotations import euler_from_matrix, matrix_from_euler, random_rotations
from relionlab.engine.symmetry import point_group
from relionlab.io.images import write_map
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.simulation import d2_assembly, density
from relionlab.simulation.scores.maps import compare_map, compare_poses, true_b_factor
from relionlab.workflows.map_choices import choose_classes, noise_threshold

SIDE, PIXEL = 32, 8.0
TURN, CENTRE = matrix_from_euler(35, 70, -120), np.array([1.0, -0.5, 0.7])


@pytest.fixture(scope="module")
def molecules() -> dict[str, np.ndarray]:
    return {name: density(d2_assembly(name), SIDE, PIXEL) for name in ("full", "missing_subunit")}  # type: ignore[arg-type]


def angles(matrices: np.ndarray) -> Table:
    return Table({f"rlnAngle{name}": values for name, values in zip(("Rot", "Tilt", "Psi"), euler_from_matrix(matrices), strict=True)})  # fmt: skip


@pytest.mark.parametrize("other_hand", [False, True])
def test_a_map_and_its_poses_are_judged_where_they_belong(tmp_path: Path, molecules, other_hand: bool):
    rng = np.random.default_rng(1)
    write_map(tmp_path / "truth.mrc", molecules["full"], pixel_size=PIXEL)
    found = moved(molecules["full"], TURN, CENTRE)
    true = random_rotations(rng, 60)
    group = point_group("D2").rotations
    poses = true @ group[rng.integers(0, 4, 60)] @ TURN.T  # equivalents of the true poses, in the moved map's frame
    if other_hand:
        found, poses = inverted_hand(found), np.diag([1.0, 1, -1]) @ poses @ np.diag([-1.0, 1, 1])
    noise = rng.normal(0, 0.2 * molecules["full"].std(), found.shape)
    write_map(tmp_path / "found.mrc", (found + noise).astype(np.float32), pixel_size=PIXEL)
    judged = compare_map(tmp_path / "found.mrc", tmp_path / "truth.mrc")
    assert judged.placed.mirrored == other_hand
    assert judged.resolution < 2.6 * PIXEL
    assert compare_poses(angles(poses), angles(true), judged.placed, symmetry="D2").median < 2
    wrong = compare_poses(angles(poses[::-1]), angles(true), judged.placed, symmetry="D2")
    assert wrong.median > 30
    assert wrong.random > 30


def test_noise_is_no_likeness(tmp_path: Path, molecules):
    write_map(tmp_path / "truth.mrc", molecules["full"], pixel_size=PIXEL)
    noise = np.random.default_rng(2).normal(size=(SIDE,) * 3).astype(np.float32)
    write_map(tmp_path / "noise.mrc", noise, pixel_size=PIXEL)
    judged = compare_map(tmp_path / "noise.mrc", tmp_path / "truth.mrc")
    assert judged.resolution > 8 * PIXEL
    assert abs(judged.placed.score - judged.placed.other) < 0.1


@pytest.mark.parametrize("asked", [-400.0, 0.0])
def test_the_falloff_is_told_through_noise(tmp_path: Path, asked: float):
    rng, side, pixel = np.random.default_rng(5), 48, 5.0
    whole = density(d2_assembly("full"), side, pixel)
    write_map(tmp_path / "truth.mrc", whole, pixel_size=pixel)
    write_map(tmp_path / "mask.mrc", np.ones_like(whole), pixel_size=pixel)
    blurred = filtered(whole, radial(whole.shape, lambda frequency: np.exp(asked * (frequency / pixel) ** 2 / 4)))
    halves = (tmp_path / "half1.mrc", tmp_path / "half2.mrc")
    for half in halves:
        noise = rng.normal(0, 0.1 * whole.std(), whole.shape)
        write_map(half, (blurred + noise).astype(np.float32), pixel_size=pixel)
    found = true_b_factor(halves, tmp_path / "mask.mrc", tmp_path / "truth.mrc", resolution=2.2 * pixel)
    assert found == pytest.approx(asked, abs=40)
    assert np.isnan(true_b_factor(halves, tmp_path / "mask.mrc", tmp_path / "truth.mrc", resolution=19.0))


def test_a_mask_begins_where_noise_ends(tmp_path: Path, molecules):
    rng = np.random.default_rng(3)
    names = [tmp_path / f"half{half}.mrc" for half in (1, 2)]
    halves = [molecules["full"] + rng.normal(0, 0.2, (SIDE,) * 3) for _ in names]
    for name, half in zip(names, halves, strict=True):
        write_map(name, half.astype(np.float32), pixel_size=PIXEL)
    threshold = noise_threshold(*names, resolution=40.0, diameter=240.0)
    smooth = radial((SIDE,) * 3, low_pass(40.0, side=SIDE, pixel_size=PIXEL))
    mean = filtered((halves[0] + halves[1]) / 2, smooth)
    whole = filtered(molecules["full"], smooth)
    assert threshold < 0.5 * whole.max()
    assert (mean[whole < 0.02 * whole.max()] > threshold).mean() < 1e-3  # hardly a speck of solvent
    assert (mean[whole > 0.5 * whole.max()] > threshold).mean() > 0.99


def model_of(directory: Path, maps: list[np.ndarray], *, shares: list[float], resolutions: list[float]) -> None:
    names = []
    for number, volume in enumerate(maps, 1):
        write_map(directory / f"run_it001_class{number:03d}.mrc", volume.astype(np.float32), pixel_size=PIXEL)
        names.append(f"run_it001_class{number:03d}.mrc")
    columns = {"rlnReferenceImage": names, "rlnClassDistribution": shares, "rlnEstimatedResolution": resolutions}
    write_star(directory / "run_it001_model.star", [Table({"rlnPixelSize": PIXEL}, name="model_general", loop=False), Table(columns, name="model_classes")])  # fmt: skip
    (directory / "run_it001_optimiser.star").touch()


@pytest.mark.parametrize(
    ("first", "second", "resolutions", "kept"),
    [
        ("full", "full", [20.0, 21.0], (1, 2)),
        ("missing_subunit", "full", [20.0, 20.0], (2,)),
        ("full", "full", [20.0, 45.0], (1,)),
    ],
)
def test_fine_and_symmetric_classes_go_on(tmp_path: Path, molecules, first, second, resolutions, kept):
    rng = np.random.default_rng(4)
    maps = [molecules[name] + rng.normal(0, 0.05 * molecules[name].std(), (SIDE,) * 3) for name in (first, second)]
    model_of(tmp_path, maps, shares=[0.5, 0.5], resolutions=resolutions)
    choice = choose_classes(tmp_path, symmetry="D2")
    assert choice.kept == kept, choice
    assert choice.tells == (len(kept) < 2)


def test_without_symmetry_only_detail_counts(tmp_path: Path, molecules):
    model_of(tmp_path, [molecules["missing_subunit"], molecules["full"]], shares=[0.6, 0.4], resolutions=[20.0, 22.0])
    choice = choose_classes(tmp_path, symmetry="C1")
    assert choice.kept == (1, 2)
    assert np.isnan(choice.symmetries).all()
