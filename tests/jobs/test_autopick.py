"""AutoPick end to end: files, continuing, maps read back, hand edits, faulty micrographs; and against RELION."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.picking import Edits, Picks
from relionlab.errors import ComputeError, InputError, ParameterError
from relionlab.io.images import read_image, write_image, write_map, write_stack
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.autopick_program import Autopick
from relionlab.jobs.picking.autopick_tuning import Tuning
from tests.jobs.listening import Listening

PIXEL, SIDE = 4.0, 320
PLACES = [(60 + 65 * i, 60 + 65 * j) for i in range(4) for j in range(4)]
TEMPLATE = (
    "--ref refs.mrcs --angpix_ref 4 --invert --lowpass 20 --shrink 0 --ang 30 --particle_diameter 150 --min_distance 90"
)
BLOBS = "--LoG --LoG_diam_min 90 --LoG_diam_max 110 --lowpass 20 --shrink 0"


def particle() -> np.ndarray:
    y, x = np.mgrid[:40, :40] - 20
    return np.exp(-((np.hypot(x, y) / 10) ** 4)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three micrographs in a job's folder, their list, and a reference."""
    rng = np.random.default_rng(0)
    names = [f"MotionCorr/job002/Movies/mic{number}.mrc" for number in range(3)]
    for name in names:
        image = rng.normal(size=(SIDE, SIDE))
        for x, y in PLACES:
            image[y - 20 : y + 20, x - 20 : x + 20] -= 1.6 * particle()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / name, image.astype(np.float32), pixel_size=PIXEL)
    optics = Table(
        {
            "rlnOpticsGroupName": ["one"],
            "rlnOpticsGroup": [1],
            "rlnMicrographPixelSize": [PIXEL],
            "rlnMicrographOriginalPixelSize": [PIXEL],
            "rlnVoltage": [300.0],
            "rlnSphericalAberration": [2.7],
            "rlnAmplitudeContrast": [0.1],
        },
        name="optics",
    )
    rows = Table({"rlnMicrographName": names, "rlnOpticsGroup": [1] * 3}, name="micrographs")
    write_star(tmp_path / "mics.star", [optics, rows])
    write_stack(tmp_path / "refs.mrcs", particle()[None], pixel_size=PIXEL)
    return tmp_path


def run(folder: Path, flags: str, *more: str) -> Listening:
    context = Listening(folder)
    Autopick.from_flags(["--i", "mics.star", "--odir", "AutoPick/job003/", *flags.split(), *more]).run(context)
    return context


def coordinates(folder: Path, number: int = 0) -> Picks:
    return pick_files.read_picks(folder / f"AutoPick/job003/Movies/mic{number}_autopick.star")


def hits(picks: Picks) -> int:
    places = np.array(PLACES)
    return int((np.hypot(picks.x[:, None] - places[:, 0], picks.y[:, None] - places[:, 1]) < 4).any(axis=0).sum())


@pytest.mark.parametrize(("flags", "order"), [(TEMPLATE, "XYCFP"), (BLOBS, "XYFCP")])
def test_files_are_relions(folder: Path, flags: str, order: str):
    run(folder, flags)
    assert hits(coordinates(folder)) >= 15
    table = read_star(folder / "AutoPick/job003/Movies/mic1_autopick.star")[""]
    words = {"X": "rlnCoordinateX", "Y": "rlnCoordinateY", "C": "rlnClassNumber", "F": "rlnAutopickFigureOfMerit"}
    assert list(table.labels) == [words.get(letter, "rlnAnglePsi") for letter in order]
    assert set(table["rlnClassNumber"].tolist()) == ({1} if order == "XYCFP" else {0})
    summary = read_star(folder / "AutoPick/job003/summary.star")[""]
    assert list(summary.labels) == ["rlnMicrographName", "rlnAutopickFigureOfMerit", "rlnGroupNrParticles"]
    assert summary["rlnGroupNrParticles"][0] == len(coordinates(folder))
    assert (folder / "AutoPick/job003/coords_suffix_autopick.star").read_text() == "mics.star\n"


def test_map_as_reference(folder: Path):
    z, y, x = np.mgrid[:40, :40, :40] - 20
    write_map(
        folder / "ball.mrc", np.exp(-((np.sqrt(x**2 + y**2 + z**2) / 10) ** 4)).astype(np.float32), pixel_size=PIXEL
    )
    run(folder, TEMPLATE.replace("refs.mrcs", "ball.mrc"), "--sym", "O")
    assert hits(coordinates(folder)) >= 15


def test_only_unfinished_are_picked(folder: Path):
    run(folder, TEMPLATE)
    path = folder / "AutoPick/job003/Movies/mic0_autopick.star"
    relions = Picks(np.array([7.0]), np.array([8.0]), np.array([0.5]), np.array([0]), np.array([10.0]))
    pick_files.write_picks(path, relions)
    (folder / "AutoPick/job003/Movies/mic1_autopick.star").unlink()
    run(folder, TEMPLATE, "--only_do_unfinished")
    assert coordinates(folder).x.tolist() == [7]
    assert hits(coordinates(folder, 1)) >= 15
    assert read_star(folder / "AutoPick/job003/summary.star")[""]["rlnGroupNrParticles"][0] == 1


def test_chosen_ones_are_picked_again_and_no_more_than_wanted(folder: Path):
    run(folder, TEMPLATE, "--do_at_most", "2")
    assert not (folder / "AutoPick/job003/Movies/mic2_autopick.star").exists()
    nothing = Picks(*np.zeros((3, 0)), np.zeros(0, int), np.zeros(0))
    for number in range(2):
        pick_files.write_picks(folder / f"AutoPick/job003/Movies/mic{number}_autopick.star", nothing)
    run(folder, TEMPLATE, "--only_do_unfinished", "--redo", "mic1")
    assert len(coordinates(folder)) == 0
    assert all(hits(coordinates(folder, number)) >= 15 for number in (1, 2))


def test_image_files_are_picked_with_the_pixel_size_of_their_header(folder: Path):
    images = ("--i", "MotionCorr/job002/Movies/mic*.mrc")
    context = run(folder, TEMPLATE, *images)
    assert any("Pixel size 4 Å" in line for line in context.said)
    assert hits(coordinates(folder, 2)) >= 15
    for number in range(3):
        name = folder / f"MotionCorr/job002/Movies/mic{number}.mrc"
        write_image(name, read_image(name), pixel_size=1.0)
    with pytest.raises(ParameterError, match="no optics: give --angpix"):
        run(folder, TEMPLATE, *images)
    run(folder, TEMPLATE, *images, "--angpix", "4")


def test_maps_are_read_back(folder: Path):
    run(folder, TEMPLATE, "--write_fom_maps", "--threshold", "0.4")
    first = coordinates(folder)
    names = {path.name for path in (folder / "AutoPick/job003/Movies").glob("mic0*")}
    assert {
        "mic0_autopick_ref000000._bestCCF.spi",
        "mic0_autopick_stddevNoise.spi",
        "mic0_autopick_scores.npz",
    } <= names
    (folder / "refs.mrcs").unlink()
    run(folder, TEMPLATE, "--read_fom_maps", "--threshold", "0.4")
    np.testing.assert_allclose(np.sort(coordinates(folder).x), np.sort(first.x), atol=0.3)
    run(folder, TEMPLATE, "--read_fom_maps", "--threshold", "99")
    assert len(coordinates(folder)) == 0
    for path in (folder / "AutoPick/job003").rglob("*.npz"):
        path.unlink()
    run(folder, TEMPLATE, "--read_fom_maps", "--threshold", "0.4")  # from the maps in RELION's format
    assert hits(coordinates(folder)) >= 15


def test_continuing_with_another_threshold_picks_again_from_maps(folder: Path):
    edits = folder / "AutoPick/job003/Movies/mic0_autopick_edits.star"
    run(folder, BLOBS, "--write_fom_maps", "--LoG_adjust_threshold", "-1")
    before = [coordinates(folder, number) for number in range(3)]
    pick_files.write_edits(edits, Edits().add(25, 290))
    for name in ("MotionCorr/job002/Movies/mic0.mrc", "MotionCorr/job002/Movies/mic1.mrc"):
        (folder / name).write_bytes(b"gone: maps are enough")
    pick_files.scores_path(folder / "AutoPick/job003/Movies/mic2_autopick").unlink()
    again = run(folder, BLOBS, "--only_do_unfinished", "--LoG_adjust_threshold", "2")
    assert any("picks of 2 micrographs are taken anew from their maps" in line for line in again.said)
    assert any("1 micrographs have no maps" in line for line in again.warned)
    after = [coordinates(folder, number) for number in range(3)]
    assert len(after[1]) < len(before[1])
    assert (after[0].x[-1], after[0].y[-1]) == (25, 290)
    assert len(after[2]) == len(before[2])
    same = run(folder, BLOBS, "--only_do_unfinished", "--LoG_adjust_threshold", "2")
    assert any("3 of 3 micrographs are done already" in line for line in same.said)
    other = run(folder, BLOBS.replace("110", "120"), "--only_do_unfinished", "--LoG_adjust_threshold", "1")
    assert any("3 micrographs have no maps made with the settings" in line for line in other.warned)
    assert len(coordinates(folder, 1)) == len(after[1])


def test_missing_maps_are_made_of_finished_micrographs(folder: Path):
    run(folder, TEMPLATE, "--threshold", "0.3")
    run(folder, TEMPLATE, "--threshold", "0.3", "--only_do_unfinished", "--write_fom_maps")
    assert len(list((folder / "AutoPick/job003").rglob("*_scores.npz"))) == 3
    first = coordinates(folder)
    (folder / "refs.mrcs").unlink()
    run(folder, TEMPLATE.replace("--min_distance 90", ""), "--read_fom_maps", "--threshold", "0.3")
    assert len(coordinates(folder)) == len(first)


def test_hand_edits_outlive_a_new_threshold(folder: Path):
    program = Autopick.from_flags(["--i", "mics.star", "--odir", "AutoPick/job003/", *TEMPLATE.split()])
    context = Listening(folder)
    tuning = Tuning.of(program, context, chosen=2)
    name = next(iter(tuning.searched))
    assert len(tuning.picks(threshold=99.0)[name]) == 0
    before = tuning.picks(threshold=0.3)[name]
    tuning.edit(name, Edits().add(25, 290).remove(before.x[0], before.y[0], radius=5))
    after = tuning.picks(threshold=0.3)[name]
    assert len(after) == len(before)
    assert after.x[-1] == 25
    tuning.tuned(threshold=0.5).run(context)
    written = coordinates(folder)
    assert (written.x[-1], written.y[-1]) == (25, 290)
    assert np.hypot(written.x - before.x[0], written.y - before.y[0]).min() > 10
    assert "-999" in (folder / "AutoPick/job003/Movies/mic0_autopick.star").read_text()
    with pytest.raises(ParameterError, match="cannot be tuned"):
        tuning.picks(lowpass=30)
    with pytest.raises(InputError, match=r"not in mics\.star"):
        tuning.edits("mic9.mrc")


BAD = {
    "--ctf": (f"{TEMPLATE} --ctf", "has no rlnDefocusU"),
    "no reference": ("--lowpass 20", "nothing to pick with"),
    "reference missing": (TEMPLATE.replace("refs", "none"), "does not exist"),
    "mask beyond box": (TEMPLATE.replace("150", "400"), "only 160"),
    "box beyond micrograph": (TEMPLATE.replace("angpix_ref 4", "angpix_ref 40"), "larger than the micrograph"),
    "diameters reversed": ("--LoG --LoG_diam_min 200 --LoG_diam_max 100 --lowpass 20", "smaller one first"),
    "no diameters": ("--LoG --lowpass 20", "needs --LoG_diam_min"),
    "helix": (f"{TEMPLATE} --helix", "not there yet"),
    "group": (TEMPLATE.replace("refs.mrcs", "ball.mrc") + " --sym Q2", "Symmetry is"),
    "no maps": (f"{TEMPLATE} --read_fom_maps", "run once with --write_fom_maps"),
    "blob without size": ("--ref gauss --lowpass 20", "needs --particle_diameter"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_said(folder: Path, case: str):
    write_map(folder / "ball.mrc", np.eye(40, dtype=np.float32)[None].repeat(40, axis=0), pixel_size=PIXEL)
    flags, words = BAD[case]
    with pytest.raises((InputError, ComputeError), match=words):
        run(folder, flags)


@pytest.mark.parametrize("kind", ["header", "model", "silent"])
def test_references_tell_their_pixel_size(folder: Path, kind: str):
    binned = particle().reshape(20, 2, 20, 2).mean((1, 3))
    write_stack(folder / "refs.mrcs", binned[None], pixel_size=8.0 if kind == "header" else 1.0)
    flags = TEMPLATE.replace("--angpix_ref 4", "").replace("150", "80" if kind == "silent" else "150")
    if kind == "model":
        general = Table({"rlnPixelSize": [8.0]}, name="model_general")
        write_star(
            folder / "model.star", [general, Table({"rlnReferenceImage": ["1@refs.mrcs"]}, name="model_classes")]
        )
        flags = flags.replace("refs.mrcs", "model.star")
    context = run(folder, flags)
    if kind == "silent":
        assert any("does not say its pixel size" in line for line in context.warned)
        return
    assert any("pixel size is 8 Å" in line for line in context.said)
    assert hits(coordinates(folder)) >= 15
    contrary = run(folder, f"{flags} --angpix_ref 9")
    assert any("but --angpix_ref is 9 Å" in line for line in contrary.warned)


@pytest.mark.parametrize(("value", "words"), [(0.0, "is empty"), (np.nan, "NaN")])
def test_bad_references_are_numbered(folder: Path, value: float, words: str):
    images = np.stack([particle(), np.full((40, 40), value, np.float32)])
    write_stack(folder / "refs.mrcs", images, pixel_size=PIXEL)
    with pytest.raises(InputError, match=f"reference 2 of 2.*{words}"):
        run(folder, TEMPLATE)


def test_job_makes_relions_command():
    job = AutoPick(fn_input_autopick="mics.star", do_log=True, log_diam_min=150, log_diam_max=180, log_upper_thr=5)
    command = str(job.commands("AutoPick/job006/")[0])
    for flag in (
        "--LoG --LoG_diam_min 150 --LoG_diam_max 180",
        "--lowpass 20",
        "--shrink 0",
        "--LoG_upper_threshold 5",
    ):
        assert flag in command
    assert "--threshold" not in command
    again = job.changed(nr_mpi=3, redo_micrographs="mic1")
    assert "--j 3" in str(again.commands("AutoPick/job006/")[0])
    assert "--redo mic1" in str(again.commands("AutoPick/job006/")[0])
    assert "redo_micrographs" not in job.job_options()
    assert "redo_micrographs" in again.job_options()
    map_job = AutoPick(
        fn_input_autopick="m.star", do_ref3d=True, fn_ref3d_autopick="a.mrc", ref3d_sampling="15 degrees"
    )
    assert "--healpix_order 2" in str(map_job.commands("AutoPick/job006/")[0])
    assert map_job.label() == "relion.autopick.ref3d"
    assert "exchange them" in job.changed(log_diam_min=300).problems()[0]


def test_pictures_are_drawn(folder: Path, monkeypatch: pytest.MonkeyPatch):
    from relionlab import display

    monkeypatch.chdir(folder)
    run(folder, BLOBS)
    drawn = display.pictures("AutoPick/job003")
    assert len(drawn) >= 3
    assert display.to_bokeh(drawn[-1]) is not None
    assert display.to_png(drawn[-1], dpi=40).startswith(b"\x89PNG")
    assert display.merit_histogram([coordinates(folder)], threshold=2.5).caption.endswith(".")
    assert all(picture.caption.endswith(".") for picture in drawn)


def test_relion_extracts_at_our_coordinates_and_goes_on(folder: Path, relion: Path):
    run(folder, BLOBS)
    extract = [
        relion / "relion_preprocess", "--i", "mics.star", "--coord_dir", "AutoPick/job003/", "--coord_suffix",
        "_autopick.star", "--part_star", "Extract/particles.star", "--part_dir", "Extract/", "--extract",
        "--extract_size", "40",
    ]  # fmt: skip
    subprocess.run(extract, cwd=folder, check=True, capture_output=True)
    found = read_star(folder / "Extract/particles.star")["particles"]
    assert len(found) == sum(len(coordinates(folder, number)) for number in range(3))
    (folder / "AutoPick/job003/Movies/mic2_autopick.star").unlink()
    before = coordinates(folder).x
    theirs = [
        relion / "relion_autopick", "--i", "mics.star", "--odir", "AutoPick/job003/", *BLOBS.split(), "--only_do_unfinished",
    ]  # fmt: skip
    subprocess.run(theirs, cwd=folder, check=True, capture_output=True)
    np.testing.assert_array_equal(coordinates(folder).x, before)
    relions = coordinates(folder, 2).x
    run(folder, BLOBS, "--only_do_unfinished")
    np.testing.assert_array_equal(coordinates(folder, 2).x, relions)


def test_groups_are_relions(relion: Path):
    import re

    from relionlab.engine.picking import symmetry_matrices

    for symmetry in ("C3", "D2", "D3", "T", "O", "I", "I1", "I3", "I4"):
        command = [relion / "relion_refine", "--sym", symmetry, "--print_symmetry_ops"]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        theirs = [
            np.array(part.split("Euler")[0].split()[:9], float).reshape(3, 3)
            for part in re.split(r"R\(\d+\)=", text)[1:]
        ]
        ours = symmetry_matrices(symmetry)
        assert len(ours) == len(theirs)
        for matrix in ours:
            assert min(np.abs(matrix - other).max() for other in theirs) < 1e-3
