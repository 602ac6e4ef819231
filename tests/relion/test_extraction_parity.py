"""Our extraction against relion_preprocess --extract: pixels, lists, and each program reading the other's files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from relionlab.io.coordinates import write_coordinates
from relionlab.io.images import read_stack, write_image
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import read_star
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.extraction.program import Preprocess
from tests.jobs.test_extraction import mics

pytestmark = pytest.mark.relion

SHAPE, NAMES = (150, 180), [f"MotionCorr/job002/Movies/mic{number}.mrc" for number in range(2)]
POINTS = np.array(
    [[60.2, 50.9], [90.0, 70.5], [120.7, 100.0], [70.0, 120.0], [4.0, 60.0], [176.3, 10.0], [-6.5, 148.0]]
)
PICKED = "--coord_dir Pick/job003/ --coord_suffix _pick.star"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extraction")
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for number, name in enumerate(NAMES):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        image = 500 + 20 * rng.normal(size=SHAPE) + 0.5 * x - 0.3 * y
        image[60 + number, 95] += 400  # a hot pixel
        write_image(path / name, image, pixel_size=2.0)
        table = Table(
            {
                "rlnCoordinateX": POINTS[:, 0],
                "rlnCoordinateY": POINTS[:, 1],
                "rlnAutopickFigureOfMerit": POINTS[:, 0] / 100,
            }
        )
        for ending in (".star", ".box", ".pos", ".pik"):
            write_coordinates(path / f"Pick/job003/Movies/{Path(name).stem}_pick{ending}", table, box=32)
    mics(path, NAMES)
    return path


def both(relion: Path, folder: Path, flags: str) -> None:
    subprocess.run([relion / "relion_preprocess", *_flags(flags, "R/")], check=True, capture_output=True, cwd=folder)
    Preprocess.from_flags(_flags(flags, "O/")).run(PlainContext(folder, quiet=True))


def _flags(flags: str, output: str) -> list[str]:
    return [
        "--i",
        "mics.star",
        "--extract",
        "--part_dir",
        output,
        "--part_star",
        f"{output}particles.star",
        *flags.split(),
    ]


def stacks(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    ours, theirs = (
        np.concatenate([read_stack(folder / f"{side}/Movies/mic{n}.mrcs") for n in (0, 1)]) for side in "OR"
    )
    return ours, theirs


def assert_same_lists(folder: Path, name: str = "particles.star") -> None:
    ours, theirs = read_star(folder / "O" / name), read_star(folder / "R" / name)
    assert list(ours) == list(theirs)
    for key, table in theirs.items():
        assert ours[key].labels == table.labels
        for label in table.labels:
            if table[label].dtype.kind == "f":
                np.testing.assert_allclose(ours[key][label], table[label], atol=6e-6, err_msg=label)
            else:
                assert [str(value).replace("O/", "R/") for value in ours[key][label]] == [
                    str(value) for value in table[label]
                ]


@pytest.mark.parametrize(
    ("flags", "tolerance"),
    [
        ("--extract_size 32", 0),
        ("--extract_size 32 --norm --bg_radius 12 --invert_contrast", 1e-6),
        ("--extract_size 32 --norm --bg_radius 12 --no_ramp", 1e-6),
        ("--extract_size 48 --scale 24 --norm --bg_radius 9 --invert_contrast", 1e-5),
        ("--extract_size 48 --scale 31 --norm --bg_radius 11", 1e-5),
        ("--extract_size 32 --scale 48 --norm --bg_radius 18", 1e-5),
        ("--extract_size 48 --scale 24", 1e-4),
        ("--extract_size 32 --window 24 --extract_bias_x 3 --extract_bias_y -2", 0),
    ],
)
def test_pixels_and_lists_equal_relions(flags: str, tolerance: float, relion: Path, folder: Path) -> None:
    both(relion, folder, f"{PICKED} {flags}")
    ours, theirs = stacks(folder)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)
    assert_same_lists(folder)
    assert_same_lists(folder, "Movies/mic1_extract.star")


def test_dust_is_found_where_relion_finds_it(relion: Path, folder: Path) -> None:
    """The random pixels differ; but for scale and slope, which they move a little, all others are the same."""
    both(relion, folder, f"{PICKED} --extract_size 32 --norm --bg_radius 12 --white_dust 4 --black_dust 4")
    ours, theirs = stacks(folder)
    different = np.abs(ours - theirs) > 0.05
    assert 0 < different.sum() <= 40
    np.testing.assert_allclose(ours[~different], theirs[~different], atol=0.05)
    assert ours.max() < 6


@pytest.mark.parametrize(
    "flags",
    ["--premultiply_ctf", "--phase_flip", "--premultiply_ctf --premultiply_extract_size 48 --ctf_intact_first_peak"],
)
def test_ctf_multiplied_as_relion_does_away_from_the_rim(flags: str, relion: Path, folder: Path) -> None:
    both(relion, folder, f"{PICKED} --extract_size 32 {flags}")
    inside = [0, 1, 2, 3, 7, 8, 9, 10]
    ours, theirs = (stack[inside] for stack in stacks(folder))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-3)  # of grey values of 500
    assert_same_lists(folder)


@pytest.mark.parametrize("ending", [".box", ".pos", ".pik"])
def test_relion_reads_our_coordinates(ending: str, relion: Path, folder: Path) -> None:
    """RELION takes whole numbers from text; the places are the same."""
    command = [
        "relion_preprocess",
        *_flags(f"--coord_dir Pick/job003/ --coord_suffix _pick{ending} --extract_size 32", "R/"),
    ]
    subprocess.run([relion / command[0], *command[1:]], check=True, capture_output=True, cwd=folder)
    Preprocess.from_flags(_flags(f"{PICKED} --extract_size 32", "O/")).run(PlainContext(folder, quiet=True))
    ours, theirs = stacks(folder)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "flags",
    [
        "",
        "--recenter",
        "--recenter --recenter_x 3 --recenter_y -2 --recenter_z 5",
        "--recenter --recenter_x 2 --ref_angpix 4 --scale 24",
        "--reset_offsets",
    ],
)
def test_extracted_again_as_relion_does(flags: str, relion: Path, folder: Path) -> None:
    both(relion, folder, f"{PICKED} --extract_size 48")
    particles = read_particles(folder / "O/particles.star", directory=folder)
    inside = np.flatnonzero(particles.particles["rlnCoordinateX"] > 50)
    inside = inside[particles.particles["rlnCoordinateX"][inside] < 140]
    rng = np.random.default_rng(1)
    count = len(inside)
    changes = {f"rlnOrigin{axis}Angst": np.round(rng.normal(0, 8, count), 3) for axis in "XY"}
    changes |= {f"rlnAngle{name}": np.round(rng.uniform(0, 170, count), 3) for name in ("Rot", "Tilt", "Psi")}
    write_particles(folder / "refined.star", particles.rows(inside[::-1]).with_columns(changes))
    both(relion, folder, f"--reextract_data_star refined.star --extract_size 48 --norm --bg_radius 10 {flags}")
    ours, theirs = stacks(folder)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    assert_same_lists(folder)


def test_each_goes_on_from_the_others_micrographs(relion: Path, folder: Path) -> None:
    """--only_do_unfinished: RELION keeps our stacks, and we keep RELION's."""
    flags = f"{PICKED} --extract_size 32 --norm --bg_radius 12 --only_do_unfinished"
    both(relion, folder, flags.replace(" --only_do_unfinished", ""))
    for side in "RO":
        (folder / f"{side}/Movies/mic1_extract.star").unlink()
    (folder / "O").rename(folder / "swap")
    (folder / "R").rename(folder / "O")
    (folder / "swap").rename(folder / "R")
    both(relion, folder, flags)
    ours, theirs = stacks(folder)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)
    assert len(read_particles(folder / "O/particles.star")) == 2 * len(POINTS)
