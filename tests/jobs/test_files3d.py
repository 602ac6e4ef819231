"""The files of 3D iterations: complete for RELION, and read back to the last bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.refine3d.state import Model, Spectra
from relionlab.engine.sampling import sampling
from relionlab.errors import ImageError, NodeError, StarError
from relionlab.io.images import read_map, write_map
from relionlab.io.particles import Particles as ParticleTable
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.files import read_iteration
from relionlab.jobs.refinement.files3d import Iteration3D, Progress, write_final, write_iteration3d
from relionlab.jobs.refinement.input import poses_of
from relionlab.jobs.refinement.sampling_file import SearchGrid
from relionlab.jobs.refinement.saved3d import Saved3D, read_iteration3d

BOX, PIXEL_SIZE, COUNT, GROUPS = 16, 4.0, 24, ["mic0", "mic1"]
OPTIMISER = "Run/a/run_it003_optimiser.star"
MAPS = [f"class00{c}{ending}" for c in (1, 2) for ending in (".mrc", "_angdist.bild")]
NO_KIND = {"rlnDoAutoRefine": 0, "rlnDoStochasticGradientDescent": 0, "rlnDoSplitRandomHalves": 0}
PLAIN = {**NO_KIND, "tau2_fudge": 4.0, "padding": 1}
HALVES = {**PLAIN, "rlnDoAutoRefine": 1, "rlnDoSplitRandomHalves": 1}


def table(random: np.random.Generator) -> ParticleTable:
    optics = Table({"rlnOpticsGroup": [1], "rlnImagePixelSize": [PIXEL_SIZE]}, "optics")
    columns = {
        "rlnImageName": [f"{k + 1:06d}@a.mrcs" for k in range(COUNT)],
        "rlnMicrographName": [GROUPS[k % 2] for k in range(COUNT)],
        "rlnOpticsGroup": np.ones(COUNT, int),
        "rlnDefocusU": random.uniform(9e3, 2e4, COUNT),
        "rlnBananas": [f"b{k}" for k in range(COUNT)],
    }
    return ParticleTable(optics, Table(columns, "particles"))


def model(random: np.random.Generator, classes: int, directions: int | None) -> Model:
    share = random.uniform(0.5, 1, classes)
    shares = None if directions is None else random.uniform(0, 1, (classes, directions))
    return Model(
        references=random.normal(size=(classes, BOX, BOX, BOX)).astype(np.float32),
        pixel_size=PIXEL_SIZE,
        class_share=share / share.sum(),
        tau2=np.zeros((classes, BOX // 2 + 1)),
        sigma2=random.uniform(1, 2, (2, BOX // 2 + 1)) * 1e-4,
        scale=random.uniform(0.9, 1.1, 2),
        offset_sigma=5.0 + random.uniform(),
        mean_norm=0.9 + 0.01 * random.uniform(),
        radius=0,
        resolution_shell=5,
        direction_share=shares,
    )


def spectra(random: np.random.Generator, classes: int) -> Spectra:
    shape = (classes, BOX // 2 + 1)
    drawn = [random.uniform(0, 1, shape) for _ in range(4)]
    return Spectra(*drawn, fsc=random.uniform(0, 1, shape[1]))


def iteration(*, halves: bool = False, classes: int = 2, seed: int = 1) -> tuple[ParticleTable, Iteration3D]:
    random = np.random.default_rng(seed)
    source = table(random)
    poses = dataclasses.replace(
        poses_of(source, np.arange(COUNT) % 2),
        rot=random.uniform(-180, 180, COUNT),
        tilt=random.uniform(0, 180, COUNT),
        psi=random.uniform(-180, 180, COUNT),
        origin=random.normal(size=(COUNT, 2)),
        class_index=random.integers(0, classes, COUNT),
        half=1 + random.integers(0, 2, COUNT) if halves else np.zeros(COUNT, int),
        norm=random.uniform(0.8, 1.2, COUNT),
        log_likelihood=random.uniform(size=COUNT),
        best_weight=random.uniform(size=COUNT),
        significant=random.integers(1, 99, COUNT),
    )
    grid = SearchGrid(sampling(2, group="D2", psi_step=15).perturbed(0.21), 6.5, 2.25)
    first = SearchGrid(sampling(1, group="D2"), 12.0, 4.0)
    models = tuple(model(random, classes, len(grid.orientations)) for _ in range(1 + halves))
    state = Iteration3D(
        3,
        models,
        poses,
        grid,
        first,
        spectra=tuple(spectra(random, classes) for _ in models),
        used_radius=7,
        rotations=random.uniform(1, 2, classes),
        offsets=random.uniform(1, 2, classes),
        changed=(1.5, 0.75, 0.125),
        progress=Progress(
            1, 2, 6, 3.5, 0.5, 0.0, converged=True, large_increase=True, since_increase=2, shells_ahead=13
        ),
        sigmas=(3.75, 3.75, 7.5) if halves else None,
    )
    return source, state


def write(
    directory: Path,
    state: Iteration3D,
    source: ParticleTable,
    options: dict[str, object],
    command: str = "--o Run/a/run --K 2",
) -> None:
    (directory / "Run/a").mkdir(parents=True, exist_ok=True)
    write_iteration3d(
        "Run/a/run",
        state,
        source,
        directory=directory,
        options=options,
        command=command,
        group_names=GROUPS,
    )


def same(first: object, second: object) -> None:
    for item in dataclasses.fields(first):  # type: ignore[arg-type]
        one, other = getattr(first, item.name), getattr(second, item.name)
        assert np.array_equal(one, other), item.name
        assert np.asarray(one).dtype == np.asarray(other).dtype, item.name


def check_read(saved: Saved3D, source: ParticleTable, state: Iteration3D) -> None:
    """Everything but tau2 with T, which is divided by T and multiplied again, comes back to the last bit."""
    particles = poses_of(saved.table, np.array(saved.table.particles["rlnGroupNumber"]) - 1)
    again = saved.state(particles)
    same(again.particles, state.particles)
    for mine, its in zip(again.models, state.models, strict=True):
        same(mine, its)
    for mine, its in zip(again.spectra, state.spectra, strict=True):
        np.testing.assert_allclose(mine.tau2, its.tau2, rtol=1e-14)
        same(dataclasses.replace(mine, tau2=its.tau2), its)
    assert again.progress == state.progress
    assert (again.number, again.used_radius, again.changed, again.sigmas) == (3, 7, (1.5, 0.75, 0.125), state.sigmas)
    assert np.array_equal(again.rotations, state.rotations)
    assert np.array_equal(again.offsets, state.offsets)
    assert np.array_equal(again.grid.orientations.numbers, state.grid.orientations.numbers)
    assert (again.grid.orientations.perturbation, again.grid.orientations.psi_step) == (0.21, 15)
    assert (again.grid.offset_range, again.grid.offset_step) == (6.5, 2.25)
    assert (again.first_grid.orientations.order, again.first_grid.offset_step) == (1, 4.0)
    assert list(saved.table.particles["rlnBananas"]) == list(source.particles["rlnBananas"])


def test_a_classification_is_read_as_it_was_written(tmp_path: Path) -> None:
    source, state = iteration()
    write(tmp_path, state, source, PLAIN)
    endings = ("data.star", "model.star", "sampling.star", "optimiser.star", *MAPS)
    assert {path.name for path in (tmp_path / "Run/a").iterdir()} == {f"run_it003_{ending}" for ending in endings}
    saved = read_iteration3d(OPTIMISER, tmp_path)
    check_read(saved, source, state)
    assert (saved.kind, saved.tau2_fudge, saved.padding, saved.relion_version) == ("class3d", 4.0, 1.0, "")
    assert saved.words == ("--o", "Run/a/run", "--K", "2")
    assert "rlnRandomSubset" not in saved.table
    # a classification's tau2 stands in the file without T
    column = read_star(tmp_path / "Run/a/run_it003_model.star")["model_class_2"]["rlnReferenceTau2"]
    np.testing.assert_allclose(column * 4.0, state.spectra[0].tau2[1])


def test_half_sets_are_read_as_they_were_written(tmp_path: Path) -> None:
    source, state = iteration(halves=True, classes=1)
    write(tmp_path, state, source, HALVES)
    names = {path.name for path in (tmp_path / "Run/a").iterdir()}
    halves = {f"run_it003_half{h}_{ending}" for h in (1, 2) for ending in ("model.star", *MAPS[:2])}
    assert names == halves | {f"run_it003_{ending}.star" for ending in ("data", "sampling", "optimiser")}
    saved = read_iteration3d(OPTIMISER, tmp_path)
    check_read(saved, source, state)
    assert saved.kind == "auto-refine"
    for half in (1, 2):
        model_star = read_star(tmp_path / f"Run/a/run_it003_half{half}_model.star")
        members = state.particles.half == half
        assert model_star["model_groups"]["rlnGroupNrParticles"].sum() == members.sum()
        likelihood = state.particles.log_likelihood[members].sum()
        assert model_star["model_general"].value("rlnLogLikelihood") == pytest.approx(likelihood)
        expected = state.spectra[half - 1].tau2[0]
        assert np.array_equal(model_star["model_class_1"]["rlnReferenceTau2"], expected)  # with T


def test_running_gradients_of_an_initial_model_are_kept(tmp_path: Path) -> None:
    source, state = iteration(classes=1)
    gradients = np.random.default_rng(9).normal(size=(1, BOX, BOX, BOX)).astype(np.float32)
    state = dataclasses.replace(state, gradients=gradients)
    write(tmp_path, state, source, {**PLAIN, "rlnDoStochasticGradientDescent": 1})
    saved = read_iteration3d(OPTIMISER, tmp_path)
    assert saved.kind == "initial model"
    assert saved.gradients is not None
    assert np.array_equal(saved.gradients, gradients)
    table = read_star(tmp_path / "Run/a/run_it003_model.star")["model_classes"]
    assert table.labels[:2] == ("rlnReferenceImage", "rlnSGDGradientImage")


def test_before_the_first_iteration_directions_are_alike(tmp_path: Path) -> None:
    source, state = iteration()
    unknown = dataclasses.replace(state.models[0], direction_share=None)
    write(tmp_path, dataclasses.replace(state, number=0, models=(unknown,), spectra=()), source, PLAIN)
    saved = read_iteration3d("Run/a/run_it000_optimiser.star", tmp_path)
    shares = saved.models[0].direction_share
    assert shares is not None
    assert np.ptp(shares, axis=1).max() == 0
    np.testing.assert_allclose(shares.sum(axis=1), unknown.class_share)
    assert saved.spectra == ()


def test_the_last_files_of_an_auto_refinement(tmp_path: Path) -> None:
    source, state = iteration(classes=1)
    halves = np.random.default_rng(3).normal(size=(2, BOX, BOX, BOX)).astype(np.float32)
    (tmp_path / "Run/a").mkdir(parents=True)
    flags = {"directory": tmp_path, "options": HALVES, "command": "", "group_names": GROUPS}
    write_final("Run/a/run", state, source, half_maps=(halves[0], halves[1]), **flags)
    names = {path.name for path in (tmp_path / "Run/a").iterdir()}
    stars = {f"run_{name}.star" for name in ("data", "model", "sampling", "optimiser")}
    pictured = {"run_class001.mrc", "run_class001_angdist.bild"}
    assert names == stars | pictured | {"run_half1_class001_unfil.mrc", "run_half2_class001_unfil.mrc"}
    for half in (1, 2):
        unfiltered, pixel_size = read_map(tmp_path / f"Run/a/run_half{half}_class001_unfil.mrc")
        assert np.array_equal(unfiltered, halves[half - 1])
        assert pixel_size == pytest.approx(PIXEL_SIZE)
    classes = read_star(tmp_path / "Run/a/run_model.star")["model_classes"]
    assert list(classes["rlnReferenceImage"]) == ["Run/a/run_class001.mrc"]
    with pytest.raises(NodeError, match="end of an auto-refinement"):
        read_iteration3d("Run/a/run_optimiser.star", tmp_path)
    with pytest.raises(ValueError, match="2 models"):
        write_final("Run/a/run", iteration(halves=True)[1], source, half_maps=(halves[0], halves[1]), **flags)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("run_it003_half2_model.star", "half2_model.star, which is not there: the iteration is not complete"),
        ("run_it003_half2_class001.mrc", "half2_class001.mrc, which is not there: a map of the iteration is missing"),
        ("run_it003_sampling.star", "sampling.star, which is not there"),
        ("run_it003_optimiser.star", "give the run_itNNN_optimiser.star"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, lost: str, message: str) -> None:
    source, state = iteration(halves=True, classes=1)
    write(tmp_path, state, source, HALVES)
    (tmp_path / "Run/a" / lost).unlink()
    with pytest.raises(NodeError, match=message):
        read_iteration3d(OPTIMISER, tmp_path)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    source, state = iteration(halves=True, classes=1)
    write(tmp_path, state, source, HALVES)
    write_map(tmp_path / "Run/a/run_it003_half1_class001.mrc", np.ones((8, 8, 8), np.float32), pixel_size=8.0)
    with pytest.raises(ImageError, match="8 × 8 × 8 voxels; expected 16 × 16 × 16"):
        read_iteration3d(OPTIMISER, tmp_path)
    write(tmp_path, state, source, HALVES)
    path = tmp_path / OPTIMISER
    general = read_star(path)["optimiser_general"]
    write_star(path, [general.without("rlnModelStarFile2")])
    with pytest.raises(NodeError, match="two half-sets, but names the model of one"):
        read_iteration3d(OPTIMISER, tmp_path)
    wrong = dataclasses.replace(state.models[0], direction_share=np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"direction_share is \(1, 3\)"):
        write(tmp_path, dataclasses.replace(state, models=(wrong, wrong)), source, HALVES)


def test_noise_of_optics_groups_is_given_to_their_noise_groups(tmp_path: Path) -> None:
    """RELION 4 and 5 keep noise spectra per optics group."""
    source, state = iteration()
    optics = Table({"rlnOpticsGroup": [1, 2], "rlnImagePixelSize": [PIXEL_SIZE] * 2}, "optics")
    rows = source.particles.with_columns(rlnOpticsGroup=2 - np.arange(COUNT) % 2)  # mic0 is of the second
    source = ParticleTable(optics, rows)
    write(tmp_path, state, source, PLAIN)
    path = tmp_path / "Run/a/run_it003_model.star"
    tables = read_star(path)
    for group in (1, 2):
        tables[f"model_group_{group}"] = tables[f"model_group_{group}"].renamed(f"model_optics_group_{group}")
    write_star(path, tables)
    assert np.array_equal(read_iteration3d(OPTIMISER, tmp_path).models[0].sigma2, state.models[0].sigma2[::-1])
    del tables["model_group_2"]
    write_star(path, tables)
    with pytest.raises(StarError, match="1 optics groups and none for its groups, its particles have 2"):
        read_iteration3d(OPTIMISER, tmp_path)


def test_two_dimensional_runs_and_three_dimensional_ones_are_told_apart(tmp_path: Path, there: Path) -> None:
    with pytest.raises(NodeError, match="2D classification; expected a 3D"):
        read_iteration3d("Class2D/a/run_it001_optimiser.star", there)
    source, state = iteration()
    write(tmp_path, state, source, PLAIN)
    with pytest.raises(NodeError, match="3D refinement; expected a 2D"):
        read_iteration(OPTIMISER, tmp_path)


def test_the_optimiser_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, state = iteration(halves=True)
    monkeypatch.setattr("relionlab.jobs.refinement.files3d.write_particles", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write(tmp_path, state, source, HALVES)
    assert not (tmp_path / OPTIMISER).exists()
