"""Bad movies: each is named with what is wrong, the others are corrected, and the job goes on once they are mended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import AbortedError
from relionlab.io.images import read_stack, write_image, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table
from relionlab.io.tiff import TiffWriter
from relionlab.jobs.motion.program import RunMotionCorr
from tests.engine.motion_cases import movie
from tests.jobs.damage import a_folder, missing, no_bytes, text
from tests.jobs.listening import Listening

FRAMES, SIDE = 5, 128
GOOD = ("Movies/first.tiff", "Movies/last.mrcs")
LIST = "MotionCorr/job002/corrected_micrographs.star"


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    frames = movie(size=(SIDE, SIDE), frames=FRAMES, noise=0.5).frames
    return np.clip(np.rint(20 + 5 * frames), 0, 255).astype(np.uint8)


def tiff(place: Path, frames: np.ndarray) -> None:
    with TiffWriter(place, 1.5) as writer:
        for frame in frames:
            writer.append(frame)


def cut_off(place: Path) -> None:
    place.write_bytes(place.read_bytes()[: place.stat().st_size // 2])


def one_frame(place: Path) -> None:
    write_stack(place, read_stack(place)[:1], pixel_size=1.5)


def other_size(place: Path) -> None:
    write_stack(place, read_stack(place)[:, :100], pixel_size=1.5)


def not_numbers(place: Path) -> None:
    frames = read_stack(place)
    frames[2, 5, 7] = np.nan
    write_stack(place, frames, pixel_size=1.5)


def infinite(place: Path) -> None:
    frames = read_stack(place)
    frames[0, 5, 7] = np.inf
    write_stack(place, frames, pixel_size=1.5)


def zeros(place: Path) -> None:
    write_stack(place, 0 * read_stack(place), pixel_size=1.5)


def bytes_flipped(place: Path) -> None:
    data = bytearray(place.read_bytes())
    data[300:4000] = bytes(255 - value for value in data[300:4000])
    place.write_bytes(bytes(data))


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing.mrcs": (missing, "does not exist"),
    "empty.mrcs": (no_bytes, "0 bytes"),
    "cut.mrcs": (cut_off, "cut off"),
    "short.tiff": (cut_off, "cut off"),
    "text.mrcs": (text, "is not"),
    "words.tiff": (text, "cannot be read as a TIFF"),
    "events.eer": (text, "cannot be read as a TIFF or EER file"),
    "folder.mrcs": (a_folder, "folder"),
    "one.mrcs": (one_frame, "only 1 frame"),
    "small.mrcs": (other_size, "gain reference has 128×128 px"),
    "nan.mrcs": (not_numbers, "frame 3 holds 1 NaN or infinite pixels"),
    "inf.mrcs": (infinite, "frame 1 holds 1 NaN or infinite pixels"),
    "zero.mrcs": (zeros, "is constant: all its pixels are 0"),
    "flipped.tiff": (bytes_flipped, "frame 1 of 5 cannot be decoded"),
    "photo.jpg": (text, "expected a movie of one of the endings"),
}


@pytest.fixture
def folder(tmp_path: Path, counts: np.ndarray) -> Path:
    """Good movies first and last, between them those that the tests spoil."""
    for name in (GOOD[0], *(f"Movies/{bad}" for bad in BAD), GOOD[1]):
        place = tmp_path / name
        place.parent.mkdir(exist_ok=True)
        if place.suffix == ".tiff":
            tiff(place, counts)
        elif place.suffix == ".mrcs":
            write_stack(place, counts.astype(np.float32), pixel_size=1.5)
        else:
            text(place)
    write_image(tmp_path / "gain.mrc", np.ones((SIDE, SIDE)), pixel_size=1.5)
    return tmp_path


def listed(folder: Path, names: list[str]) -> None:
    optics = {
        "rlnOpticsGroupName": ["g"], "rlnOpticsGroup": [1], "rlnMicrographOriginalPixelSize": [1.5], "rlnVoltage": [300.0],
        "rlnSphericalAberration": [2.7], "rlnAmplitudeContrast": [0.1],
    }  # fmt: skip
    rows = {"rlnMicrographMovieName": names, "rlnOpticsGroup": [1] * len(names)}
    write_star(folder / "movies.star", [Table(optics, "optics"), Table(rows, "movies")])


def correct(folder: Path, *flags: str, **settings: object) -> Listening:
    context = Listening(folder, **settings)
    given = ["--i", "movies.star", "--o", "MotionCorr/job002/", "--use_own", "--gainref", "gain.mrc", *flags]
    RunMotionCorr.from_flags(given).run(context)
    return context


def changed(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "MotionCorr/job002/Movies").glob("*.mrc")}


def test_bad_movies_are_named_and_the_others_go_on(folder: Path, counts: np.ndarray):
    for name, (spoil, _) in BAD.items():
        spoil(folder / "Movies" / name)
    listed(folder, ["Movies/missing.mrcs", GOOD[0], *(f"Movies/{bad}" for bad in BAD), GOOD[1]])
    context = correct(folder)
    assert any("movies.star names Movies/missing 2 times" in line for line in context.warned)
    for name, (_, words) in BAD.items():
        line = next(line for line in context.warned if line.startswith(f"Movies/{name} was left out"))
        assert words in line
    assert f"{len(BAD)} of {len(BAD) + 2} movies were left out" in context.warned[-1]
    before = changed(folder)
    assert set(before) == {"first.mrc", "last.mrc"}

    (folder / "Movies/folder.mrcs").rmdir()
    for name in ("missing.mrcs", "folder.mrcs", "nan.mrcs"):
        write_stack(folder / "Movies" / name, counts.astype(np.float32), pixel_size=1.5)
    tiff(folder / "Movies/flipped.tiff", counts)
    correct(folder, "--only_do_unfinished")
    after = changed(folder)
    assert set(after) - set(before) == {"missing.mrc", "folder.mrc", "nan.mrc", "flipped.mrc"}
    assert {name: after[name] for name in before} == before
    assert (folder / LIST).read_text().count(".mrc ") >= 6


def test_a_stopped_job_continues_where_it_was(folder: Path):
    listed(folder, [*GOOD, "Movies/cut.mrcs"])
    with pytest.raises(AbortedError):
        correct(folder, stop_after=2)
    before = changed(folder)
    assert set(before) == {"first.mrc", "last.mrc"}
    assert not (folder / LIST).exists()
    correct(folder, "--only_do_unfinished")
    assert set(changed(folder)) == {"first.mrc", "last.mrc", "cut.mrc"}
    assert before.items() <= changed(folder).items()


def test_results_that_are_not_whole_or_of_other_settings_are_made_anew(folder: Path):
    listed(folder, list(GOOD))
    correct(folder)
    whole = (folder / "MotionCorr/job002/Movies/first.mrc").read_bytes()

    def redone(*flags: str) -> set[str]:
        before = changed(folder)
        correct(folder, "--only_do_unfinished", *flags)
        return {name for name, when in changed(folder).items() if before.get(name, when) != when}

    assert redone() == set()
    (folder / "MotionCorr/job002/Movies/first.mrc").write_bytes(whole[:5000])
    assert redone() == {"first.mrc"}
    assert (folder / "MotionCorr/job002/Movies/first.mrc").read_bytes()[1024:] == whole[1024:]
    assert redone("--dose_motionstats_cutoff", "2") == set()  # changes the list alone
    both = {"first.mrc", "last.mrc"}
    assert redone("--dose_weighting", "--dose_per_frame", "2") == both
    assert redone("--dose_weighting", "--dose_per_frame", "2", "--grouping_for_ps", "2", "--save_noDW") == both
    assert redone("--dose_weighting", "--dose_per_frame", "2") == set()  # more than is wanted is there
    for log in (folder / "MotionCorr/job002/Movies").glob("*.log"):
        log.unlink()  # as RELION's results, which say their settings in the motion's file only
    assert redone("--dose_weighting", "--dose_per_frame", "2") == set()
    assert redone("--dose_weighting", "--dose_per_frame", "1") >= both
