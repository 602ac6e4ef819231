"""A mask that is tried gives the numbers of MaskCreate and PostProcess, and the words say what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ImageError, NodeError, ParameterError
from relionlab.io.images import read_map, write_map
from relionlab.io.star import read_star
from relionlab.jobs.context import PlainContext
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.mask_program import CreateMask
from relionlab.jobs.maps.mask_trial import MaskTrial, half_map_of, map_to_mask
from relionlab.jobs.maps.postprocess_program import Postprocess
from tests.jobs.half_map_files import HALF, MAP, SIZE, write_half_maps

START = MaskCreate(fn_in=MAP, lowpass_filter=12.0, inimask_threshold=0.25, extend_inimask=2, width_mask_edge=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half-maps of a particle, and their map."""
    return write_half_maps(tmp_path_factory.mktemp("halves"))


@pytest.fixture(scope="module")
def trial(folder: Path) -> MaskTrial:
    return MaskTrial(Postprocess(fn_in=HALF, do_auto_bfac=True, autob_lowres=10.0), folder=folder)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"inimask_threshold": 0.4, "width_mask_edge": 7},
        {"extend_inimask": -1, "lowpass_filter": 0},
        {"width_mask_edge": 0},
    ],
)
def test_numbers_are_the_programs(trial: MaskTrial, folder: Path, changes):
    job = START.model_copy(update=changes)
    tried = trial.of(job)
    context = PlainContext(folder, quiet=True)
    CreateMask.from_flags(["--o", "mask.mrc", *job.flags()]).run(context)
    Postprocess(fn_in=HALF, fn_mask="mask.mrc", do_auto_bfac=True, autob_lowres=10.0, o="post").run(context)
    assert np.array_equal(read_map(folder / "mask.mrc")[0], tried.mask)
    tables = read_star(folder / "post.star")
    assert float(tables["general"].value("rlnFinalResolution")) == pytest.approx(tried.resolution, rel=1e-5)
    assert float(tables["general"].value("rlnBfactorUsedForSharpening")) == pytest.approx(tried.b_factor, rel=1e-5)
    for label, mine in {
        "rlnFourierShellCorrelationCorrected": tried.curves.true,
        "rlnFourierShellCorrelationMaskedMaps": tried.curves.masked,
        "rlnFourierShellCorrelationUnmaskedMaps": tried.curves.unmasked,
        "rlnCorrectedFourierShellCorrelationPhaseRandomizedMaskedMaps": tried.curves.random,
    }.items():
        assert np.asarray(tables["fsc"][label], float) == pytest.approx(mine, abs=2e-6)
    weighted = np.asarray(tables["guinier"]["rlnLogAmplitudesWeighted"], float)
    assert weighted == pytest.approx(tried.guinier["rlnLogAmplitudesWeighted"], abs=1e-4)


def test_good_mask_is_good_and_its_numbers_add_up(trial: MaskTrial):
    tried = trial.of(START)
    assert (tried.verdict.grade, tried.pieces, tried.specks, tried.touches) == ("good", 1, 0, False)
    assert tried.volume == pytest.approx((tried.mask > 0.5).sum() * SIZE**3)
    assert tried.weight == pytest.approx(tried.volume * 0.81 / 1000)
    assert tried.share == pytest.approx(tried.mask.mean())
    assert 0 < trial.noise_level(12.0) < trial.noise_level(0.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"inimask_threshold": -0.1}, "lies in the solvent"),
        ({"inimask_threshold": 0.3, "lowpass_filter": 6, "extend_inimask": 0}, "specks of noise"),
        ({"extend_inimask": 15}, "too loose"),
        ({"extend_inimask": 8}, "density fills"),
        ({"extend_inimask": 10}, "touches the box"),
        (
            {"inimask_threshold": 1.0, "lowpass_filter": 0, "extend_inimask": 0, "width_mask_edge": 0},
            "but the mask is too tight",
        ),
    ],
)
def test_bad_masks_are_told_what_is_wrong(trial: MaskTrial, changes, words):
    judged = trial.of(START.model_copy(update=changes)).verdict
    assert judged.grade in ("doubtful", "bad")
    assert any(words in text for text in (judged.words, *judged.remarks)), judged


def test_empty_masks_and_wrong_maps_are_named(trial: MaskTrial, folder: Path):
    with pytest.raises(ParameterError, match="largest value after the low-pass filter"):
        trial.of(START.model_copy(update={"inimask_threshold": 99.0}))
    write_map(folder / "small.mrc", np.ones((8, 8, 8)), pixel_size=SIZE)
    with pytest.raises(ImageError, match="same refinement"):
        MaskTrial(Postprocess(fn_in=HALF), source="small.mrc", folder=folder)


def test_maps_are_found_beside_half_maps(folder: Path, tmp_path: Path):
    assert map_to_mask(HALF, folder) == MAP
    assert half_map_of(folder / "Refine3D/job001") == folder / HALF
    with pytest.raises(NodeError, match="has no half-maps"):
        half_map_of(tmp_path)
    write_map(tmp_path / "half1.mrc", np.ones((8, 8, 8)), pixel_size=SIZE)
    assert map_to_mask("half1.mrc", tmp_path) == "half1.mrc"
