"""What files say of themselves, found in their heads, and what a form can say about a job's inputs because of it."""

from __future__ import annotations

import os

import numpy as np
import pytest

from relionlab.errors import InputError
from relionlab.io.images import write_image, write_map, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs import CtfFind, Extract, Import, MaskCreate, MotionCorr, PostProcess, Refine3D
from relionlab.jobs.input_checks import InputFindings, input_findings, input_problems, input_words
from relionlab.jobs.input_facts import facts_or_none, input_facts
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.project import Project

MICROSCOPE = {"rlnVoltage": [300.0], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1]}
RNG = np.random.default_rng(0)


def write_particles(path, count=12, *, box=64, pixel_size=3.0, ctf=True):
    """A list of particles of one optics group, and their stack beside it."""
    optics = Table(
        {"rlnOpticsGroup": [1], "rlnImagePixelSize": [pixel_size], "rlnImageSize": [box], **MICROSCOPE}, name="optics"
    )
    stack = path.with_suffix(".mrcs")
    write_stack(stack, RNG.normal(size=(count, box, box)).astype(np.float32), pixel_size=pixel_size)
    columns = {"rlnImageName": [f"{n:06d}@{stack.name}" for n in range(1, count + 1)], "rlnOpticsGroup": [1] * count}
    if ctf:
        columns["rlnDefocusU"] = [15_000.0] * count
    write_star(path, [optics, Table(columns, name="particles")])


def ball(side, noise=0.0):
    """A ball in a box (side, side, side) with a soft edge, from 0 to 1."""
    z, y, x = np.indices((side,) * 3) - side // 2
    soft = np.clip(side / 4 - np.sqrt(z**2 + y**2 + x**2), 0, 6) / 6
    return (soft + noise * RNG.normal(size=soft.shape)).astype(np.float32)


@pytest.fixture
def folder(tmp_path):
    """A folder with one file of every kind."""
    write_particles(tmp_path / "particles.star")
    write_particles(tmp_path / "bare.star", ctf=False)
    optics = Table({"rlnOpticsGroup": [1], "rlnMicrographPixelSize": [1.5], **MICROSCOPE}, name="optics")
    names = {"rlnMicrographName": ["a.mrc", "b.mrc"], "rlnOpticsGroup": [1, 1]}
    write_star(tmp_path / "micrographs.star", [optics, Table(names, name="micrographs")])
    for name in "ab":
        write_image(tmp_path / f"{name}.mrc", RNG.normal(size=(600, 640)).astype(np.float32), pixel_size=1.5)
        picks = Table({"rlnCoordinateX": [300.0], "rlnCoordinateY": [300.0]}, name="")
        write_star(tmp_path / f"{name}_autopick.star", [picks])
    write_map(tmp_path / "map.mrc", ball(64), pixel_size=3.0)
    write_map(tmp_path / "small.mrc", ball(32), pixel_size=6.0)
    write_stack(tmp_path / "stack.mrcs", RNG.normal(size=(5, 64, 64)).astype(np.float32), pixel_size=3.0)
    (tmp_path / "coords_suffix_autopick.star").write_text("micrographs.star\n")
    write_star(tmp_path / "run_it002_optimiser.star", [Table({"rlnCurrentIteration": [2]}, name="optimiser_general")])
    for half in (1, 2):
        write_map(tmp_path / f"run_half{half}_class001_unfil.mrc", ball(64, noise=0.1), pixel_size=3.0)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("particles.star", "particles", "12 particles, 3 Å/px, box of 64 px (192 Å)"),
        ("micrographs.star", "micrographs", "2 micrographs, 1.5 Å/px"),
        ("map.mrc", "map", "map, 3 Å/px, box of 64 px (192 Å)"),
        ("stack.mrcs", "images", "5 images, 3 Å/px, 64 px wide"),
        ("coords_suffix_autopick.star", "coordinates", ""),
        ("run_it002_optimiser.star", "optimiser", ""),
    ],
)
def test_files_say_what_they_hold(folder, name, kind, words):
    assert (input_facts(folder / name).kind, input_facts(folder / name).words) == (kind, words)


def test_pixel_size_of_an_old_list_is_that_of_the_detector(tmp_path):
    columns = {"rlnImageName": ["1@a.mrcs"], "rlnMagnification": [40_000.0], "rlnDetectorPixelSize": [14.0]}
    write_star(tmp_path / "old.star", [Table(columns, name="")])
    assert input_facts(tmp_path / "old.star").pixel_size == pytest.approx(3.5)


def test_a_file_that_changes_is_read_again(tmp_path):
    write_particles(tmp_path / "p.star", 3)
    assert input_facts(tmp_path / "p.star").count == 3
    write_particles(tmp_path / "p.star", 7)
    os.utime(tmp_path / "p.star", (1, 1))
    assert input_facts(tmp_path / "p.star").count == 7


def test_a_missing_or_damaged_file_is_said(tmp_path):
    (tmp_path / "bad.mrc").write_bytes(b"short")
    for name in ("none.star", "bad.mrc"):
        with pytest.raises(InputError, match=name):
            input_facts(tmp_path / name)
        assert facts_or_none(tmp_path / name) is None


GOOD = [
    Class2D(fn_img="particles.star", particle_diameter=150),
    Class2D(fn_img="stack.mrcs", do_ctf_correction=False, particle_diameter=150),
    Refine3D(fn_img="particles.star", fn_ref="map.mrc", particle_diameter=150),
    Refine3D(fn_img="particles.star", fn_ref="small.mrc", trust_ref_size=True, particle_diameter=150),
    CtfFind(input_star_mics="micrographs.star"),
    Extract(star_mics="micrographs.star", coords_suffix="coords_suffix_autopick.star"),
    PostProcess(fn_in="run_half1_class001_unfil.mrc", fn_mask="map.mrc", fn_mtf="k2_300kV"),
    MaskCreate(fn_in="map.mrc"),
    Import(fn_in_raw="?.mrc", angpix=1.5, is_multiframe=False),
]


@pytest.mark.parametrize("job", GOOD, ids=str)
def test_inputs_that_fit_are_not_complained_about(folder, job):
    assert input_problems(job, folder) == []


BAD = [
    (Class2D(fn_img="nothing.star"), "fn_img", "nothing.star is not there"),
    (Class2D(fn_img="micrographs.star"), "fn_img", "holds micrographs; expected particles"),
    (Class2D(fn_img="particles.star", particle_diameter=500), "particle_diameter", "the box only 192 Å"),
    (Class2D(fn_img="particles.star", nr_classes=13, particle_diameter=150), "nr_classes", "only 12 particles"),
    (Class2D(fn_img="bare.star", particle_diameter=150), "fn_img", "has no column rlnDefocusU"),
    (Refine3D(fn_img="particles.star", fn_ref="stack.mrcs", particle_diameter=150), "fn_ref", "expected a map"),
    (Refine3D(fn_img="particles.star", fn_ref="small.mrc", particle_diameter=150), "fn_ref", "32 px of 6 Å"),
    (MotionCorr(input_star_mics="particles.star"), "input_star_mics", "expected a list of movies"),
    (PostProcess(fn_in="map.mrc", fn_mask="map.mrc"), "fn_in", "neither half1 nor half2"),
    (PostProcess(fn_in="run_half1_class001_unfil.mrc", fn_mask="small.mrc"), "fn_mask", "the half-maps 64"),
    (Import(fn_in_raw="Movies/*.tiff"), "fn_in_raw", "no file matches Movies/*.tiff"),
]


def damaged(folder, name, part=None):
    """Write a file anew that is cut off, or in which a part of the text is missing."""
    whole = (folder / name).read_bytes()
    cut = whole[: len(whole) // 2] if part is None else whole.replace(part, b"", 1)
    (folder / name).write_bytes(cut)


DAMAGES = [
    ("particles.mrcs", Class2D(fn_img="particles.star", particle_diameter=150), "fn_img", "cut off"),
    ("map.mrc", Refine3D(fn_img="particles.star", fn_ref="map.mrc", particle_diameter=150), "fn_ref", "cut off"),
    (
        "run_half2_class001_unfil.mrc",
        PostProcess(fn_in="run_half1_class001_unfil.mrc", fn_mask="map.mrc"),
        "fn_in",
        "cut off",
    ),
]


@pytest.mark.parametrize(("file", "job", "name", "words"), DAMAGES, ids=[file for file, *_ in DAMAGES])
def test_files_that_were_cut_off_are_said_before_the_job_runs(folder, file, job, name, words):
    damaged(folder, file)
    [problem] = input_problems(job, folder)
    assert words in problem
    assert f"({name})" in problem
    assert f"{folder}/" not in problem  # named as in the form


def test_a_map_of_another_box_a_mask_with_nan_and_a_column_twice_are_said(folder):
    refined = Refine3D(fn_img="particles.star", fn_ref="map.mrc", particle_diameter=150)
    mask = ball(64)
    mask[3, 3, 3] = np.nan
    write_map(folder / "mask.mrc", mask, pixel_size=3.0)
    [problem] = input_problems(refined.changed(fn_mask="mask.mrc"), folder)
    assert "(fn_mask)" in problem
    assert "NaN" in problem
    text = (folder / "particles.star").read_text().replace("_rlnDefocusU #3", "_rlnOpticsGroup #3")
    (folder / "particles.star").write_text(text)
    [problem] = input_problems(refined, folder)
    assert "two columns of the same label" in problem


def test_what_does_not_keep_a_job_from_running_is_a_doubt(folder):
    (folder / "b.mrc").unlink()
    found = input_findings(CtfFind(input_star_mics="micrographs.star"), folder)
    assert found.problems == ()
    assert "1 of the 2 micrographs looked at cannot be used" in found.doubts[0]
    assert "(input_star_mics)" in found.doubts[0]
    (folder / "a.mrc").unlink()
    assert input_problems(CtfFind(input_star_mics="micrographs.star"), folder)


def test_a_project_adds_no_job_that_would_fail_at_once(folder):
    project = Project.create(folder / "project")
    for file in folder.glob("*.*"):
        file.rename(project.directory / file.name)
    damaged(project.directory, "particles.mrcs")
    with pytest.raises(InputError, match="cut off"):
        project.run(Class2D(fn_img="particles.star", particle_diameter=150))
    assert project.pipeline.processes == ()


@pytest.mark.parametrize(("job", "name", "words"), BAD, ids=[f"{job}" for job, _, _ in BAD])
def test_inputs_that_do_not_fit_are_said_where_they_stand(folder, job, name, words):
    [problem] = input_problems(job, folder)
    assert words in problem
    assert f"({name})" in problem


def test_half_map_without_its_partner_is_said(folder):
    (folder / "run_half2_class001_unfil.mrc").unlink()
    [problem] = input_problems(PostProcess(fn_in="run_half1_class001_unfil.mrc", fn_mask="map.mrc"), folder)
    assert "run_half2_class001_unfil.mrc" in problem


def test_what_a_scheduled_job_will_make_need_not_be_there(folder):
    job = Class2D(fn_img="Extract/job003/particles.star")
    assert input_problems(job, folder)
    assert input_problems(job, folder, planned={"Extract/job003/particles.star"}) == []


def test_what_does_not_apply_is_not_looked_for(folder):
    assert (
        input_problems(
            Import(do_raw=False, do_other=True, fn_in_other="map.mrc", node_type="3D reference (.mrc)"), folder
        )
        == []
    )


def test_inputs_are_told_in_words(folder):
    assert input_words(Import(fn_in_raw="*.mrc"), folder) == {"fn_in_raw": "6 files match"}
    assert input_words(GOOD[2], folder) == {
        "fn_img": "12 particles, 3 Å/px, box of 64 px (192 Å)",
        "fn_ref": "map, 3 Å/px, box of 64 px (192 Å)",
    }


def test_inputs_are_looked_at_though_a_value_is_wrong(folder):
    write_map(folder / "wide.mrc", ball(96), pixel_size=3.0)
    job = Refine3D(fn_img="particles.star", fn_ref="wide.mrc", particle_diameter=150, do_solvent_fsc=True)
    assert job.problems()  # no mask to use for it
    [problem] = input_problems(job, folder)
    assert "(fn_ref)" in problem
    assert input_findings(job.changed(fn_ref=""), folder) == InputFindings()


def test_optics_groups_may_have_different_boxes(folder):
    write_stack(folder / "wide.mrcs", RNG.normal(size=(12, 80, 80)).astype(np.float32), pixel_size=2.4)
    sizes = {"rlnImagePixelSize": [3.0, 2.4], "rlnImageSize": [64, 80]}
    two = {label: values * 2 for label, values in MICROSCOPE.items()}
    optics = Table({"rlnOpticsGroup": [1, 2], **sizes, **two}, name="optics")
    images = [f"{n:06d}@{stack}.mrcs" for stack in ("particles", "wide") for n in range(1, 13)]
    rows = {"rlnImageName": images, "rlnOpticsGroup": [1] * 12 + [2] * 12, "rlnDefocusU": [15_000.0] * 24}
    write_star(folder / "two.star", [optics, Table(rows, name="particles")])
    job = Class2D(fn_img="two.star", particle_diameter=150)
    assert input_problems(job, folder) == []
    for stack, box in (("particles", 64), ("wide", 80)):
        write_stack(folder / f"{stack}.mrcs", np.zeros((12, box, box), np.float32), pixel_size=3.0 * 64 / box)
    [problem] = input_problems(job, folder)
    assert "constant pixels" in problem


def test_only_some_micrographs_need_to_be_picked(folder):
    names = [f"mic{n:03d}.mrc" for n in range(30)]
    optics = Table({"rlnOpticsGroup": [1], "rlnMicrographPixelSize": [1.5], **MICROSCOPE}, name="optics")
    rows = Table({"rlnMicrographName": names, "rlnOpticsGroup": [1] * 30}, name="micrographs")
    write_star(folder / "many.star", [optics, rows])
    for name in names:
        (folder / name).symlink_to("a.mrc")
    job = Extract(star_mics="many.star", coords_suffix="coords_suffix_autopick.star")
    [problem] = input_problems(job, folder)
    assert "no coordinates" in problem
    (folder / "mic001_autopick.star").symlink_to("a_autopick.star")
    assert input_problems(job, folder) == []


def test_a_mask_may_be_made_of_a_map_that_is_no_cube(folder):
    write_map(folder / "oblong.mrc", ball(64)[:, :, 8:], pixel_size=3.0)
    assert input_problems(MaskCreate(fn_in="oblong.mrc"), folder) == []


def test_power_spectra_are_fitted_though_the_micrographs_are_gone(folder):
    write_image(folder / "a_PS.mrc", RNG.random((512, 512)).astype(np.float32), pixel_size=1.5)
    columns = {"rlnMicrographName": ["gone.mrc"], "rlnOpticsGroup": [1], "rlnCtfPowerSpectrum": ["a_PS.mrc"]}
    optics = Table({"rlnOpticsGroup": [1], "rlnMicrographPixelSize": [1.5], **MICROSCOPE}, name="optics")
    write_star(folder / "spectra.star", [optics, Table(columns, name="micrographs")])
    job = CtfFind(input_star_mics="spectra.star")
    assert input_problems(job, folder)
    assert input_problems(job.changed(use_given_ps=True), folder) == []
