"""preprocess --extract: what it writes, that it goes past faulty input, and on after an interruption."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.normalise import background_statistics
from relionlab.errors import ComputeError, ParameterError, RelionlabError, StarError
from relionlab.io.images import read_header, read_stack, write_image
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.extraction.job import Extract
from relionlab.jobs.extraction.program import Preprocess
from relionlab.settings import settings
from tests.jobs.listening import Listening

PIXEL, SHAPE = 2.0, (96, 128)
NAMES = [f"MotionCorr/job002/Movies/mic{number}.mrc" for number in range(3)]
PICKS = [(40.0, 40.0), (64.4, 48.8), (90.0, 60.0), (5.0, 50.0)]
USUAL = "--i mics.star --coord_dir Pick/job003/ --coord_suffix _pick.star --part_dir Extract/job004/ --extract"
NORM = "--extract_size 32 --norm --bg_radius 12 --invert_contrast"


def mics(folder: Path, names=NAMES, pixel_sizes=(PIXEL,), **more) -> None:
    count = len(pixel_sizes)
    optics = Table(
        {
            "rlnOpticsGroupName": [f"g{number}" for number in range(1, count + 1)],
            "rlnOpticsGroup": range(1, count + 1),
            "rlnMicrographOriginalPixelSize": [1.0] * count,
            "rlnVoltage": [300.0] * count,
            "rlnSphericalAberration": [2.7] * count,
            "rlnAmplitudeContrast": [0.1] * count,
            "rlnMicrographPixelSize": pixel_sizes,
        },
        "optics",
    )
    ctf = {"rlnDefocusU": 15000.0, "rlnDefocusV": 14000.0, "rlnDefocusAngle": 20.0}
    groups = [number % count + 1 for number in range(len(names))]
    rows = Table({"rlnMicrographName": names, "rlnOpticsGroup": groups}, "micrographs").with_columns({**ctf, **more})
    write_star(folder / "mics.star", [optics, rows])


def picks(folder: Path, name: str, points=PICKS, suffix: str = "_pick.star") -> Path:
    place = folder / f"Pick/job003/Movies/{Path(name).stem}{suffix}"
    columns = {"rlnCoordinateX": [x for x, _ in points], "rlnCoordinateY": [y for _, y in points]}
    write_star(place, [Table(columns)])
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three micrographs with a slope and four picks each, one of them over the edge."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / name, 1000 + 5 * rng.normal(size=SHAPE) + 0.3 * x - 0.2 * y, pixel_size=PIXEL)
        picks(tmp_path, name)
    mics(tmp_path)
    return tmp_path


def run(folder: Path, flags: str) -> Listening:
    context = Listening(folder)
    Preprocess.from_flags(flags.split()).run(context)
    return context


def test_stacks_lists_and_their_labels(folder: Path):
    run(folder, f"{USUAL} {NORM} --part_star Extract/job004/particles.star")
    particles = read_particles(folder / "Extract/job004/particles.star", directory=folder)
    assert particles.particles.labels == (
        "rlnCoordinateX", "rlnCoordinateY", "rlnImageName", "rlnMicrographName", "rlnOpticsGroup", "rlnDefocusU", "rlnDefocusV",
        "rlnDefocusAngle", "rlnCtfBfactor", "rlnCtfScalefactor", "rlnPhaseShift",
    )  # fmt: skip
    assert particles.optics.labels == (
        "rlnOpticsGroupName", "rlnOpticsGroup", "rlnMicrographOriginalPixelSize", "rlnVoltage", "rlnSphericalAberration",
        "rlnAmplitudeContrast", "rlnImagePixelSize", "rlnImageSize", "rlnImageDimensionality",
    )  # fmt: skip
    assert len(particles) == 12
    assert particles.particles["rlnImageName"][4] == "000001@Extract/job004/Movies/mic1.mrcs"
    assert read_star(folder / "Extract/job004/Movies/mic1_extract.star")["images"].labels == particles.particles.labels
    mean, deviation = background_statistics(
        read_stack(folder / "Extract/job004/Movies/mic0.mrcs"), background_radius=12
    )
    np.testing.assert_allclose(mean, 0, atol=1e-5)
    np.testing.assert_allclose(deviation, 1, atol=1e-5)


def test_rescaled_windowed_and_half_precision(folder: Path):
    run(folder, f"{USUAL} --extract_size 32 --scale 16 --window 12 --float16")
    header = read_header(folder / "Extract/job004/Movies/mic0.mrcs")
    assert (header.shape, header.mode) == ((12, 12), 12)
    assert header.pixel_size == pytest.approx(4)
    assert read_particles(folder / "Extract/job004/particles.star", directory=folder).pixel_size == pytest.approx(4)


def test_large_grey_values_keep_their_precision(folder: Path):
    """Transforms in single precision would lose the particle beside a mean of 30,000."""
    plain = f"{USUAL} --extract_size 32 --scale 16 --norm --bg_radius 6"
    run(folder, plain)
    usual = read_stack(folder / "Extract/job004/Movies/mic0.mrcs")
    image = read_stack(folder / NAMES[0])[0]
    write_image(folder / NAMES[0], image + 30000, pixel_size=PIXEL)
    run(folder, plain)
    np.testing.assert_allclose(read_stack(folder / "Extract/job004/Movies/mic0.mrcs"), usual, atol=2e-3)


def test_coordinates_of_other_binnings_and_by_figure_of_merit(folder: Path):
    place = picks(folder, NAMES[0], [(20.0, 20.0), (30.0, 30.0)])
    write_star(place, [read_star(place)[""].with_columns(rlnAutopickFigureOfMerit=[0.1, 0.9])])
    mics(folder, NAMES[:1])
    run(folder, f"{USUAL} --extract_size 16 --coord_angpix 4 --minimum_pick_fom 0.5")
    table = read_particles(folder / "Extract/job004/particles.star").particles
    assert table["rlnCoordinateX"].tolist() == [60.0]


def test_multiplied_with_the_ctf_is_noted(folder: Path):
    run(folder, f"{USUAL} --extract_size 24 --premultiply_ctf --premultiply_extract_size 48")
    optics = read_particles(folder / "Extract/job004/particles.star").optics
    assert optics["rlnCtfDataAreCtfPremultiplied"].tolist() == [1]


def test_only_unfinished_ones_are_done_again(folder: Path):
    flags = f"{USUAL} {NORM} --only_do_unfinished"
    run(folder, flags)
    stacks = [folder / f"Extract/job004/Movies/mic{number}.mrcs" for number in range(3)]
    before = [path.stat().st_mtime_ns for path in stacks]
    (folder / "Extract/job004/Movies/mic1_extract.star").unlink()  # as after a kill between stack and list,
    (folder / "Extract/job004/Movies/.writing_abcmic1.mrcs").write_text("half")  # or within the stack
    context = run(folder, flags)
    assert "2 of 3" in context.said[1]
    after = [path.stat().st_mtime_ns for path in stacks]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]
    assert len(read_particles(folder / "Extract/job004/particles.star")) == 12
    assert not list((folder / "Extract/job004/Movies").glob(".writing*"))
    stacks[2].write_bytes(stacks[2].read_bytes()[:2000])
    run(folder, flags)
    assert len(read_stack(stacks[2])) == 4
    run(folder, f"{USUAL} --extract_size 24 --only_do_unfinished")  # another box: nothing of the old ones is kept
    assert {read_header(path).shape[-1] for path in stacks} == {24}


# --- faulty input; the table of its kinds is in test_bad_extraction.py ---------------------------------------------


def test_picks_outside_and_without_numbers_are_left_out(folder: Path):
    picks(folder, NAMES[1], [*PICKS, (-30.0, 40.0), (64.0, 500.0), (float("nan"), 10.0)])
    context = run(folder, f"{USUAL} {NORM}")
    assert any("mic1" in line and "2 particle(s) lie completely outside" in line for line in context.warned)
    assert any("mic1" in line and "1 particle(s) have no numbers" in line for line in context.warned)
    assert any("reach beyond its edge" in line for line in context.said)
    assert len(read_particles(folder / "Extract/job004/particles.star")) == 12


def test_boxes_with_nan_are_left_out(folder: Path):
    image = read_stack(folder / NAMES[1])[0].copy()
    image[60, 90] = np.nan
    write_image(folder / NAMES[1], image, pixel_size=PIXEL)
    context = run(folder, f"{USUAL} --extract_size 24 --norm --bg_radius 9")
    assert any("mic1" in line and "1 particle(s) have NaN" in line for line in context.warned)
    assert np.isfinite(read_stack(folder / "Extract/job004/Movies/mic1.mrcs")).all()


def test_a_micrograph_without_picks_is_told(folder: Path):
    picks(folder, NAMES[1], [])
    context = run(folder, f"{USUAL} {NORM}")
    assert any("mic1" in line and "no particles" in line for line in context.warned)
    assert not (folder / "Extract/job004/Movies/mic1.mrcs").exists()


def test_pixel_sizes_that_differ_are_told(folder: Path):
    mics(folder, pixel_sizes=(2.0, 2.5))
    context = run(folder, f"{USUAL} {NORM}")
    assert any("different pixel sizes (2, 2.5 Å)" in line for line in context.warned)
    assert any("header says 2 Å, the list 2.5 Å" in line for line in context.warned)
    assert read_particles(folder / "Extract/job004/particles.star").optics["rlnImagePixelSize"].tolist() == [2.0, 2.5]


def test_rescaling_up_is_told(folder: Path):
    assert any("larger than the box" in line for line in run(folder, f"{USUAL} --extract_size 32 --scale 48").warned)
    assert any(
        "--scale is 15 px, an odd" in line for line in run(folder, f"{USUAL} --extract_size 32 --scale 15").warned
    )


def test_coordinate_files_of_different_columns_share_what_all_have(folder: Path):
    place = picks(folder, NAMES[0])
    write_star(place, [read_star(place)[""].with_columns(rlnAutopickFigureOfMerit=[0.1] * len(PICKS))])
    context = run(folder, f"{USUAL} {NORM}")
    assert any("rlnAutopickFigureOfMerit" in line for line in context.warned)


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        (f"{USUAL} --extract_size 31", ParameterError, "odd number: give 32"),
        (USUAL, ParameterError, "extract_size"),
        (f"{USUAL} --extract_size 32 --norm --bg_radius 0", ParameterError, "at least 1 px"),
        (f"{USUAL} --extract_size 32 --norm --bg_radius 16", ParameterError, "less than 16 px"),
        (f"{USUAL} --extract_size 32 --helix --helical_rise 4", ParameterError, "--helix, --helical_rise.*cannot extract helical"),
        (f"{USUAL} --extract_size 32 --project3d", ParameterError, "subtomograms"),
        (f"{USUAL} --extract_size 32 --operate_on x.mrcs", ParameterError, "not both"),
        (f"{USUAL} --extract_size 32 --premultiply_extract_size 64", ParameterError, "needs --premultiply_ctf"),
        ("--i mics.star --extract --extract_size 32", ParameterError, "--coord_suffix"),
        ("--i mics.star --coord_suffix .box", ParameterError, "add --extract"),
        (f"{USUAL} --extract_size 32 --reextract_data_star p.star --recenter --reset_offsets", ParameterError, "give one"),
        ("--i absent.star --coord_suffix .box --extract --extract_size 32", StarError, "absent.star"),
        ("--i mics.star --coord_suffix .box --extract --extract_size 32", ComputeError, "None of the 3.*mic0.box does not exist"),
        (f"{USUAL} --extract_size 32 --minimum_pick_fom 1", ComputeError, "no column rlnAutopickFigureOfMerit"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_at_all_is_refused(folder: Path, flags: str, error: type[RelionlabError], message: str):
    with pytest.raises(error, match=message):
        run(folder, flags)
    assert not list((folder / ".").glob("*/particles.star"))


def test_any_number_of_workers_gives_the_same(folder: Path):
    from relionlab.jobs.context import PlainContext

    made = []
    for workers in (1, 2):
        context = PlainContext(folder, settings(executor="local", workers=workers), quiet=True)
        flags = f"{USUAL} {NORM} --white_dust 2 --random_seed 3"
        Preprocess.from_flags(flags.split()).run(context)
        made.append(read_stack(folder / "Extract/job004/Movies/mic2.mrcs"))
    np.testing.assert_array_equal(*made)


# --- the form ----------------------------------------------------------------------------------------------------


def test_the_form_gives_relions_radius():
    job = Extract(
        star_mics="m.star",
        coords_suffix="AutoPick/job006/coords_suffix_autopick.star",
        extract_size=256,
        do_rescale=True,
        rescale=64,
    )
    (command,) = job.commands("Extract/job008/")
    text = str(command)
    assert "--bg_radius 24" in text
    assert "--coord_dir AutoPick/job006/ --coord_suffix _autopick.star" in text
    assert "--scale 64" in text
    listed = job.changed(coords_suffix="AutoPick/job006/autopick.star").commands("Extract/job008/")[0]
    assert "--coord_list AutoPick/job006/autopick.star" in str(listed)


def test_the_form_says_what_is_wrong():
    wrong = Extract(
        star_mics="m.star", coords_suffix="c.star", extract_size=101, bg_diameter=200, do_extract_helix=True
    )
    said = " ".join(wrong.problems())
    assert "odd number: give 102" in said
    assert "no background left" in said
    assert "helical segments" in said
    assert "do_recenter" in " ".join(
        Extract(
            star_mics="m.star", do_reextract=True, fndata_reextract="d.star", do_recenter=True, do_reset_offsets=True
        ).problems()
    )


def test_imported_coordinates_are_found(folder: Path):
    """Picks beside the micrographs of a job are copied without the job's name, as RELION does, and found there."""
    from relionlab.io.coordinates import read_coordinates, write_coordinates
    from relionlab.jobs.importing.job import Import
    from relionlab.jobs.importing.program import ImportFiles

    for name in NAMES:
        table = read_coordinates(folder / f"Pick/job003/Movies/{Path(name).stem}_pick.star")
        write_coordinates(folder / f"{name.removesuffix('.mrc')}.box", table, box=32)
    job = Import(do_raw=False, do_other=True, fn_in_other="MotionCorr/job002/Movies/*.box")
    (command,) = job.commands("Import/job001/")
    ImportFiles.from_flags(command.arguments).run(Listening(folder))
    node = job.outputs("Import/job001/")[0].path
    assert node == "Import/job001/coords_suffix.box"
    extract = Extract(star_mics="mics.star", coords_suffix=node, extract_size=32)
    Preprocess.from_flags(extract.commands("Extract/job004/")[0].arguments).run(Listening(folder))
    assert len(read_particles(folder / "Extract/job004/particles.star")) == 12
