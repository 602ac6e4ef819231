"""Bad input to the programs that work micrograph by micrograph: the file is named, the others go on, and once it is mended
the job continues with it alone."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import AbortedError, ComputeError, InputError, ParameterError, RelionlabError, StarError
from relionlab.io.images import write_image, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.jobs.registry import program
from tests.jobs.damage import a_folder, missing, no_bytes, text
from tests.jobs.listening import Listening

PIXEL, SIDE = 4.0, 160
NAMES = [f"MotionCorr/job002/Movies/mic{number}.mrc" for number in range(3)]
BAD = NAMES[1]


@dataclass(frozen=True)
class Case:
    """A program with its flags, and what it leaves of a micrograph that is done."""

    name: str
    flags: str
    made: str
    listed: str

    def run(self, folder: Path, more: str = "", **settings: object) -> Listening:
        context = Listening(folder, **settings)
        program(self.name).from_flags(f"--i mics.star {self.flags} {more}".split()).run(context)
        return context

    def done(self, folder: Path) -> set[int]:
        return {number for number in range(3) if (folder / self.made.format(number)).exists()}


CASES = {
    "ctffind": Case(
        "run_ctffind",
        "--o CtfFind/job003/ --Box 128 --ResMin 60 --ResMax 10 --dFMin 5000 --dFMax 20000",
        "CtfFind/job003/Movies/mic{}.txt",
        "CtfFind/job003/micrographs_ctf.star",
    ),
    "autopick": Case(
        "autopick",
        "--odir AutoPick/job004/ --LoG --LoG_diam_min 90 --LoG_diam_max 110 --lowpass 20",
        "AutoPick/job004/Movies/mic{}_autopick.star",
        "AutoPick/job004/summary.star",
    ),
    "extract": Case(
        "preprocess",
        "--extract --coord_dir Pick/job003/ --coord_suffix _pick.star --part_dir Extract/job005/ --extract_size 128"
        " --norm --bg_radius 48",
        "Extract/job005/Movies/mic{}_extract.star",
        "Extract/job005/particles.star",
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three micrographs, their list, and picks on each."""
    for number, name in enumerate(NAMES):
        write_image(tmp_path / name, image(number), pixel_size=PIXEL)
        picks = Table({"rlnCoordinateX": [80.0, 90.0], "rlnCoordinateY": [80.0, 70.0]})
        write_star(tmp_path / f"Pick/job003/Movies/mic{number}_pick.star", [picks])
    listed(tmp_path)
    return tmp_path


def image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(10, 2, (SIDE, SIDE)).astype(np.float32)


def listed(folder: Path, names: list[str] = NAMES, **changes: object) -> None:
    optics = {
        "rlnOpticsGroupName": ["one"], "rlnOpticsGroup": [1], "rlnMicrographPixelSize": [PIXEL], "rlnVoltage": [300.0],
        "rlnMicrographOriginalPixelSize": [PIXEL], "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    rows = {"rlnMicrographName": names, "rlnOpticsGroup": [1] * len(names)}
    tables = {key: value for key, value in {**optics, **changes}.items() if value is not None}
    write_star(folder / "mics.star", [Table(tables, "optics"), Table(rows, "micrographs")])


# --- one micrograph is bad: by what it is, and what the message says of it ----------------------------------------


def cut_off(place: Path) -> None:
    place.write_bytes(place.read_bytes()[:20000])


def a_movie(place: Path) -> None:
    write_stack(place.with_suffix(".mrcs"), np.stack([image()] * 3), pixel_size=PIXEL)
    place.with_suffix(".mrcs").replace(place)


def not_numbers(place: Path) -> None:
    write_image(place, np.full((SIDE, SIDE), np.nan), pixel_size=PIXEL)


def all_the_same(place: Path) -> None:
    write_image(place, np.full((SIDE, SIDE), 7.0), pixel_size=PIXEL)


def too_small(place: Path) -> None:
    write_image(place, image()[:20, :20], pixel_size=PIXEL)


MICROGRAPHS: list[tuple[Callable[[Path], None], str]] = [
    (missing, "does not exist"),
    (no_bytes, "0 bytes"),
    (cut_off, "20000"),
    (text, "mic1"),
    (a_folder, "folder"),
    (a_movie, "3 images"),
    (not_numbers, "NaN or infinite pixels"),
    (all_the_same, "constant: all its pixels are 7"),
    (too_small, "20"),
]


@pytest.mark.parametrize(("spoil", "words"), MICROGRAPHS)
def test_a_bad_micrograph_is_named_and_the_others_go_on(folder: Path, case: Case, spoil, words: str):
    good = (folder / BAD).read_bytes()
    spoil(folder / BAD)
    context = case.run(folder)
    line = next(line for line in context.warned if "left out" in line)
    assert line.startswith(BAD)
    assert words in line
    assert any("1 of 3 micrographs were left out; mend them and continue" in line for line in context.warned)
    assert case.done(folder) == {0, 2}
    assert "mic1" not in (folder / case.listed).read_text()

    if (folder / BAD).is_dir():
        (folder / BAD).rmdir()
    (folder / BAD).write_bytes(good)
    context = case.run(folder, "--only_do_unfinished")
    assert any("2 of 3 micrographs are done already; 1 are worked on" in line for line in context.said)
    assert case.done(folder) == {0, 1, 2}
    assert "mic1" in (folder / case.listed).read_text()


def test_a_compressed_micrograph_that_was_cut_off_is_named(folder: Path, case: Case):
    data = gzip.compress((folder / BAD).read_bytes())
    (folder / f"{BAD}.gz").write_bytes(data[: len(data) // 2])
    listed(folder, [NAMES[0], f"{BAD}.gz", NAMES[2]])
    context = case.run(folder)
    assert any(
        re.search(r"mic1\.mrc\.gz was left out: .*gz is damaged or was cut off", line) for line in context.warned
    )
    assert case.done(folder) == {0, 2}


# --- the list is bad ----------------------------------------------------------------------------------------------


def no_list(folder: Path) -> None:
    (folder / "mics.star").unlink()


def no_rows(folder: Path) -> None:
    listed(folder, [])


def no_micrographs(folder: Path) -> None:
    write_star(folder / "mics.star", [Table({"rlnImageName": ["x"]}, "particles")])


def no_pixel_size(folder: Path) -> None:
    listed(folder, rlnMicrographPixelSize=None, rlnMicrographOriginalPixelSize=None)


def zero_pixel_size(folder: Path) -> None:
    listed(folder, rlnMicrographPixelSize=[0.0])


def unknown_group(folder: Path) -> None:
    listed(folder, rlnOpticsGroup=[3])


LISTS: list[tuple[Callable[[Path], None], type[RelionlabError], str]] = [
    (no_list, InputError, r"mics\.star does not exist"),
    (no_rows, InputError, r"mics\.star lists no micrographs"),
    (no_micrographs, StarError, r"mics\.star has the tables? .*rlnMicrographName"),
    (no_pixel_size, StarError, "no pixel size is given; expected rlnMicrographPixelSize"),
    (zero_pixel_size, InputError, r"pixel size 0 Å for .*mic0\.mrc \(optics group 1\); expected a number above 0"),
    (unknown_group, StarError, "belong to optics group 1, but"),
]


@pytest.mark.parametrize(("spoil", "error", "words"), LISTS)
def test_a_bad_list_is_refused(folder: Path, case: Case, spoil, error, words: str):
    spoil(folder)
    with pytest.raises(error, match=words):
        case.run(folder)
    assert case.done(folder) == set()


def test_all_micrographs_bad_is_an_error(folder: Path, case: Case):
    for name in NAMES:
        (folder / name).unlink()
    with pytest.raises(
        ComputeError, match=r"None of the 3 micrographs could be worked on. The first: .*does not exist"
    ):
        case.run(folder)


def test_names_given_twice_are_worked_on_once(folder: Path, case: Case):
    listed(folder, [*NAMES, "MotionCorr/job009/Movies/mic1.mrc"])
    context = case.run(folder)
    assert any(r"mics.star names Movies/mic1 2 times: only the first" in line for line in context.warned)
    assert case.done(folder) == {0, 1, 2}


def test_a_header_that_contradicts_the_list_is_told(folder: Path, case: Case):
    listed(folder, rlnMicrographPixelSize=[4.5])
    context = case.run(folder)
    assert any("mic0.mrc: its header says 4 Å, the list 4.5 Å per pixel" in line for line in context.warned)


def test_names_to_redo_that_mean_nothing_are_refused(folder: Path, case: Case):
    with pytest.raises(ParameterError, match="--redo mic7 matches none of the 3 names"):
        case.run(folder, "--redo mic7")


# --- the job is interrupted ---------------------------------------------------------------------------------------


def test_a_stopped_job_continues_where_it_was(folder: Path, case: Case):
    with pytest.raises(AbortedError):
        case.run(folder, stop_after=2)
    assert case.done(folder) == {0, 1}
    assert not (folder / case.listed).exists()
    before = [(folder / case.made.format(number)).stat().st_mtime_ns for number in (0, 1)]
    case.run(folder, "--only_do_unfinished")
    assert [(folder / case.made.format(number)).stat().st_mtime_ns for number in (0, 1)] == before
    assert case.done(folder) == {0, 1, 2}
    assert all(f"mic{number}" in (folder / case.listed).read_text() for number in range(3))


def test_half_written_results_are_made_anew(folder: Path, case: Case):
    case.run(folder)
    place = folder / case.made.format(1)
    whole = place.read_text()
    lines = whole.rstrip().splitlines()
    place.write_text("\n".join([*lines[:-1], *lines[-1].split()[:2]]))  # ends within a row
    case.run(folder, "--only_do_unfinished")
    assert place.read_text() == whole
