"""What a form tells of bad input before anything runs: by the job's own look, in the words of its run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import read_map, read_stack, write_image, write_map, write_stack
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.base import Job
from relionlab.jobs.ctf.job import CtfFind
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.importing.job import Import
from relionlab.jobs.input_checks import input_findings
from relionlab.jobs.maps.mask_job import MaskCreate
from relionlab.jobs.maps.postprocess_job import PostProcess
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.jobs.refinement.class3d import Class3D
from relionlab.jobs.selecting.select import Select
from tests.jobs.class2d_runs import DIAMETER, STACK, STAR
from tests.jobs.half_map_files import HALF, write_half_maps

MICROGRAPHS = [f"Movies/mic{number}.mrc" for number in range(4)]
CLASS2D = Class2D(fn_img=STAR, nr_classes=2, particle_diameter=DIAMETER)
CTFFIND = CtfFind(input_star_mics="mics.star", box=64, resmin=60, resmax=10, dfmin=5000, dfmax=20000)
EXTRACT = Extract(star_mics="mics.star", coords_suffix="Pick/coords_suffix_pick.star", extract_size=32)
OTHER_HALF = HALF.replace("half1", "half2")
POST = PostProcess(fn_in=HALF, fn_mask="mask.mrc")


def told(job: Job) -> tuple[str, str]:
    """Return what keeps a job from running, and what may be wrong."""
    found = input_findings(job, Path.cwd())
    return " ".join(found.problems), " ".join(found.doubts)


# --- micrographs ----------------------------------------------------------------------------------------------------


@pytest.fixture
def micrographs(here: Path) -> Path:
    """Four micrographs with picks, and their list."""
    rng = np.random.default_rng(0)
    for name in MICROGRAPHS:
        write_image(here / name, rng.normal(10, 2, (96, 96)).astype(np.float32), pixel_size=4.0)
        picks = Table({"rlnCoordinateX": [40.0, 50.0], "rlnCoordinateY": [40.0, 50.0]})
        write_star(here / pick_file(name), [picks])
    (here / "Pick/coords_suffix_pick.star").write_text("mics.star\n")
    list_micrographs()
    return here


def pick_file(micrograph: str) -> str:
    return f"Pick/{micrograph.removesuffix('.mrc')}_pick.star"


def list_micrographs(**optics: object) -> None:
    usual = {
        "rlnOpticsGroupName": ["one"], "rlnOpticsGroup": [1], "rlnMicrographPixelSize": [4.0], "rlnVoltage": [300.0],
        "rlnMicrographOriginalPixelSize": [4.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    rows = {"rlnMicrographName": MICROGRAPHS, "rlnOpticsGroup": [1] * 4, "rlnDefocusU": [15000.0] * 4}
    write_star("mics.star", [Table({**usual, **optics}, "optics"), Table(rows, "micrographs")])


def spoil_pixels(*names: str, value: float = np.nan) -> None:
    for name in names:
        image = read_stack(name)[0].copy()
        image[3, 5] = value
        write_image(name, image, pixel_size=4.0)


@pytest.mark.parametrize("job", [CTFFIND, EXTRACT], ids=["CtfFind", "Extract"])
def test_good_micrographs_are_let_in(micrographs, job):
    assert told(job) == ("", "")


def test_micrographs_with_pixels_that_are_no_numbers_are_told(micrographs):
    spoil_pixels(*MICROGRAPHS[:1])
    problem, doubt = told(CTFFIND)
    assert not problem
    assert "1 NaN or infinite pixels" in doubt
    spoil_pixels(*MICROGRAPHS[1:])
    assert "1 NaN or infinite pixels" not in told(EXTRACT)[0]  # boxes beside dead pixels can be cut


def test_infinite_pixels_are_not_called_constant(micrographs):
    spoil_pixels(*MICROGRAPHS, value=np.inf)
    assert told(EXTRACT) == ("", "")


def test_movies_among_micrographs_are_told(micrographs):
    write_stack("Movies/a.mrcs", np.zeros((3, 96, 96), np.float32), pixel_size=4.0)
    Path("Movies/a.mrcs").replace(MICROGRAPHS[0])
    assert "holds 3 images; expected one" in told(CTFFIND)[1]


@pytest.mark.parametrize(
    ("optics", "words"),
    [
        ({"rlnVoltage": [0.0]}, "rlnVoltage is 0 kV"),
        ({"rlnVoltage": [300000.0]}, "rlnVoltage is 300000 kV"),
        ({"rlnSphericalAberration": [np.nan]}, "rlnSphericalAberration is nan mm"),
        ({"rlnAmplitudeContrast": [7.0]}, "rlnAmplitudeContrast is 7"),
    ],
)
def test_a_microscope_that_cannot_be_is_told(micrographs, optics, words):
    list_micrographs(**optics)
    assert words in told(CTFFIND)[0]
    assert words in told(EXTRACT)[1]


def test_picks_that_give_nothing_are_told(micrographs):
    for name in MICROGRAPHS:
        write_star(pick_file(name), [Table({"rlnCoordinateX": [900.0], "rlnCoordinateY": [9.0]})])
    assert "No coordinates lie on the 4 micrographs" in told(EXTRACT)[0]


def test_movies_and_micrographs_are_told_apart_at_import(micrographs):
    write_stack("raw/a.mrcs", np.ones((3, 96, 96), np.float32), pixel_size=4.0)
    assert "has 3 frames, so it is a movie" in told(Import(fn_in_raw="raw/*.mrcs", is_multiframe=False, angpix=4.0))[0]
    assert "has a single frame" in told(Import(fn_in_raw="Movies/*.mrc", angpix=4.0))[1]


def test_what_is_imported_is_of_the_kind_that_is_said(micrographs):
    job = Import(do_raw=False, do_other=True, fn_in_other="mics.star", node_type="3D mask (.mrc)")
    assert "holds micrographs; expected a mask" in told(job)[0]
    assert told(job.changed(node_type="Micrographs STAR file (.star)")) == ("", "")


# --- particles ------------------------------------------------------------------------------------------------------


def test_one_bad_image_is_no_reason_not_to_begin(tiny):
    images = read_stack(STACK)
    images[7, 4, 4] = np.nan
    write_stack(STACK, images, pixel_size=8.0)
    problem, doubt = told(CLASS2D)
    assert not problem
    assert "hold NaN or infinite pixels" in doubt


def test_a_stack_that_is_named_without_a_number_is_told(tiny):
    table = read_particles(STAR)
    names = table.particles["rlnImageName"].copy()
    names[5] = STACK
    write_particles(STAR, table.with_columns(rlnImageName=names))
    assert "without the number of one" in told(CLASS2D)[0]


def test_a_search_beyond_the_box_is_told(tiny):
    assert "more than half of the box" in told(CLASS2D.changed(offset_range=20))[0]


CONTINUED = Class2D(fn_cont="Class2D/a/run_it002_optimiser.star", nr_iter=4, particle_diameter=DIAMETER)


@pytest.fixture
def run(finished: Path, here: Path) -> Path:
    """A copy of a run of two iterations."""
    shutil.copytree(finished, here, symlinks=True, dirs_exist_ok=True)
    return here


def remove(end: str) -> Callable[[], object]:
    return lambda: Path(f"Class2D/a/run_it002_{end}").unlink()


@pytest.mark.parametrize(
    ("spoil", "job", "words"),
    [
        (lambda: None, CONTINUED, ""),
        (lambda: None, CONTINUED.changed(nr_iter=2), "is of iteration 2 already"),
        (lambda: None, Class3D(fn_cont=CONTINUED.fn_cont), "is of a Class2D job"),
        (lambda: None, CONTINUED.changed(fn_cont=STAR), "expected a table data_optimiser_general"),
        (remove("model.star"), CONTINUED, "run_it002_model.star, which is not there"),
        (remove("classes.mrcs"), CONTINUED, "run_it002_classes.mrcs, which is not there"),
        (remove("data.star"), CONTINUED, "run_it002_data.star, which is not there"),
    ],
)
def test_what_cannot_be_continued_is_told(run, spoil, job, words):
    spoil()
    problem, _ = told(job)
    assert words in problem
    assert bool(problem) == bool(words)


def test_a_selection_that_gives_nothing_is_told(particles):
    chosen = Select(fn_data="particles.star", do_select_values=True, select_label="rlnDefocusU")
    assert told(chosen) == ("", "")
    assert "nothing is chosen" in told(chosen.changed(select_minval=1, select_maxval=2))[1]


# --- maps -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def halves(here: Path) -> Path:
    """Two half-maps and a mask."""
    write_half_maps(here)
    grid = np.stack(np.meshgrid(*[np.arange(48) - 24] * 3, indexing="ij"))
    soft = np.clip((18 - np.sqrt((grid**2).sum(axis=0))) / 5, 0, 1)
    write_map(here / "mask.mrc", soft.astype(np.float32), pixel_size=2.0)
    return here


def rewrite(name: str, change: Callable[[np.ndarray], np.ndarray], source: str = "") -> None:
    values, size = read_map(source or name)
    write_map(name, change(values).astype(np.float32), pixel_size=size)


@pytest.mark.parametrize(
    ("spoil", "problem", "doubt"),
    [
        (lambda: None, "", ""),
        (lambda: rewrite("mask.mrc", lambda m: m * 1.04 - 0.02), "", "cut at 0 and 1"),
        (lambda: rewrite("mask.mrc", lambda m: m > 0.5), "", "no soft edge"),
        (lambda: rewrite("mask.mrc", lambda m: m * 0 + 1), "", "1 everywhere"),
        (lambda: rewrite("mask.mrc", lambda m: m * 3), "a mask lies between 0", ""),
        (lambda: rewrite(OTHER_HALF, lambda m: 2 * m + 1, HALF), "are the same map, but for a factor", ""),
        (lambda: rewrite(OTHER_HALF, lambda m: 0 * m), "is empty", ""),
        (lambda: rewrite(OTHER_HALF, lambda m: -m), "", "opposite contrast"),
        (lambda: rewrite(OTHER_HALF, lambda m: 9 * m), "", "times in strength"),
    ],
)
def test_half_maps_and_masks_that_do_not_fit_are_told(halves, spoil, problem, doubt):
    spoil()
    problems, doubts = told(POST)
    assert problem in problems
    assert bool(problem) == bool(problems)
    assert doubt in doubts
    assert bool(doubt) == bool(doubts)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ""),
        ({"extend_inimask": 20, "width_mask_edge": 6}, "half of the box"),
        ({"width_mask_edge": 40}, "half of the box"),
        ({"lowpass_filter": 500}, "coarser than the whole map"),
    ],
)
def test_a_mask_whose_rim_fills_the_box_is_told(halves, values, words):
    problem, _ = told(MaskCreate(fn_in=HALF, inimask_threshold=1.0, **values))
    assert words in problem
    assert bool(words) == bool(problem)
