"""The files of 3D runs are found in order, and what they tell is read as it is meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.rotations import random_euler
from relionlab.errors import NodeError
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.refinement.outcome import outcome_of
from relionlab.jobs.refinement.rounds import is_three_dimensional, last_round, rounds


def write_model(path: Path, *, fsc: list[float] | None = None, dimensions: int = 3) -> None:
    general = {
        "rlnReferenceDimensionality": [dimensions],
        "rlnOriginalImageSize": [8],
        "rlnPixelSize": [2.0],
        "rlnCurrentResolution": [16 / 3],
    }
    classes = {
        "rlnReferenceImage": ["a.mrc", "b.mrc"],
        "rlnClassDistribution": [0.25, 0.75],
        "rlnAccuracyRotations": [999.0, 2.0],
        "rlnAccuracyTranslationsAngst": [999.0, 1.5],
    }
    shells = {"rlnSpectralIndex": np.arange(5), "rlnGoldStandardFsc": fsc or [0.0] * 5}
    tables = [
        Table(general, "model_general", loop=False),
        Table(classes, "model_classes"),
        Table(shells, "model_class_1"),
    ]
    write_star(path, tables)


def write_rest(directory: Path, root: str, *, converged: int = 0) -> None:
    told = {
        "rlnDoAutoRefine": [1],
        "rlnHasConverged": [converged],
        "rlnAdaptiveOversampleOrder": [1],
        "rlnAutoLocalSearchesHealpixOrder": [4],
        "rlnParticleDiameter": [8.0],
        "rlnChangesOptimalOrientations": [1.5],
        "rlnChangesOptimalOffsets": [999.0],
        "rlnChangesOptimalClasses": [0.1],
    }
    write_star(directory / f"{root}_optimiser.star", [Table(told, "optimiser_general", loop=False)])
    grid = {"rlnHealpixOrder": [2], "rlnSymmetryGroup": ["C2"]}
    write_star(directory / f"{root}_sampling.star", [Table(grid, "sampling_general", loop=False)])
    rot, tilt, _ = random_euler(np.random.default_rng(1), 500)
    columns = {"rlnAngleRot": rot, "rlnAngleTilt": tilt, "rlnClassNumber": np.repeat([1, 2], [400, 100])}
    columns["rlnAngleTilt"][400:] = 0.0  # the largest class of the model shows one view only
    columns["rlnMaxValueProbDistribution"] = np.full(500, 0.4)
    write_star(directory / f"{root}_data.star", [Table(columns, "particles")])


@pytest.fixture
def refinement(tmp_path):
    """Iterations 1, 2 and, continued from 2, 3, with its half 2 missing; then the joined one."""
    for name in ("run_it001", "run_it002", "run_ct2_it003"):
        for half in (1, 2):
            write_model(tmp_path / f"{name}_half{half}_model.star", fsc=[1.0, 0.9, 0.5, 0.0, 0.0])
        write_rest(tmp_path, name)
    (tmp_path / "run_ct2_it003_half2_model.star").unlink()
    return tmp_path


def test_only_iterations_with_both_halves_count(refinement):
    assert [one.number for one in rounds(refinement)] == [1, 2]
    write_model(refinement / "run_ct2_it003_half2_model.star")
    assert [one.models[0].name for one in rounds(refinement)][-1] == "run_ct2_it003_half1_model.star"


def test_an_iteration_being_written_is_left_out(refinement):
    """What a monitor meets: models are there, the optimiser file, which is written last, is not."""
    for half in (1, 2):
        write_model(refinement / f"run_it003_half{half}_model.star")
    assert last_round(refinement).number == 2
    write_rest(refinement, "run_it003")
    assert last_round(refinement).number == 3


def test_the_joined_one_is_last_and_has_converged(refinement):
    assert outcome_of(refinement).converged is False
    write_model(refinement / "run_model.star", fsc=[1.0, 0.9, 0.8, 0.7, 0.6])
    write_rest(refinement, "run")
    (refinement / "run_optimiser.star").unlink()
    last = last_round(refinement)
    assert (last.final, last.number, last.label()) == (True, 2, "at the end")
    outcome = outcome_of(refinement)
    assert outcome.converged
    assert outcome.kind == "refinement"
    assert outcome.fsc.tolist() == [1.0, 0.9, 0.8, 0.7, 0.6]


def test_what_is_told_is_read(refinement):
    outcome = outcome_of(refinement)
    assert outcome.fsc.tolist() == [1.0, 0.9, 0.5]  # zeros beyond were not measured
    assert (outcome.accuracy_rotations, outcome.accuracy_offsets) == (2.0, 1.5)
    assert outcome.angular_step == 7.5  # order 2, halved once
    assert outcome.local_searches is False
    assert outcome.changed[0] == 1.5
    assert np.isnan(outcome.changed[1])
    assert outcome.class_shares == (0.25, 0.75)
    assert outcome.symmetry_order == 2
    assert outcome.occupied == pytest.approx(np.pi / 6 * (8 / 16) ** 3)
    assert outcome.particles == 500
    assert outcome.empty > 0.5  # of the largest class


@pytest.mark.parametrize("corrected", [0, 1])
def test_an_fsc_within_the_mask_is_known_by_the_optimiser(refinement, corrected):
    path = refinement / "run_it002_optimiser.star"
    told = read_star(path)["optimiser_general"]
    write_star(path, [told.with_columns(rlnDoSolventFscCorrection=[corrected])])
    assert outcome_of(refinement).within_mask == bool(corrected)


def test_a_single_model_file_is_its_iteration(refinement):
    assert outcome_of(refinement / "run_it001_half2_model.star").iterations == 1


def test_mask_of_the_post_processing(refinement):
    curves = {
        "rlnFourierShellCorrelationMaskedMaps": np.array([1.0, 0.9, 0.6, 0.3, 0.1]),
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": np.array([1.0, 0.9, 0.3, 0.2, 0.1]),
    }
    star = refinement / "postprocess.star"
    write_star(star, [Table(curves, "fsc")])
    outcome = outcome_of(refinement, postprocess=star)
    assert outcome.masked_fsc.tolist() == [1.0, 0.9, 0.6, 0.3, 0.1]
    write_star(star, [Table({"rlnFourierShellCorrelationUnmaskedMaps": np.ones(5)}, "fsc")])
    assert outcome_of(refinement, postprocess=star).masked_fsc is None


def test_two_dimensional_runs_are_none_of_these(tmp_path):
    assert not is_three_dimensional(tmp_path)
    write_model(tmp_path / "run_it001_model.star", dimensions=2)
    assert not is_three_dimensional(tmp_path)
    write_model(tmp_path / "run_it001_model.star")
    assert is_three_dimensional(tmp_path)


def test_nothing_there(tmp_path):
    with pytest.raises(NodeError, match=r"holds no model\.star"):
        outcome_of(tmp_path)


def test_initial_model_is_judged_by_its_spectrum_not_by_its_schedule(tmp_path):
    write_model(tmp_path / "run_it005_model.star")
    tables = read_star(tmp_path / "run_it005_model.star")
    tables["model_classes"] = tables["model_classes"].with_columns({"rlnEstimatedResolution": [np.inf, 8.0]})
    write_star(tmp_path / "run_it005_model.star", list(tables.values()))
    told = {"rlnDoStochasticGradientDescent": [1]}
    write_star(tmp_path / "run_it005_optimiser.star", [Table(told, "optimiser_general", loop=False)])
    outcome = outcome_of(tmp_path)
    assert (outcome.kind, outcome.resolution_angstrom) == ("initial model", 8.0)
    assert outcome.particles == 0


def test_other_runs_beside_a_models_do_not_count(tmp_path):
    for root in ("one_it001", "one_it002", "one_ct2_it003", "other_it009"):
        write_model(tmp_path / f"{root}_model.star")
        write_rest(tmp_path, root, converged=1 if root.startswith("one") else 0)
    for root in ("one", "other"):
        write_model(tmp_path / f"{root}_model.star")
        write_rest(tmp_path, root)
    (tmp_path / "one_optimiser.star").unlink()  # RELION writes none at the end
    outcome = outcome_of(tmp_path / "one_model.star")
    assert (outcome.iterations, outcome.converged) == (3, True)
    assert outcome_of(tmp_path / "other_model.star").iterations == 9
    assert last_round(tmp_path / "one_it002_model.star").number == 2


@pytest.mark.parametrize(("converged", "allowed", "settled"), [(0, 5, False), (1, 5, True), (0, 999, True)])
def test_a_run_that_was_ended_by_its_limit_has_not_converged(tmp_path, converged, allowed, settled):
    for root in ("run_it005", "run"):
        write_model(tmp_path / f"{root}_model.star")
        write_rest(tmp_path, root, converged=converged)
        told = read_star(tmp_path / f"{root}_optimiser.star")["optimiser_general"]
        write_star(tmp_path / f"{root}_optimiser.star", [told.with_columns(rlnNumberOfIterations=[allowed])])
    assert outcome_of(tmp_path).converged == settled


def test_a_project_made_smaller_is_judged_by_what_is_left(tmp_path):
    write_model(tmp_path / "run_it013_half1_model.star")
    write_rest(tmp_path, "run_it013", converged=1)
    write_model(tmp_path / "run_model.star")
    outcome = outcome_of(tmp_path)
    assert (outcome.kind, outcome.iterations, outcome.converged) == ("refinement", 13, True)
