"""Bad input to extraction in one table: what is said, which names the file, and which micrographs go on.

Kinds of bad input to all programs that work micrograph by micrograph are in test_bad_micrographs.py, to Import in
test_importing.py.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ParameterError, RelionlabError, StarError
from relionlab.io.images import write_image
from relionlab.io.particles import read_particles
from relionlab.io.star import read_star, write_star
from relionlab.io.table import Table
from tests.jobs.test_extraction import NAMES, PICKS, PIXEL, SHAPE, USUAL, mics, picks, run
from tests.jobs.test_extraction import folder as folder

MIC, PICK = NAMES[1], "Pick/job003/Movies/mic1_pick.star"
CUT = "--extract_size 32 --norm --bg_radius 12 --invert_contrast"
ALL = {0, 1, 2}


def bytes_at(place: Path, start: int, data: bytes) -> None:
    place.write_bytes(place.read_bytes()[:start] + data + place.read_bytes()[start + len(data) :])


def pixels(folder: Path, image: np.ndarray, pixel_size: float = PIXEL) -> None:
    write_image(folder / MIC, image, pixel_size=pixel_size)


def noise(shape: tuple[int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(1).normal(size=shape)


def boxes(folder: Path) -> None:
    for name in NAMES:
        size = 0 if name == MIC else 32
        (folder / f"Pick/job003/Movies/{Path(name).stem}_pick.box").write_text(f"30 30 {size} {size}\n")


def optics(folder: Path, **changes: object) -> None:
    tables = dict(read_star(folder / "mics.star"))
    table = tables["optics"]
    for label, value in changes.items():
        table = table.without(label) if value is None else table.with_columns({label: value})
    write_star(folder / "mics.star", {**tables, "optics": table})


@dataclass(frozen=True)
class Kind:
    """What is spoilt, what the message says, and the micrographs whose particles are there in the end."""

    spoil: Callable[[Path], object]
    words: str
    left: frozenset[int] | set[int] = frozenset({0, 2})
    flags: str = CUT


KINDS: dict[str, Kind] = {
    "micrograph cut off": Kind(lambda f: (f / MIC).write_bytes((f / MIC).read_bytes()[:9000]), r"mic1\.mrc.*9000"),
    "micrograph missing": Kind(lambda f: (f / MIC).unlink(), r"mic1\.mrc.*does not exist"),
    "micrograph of NaN": Kind(lambda f: pixels(f, np.full(SHAPE, np.nan)), r"mic1\.mrc.*NaN or infinite pixels"),
    "micrograph without contrast": Kind(lambda f: pixels(f, np.full(SHAPE, 7.0)), r"mic1\.mrc.*constant"),
    "MRC mode that is none": Kind(lambda f: bytes_at(f / MIC, 12, struct.pack("<i", 9)), r"mic1\.mrc.*mode 9"),
    "MRC mode of transforms": Kind(lambda f: bytes_at(f / MIC, 12, struct.pack("<i", 4)), r"mic1\.mrc.*mode 4|transform"),
    "micrograph smaller than the box": Kind(
        lambda f: pixels(f, noise((20, 20))), r"mic1\.mrc.*box of 32 px is larger than the micrograph \(20 × 20 px\)"
    ),
    "no coordinates": Kind(lambda f: (f / PICK).unlink(), r"mic1\.mrc.*mic1_pick\.star does not exist"),
    "coordinates of other columns": Kind(
        lambda f: write_star(f / PICK, [Table({"rlnImageName": ["x"]})]), r"mic1_pick\.star.*expected.*rlnCoordinateX.*rlnImageName"
    ),
    "coordinates cut off in a row": Kind(
        lambda f: (f / PICK).write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n1 2\n3\n"), r"mic1_pick\.star"
    ),
    "coordinates that are words": Kind(
        lambda f: (f / PICK).write_text("data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\na b\n"), r"mic1_pick\.star.*rlnCoordinateX.*'a'"
    ),
    "coordinates in bytes": Kind(lambda f: (f / PICK).write_bytes(bytes(range(128, 256)) * 9), r"mic1_pick\.star"),
    "squares of no size": Kind(boxes, r"mic1_pick\.box.*0 px", flags=f"--coord_suffix _pick.box {CUT}"),
    "no picks": Kind(lambda f: picks(f, MIC, []), r"mic1\.mrc: no particles"),
    "all picks outside": Kind(lambda f: picks(f, MIC, [(-90.0, 5.0), (5.0, 900.0)]), r"mic1\.mrc: 2 particle\(s\) lie completely outside"),
    "one pick outside": Kind(lambda f: picks(f, MIC, [*PICKS, (-90.0, 5.0)]), r"mic1\.mrc: 1 particle\(s\) lie", ALL),
    "a pick that is no number": Kind(lambda f: picks(f, MIC, [*PICKS, (float("nan"), 5.0)]), r"mic1\.mrc: 1 particle\(s\) have no numbers", ALL),
    "pixel size unlike the header's": Kind(lambda f: pixels(f, noise(), 2.6), r"mic1\.mrc: its header says 2\.6 Å, the list 2 Å", ALL),
    "mixed pixel sizes": Kind(lambda f: mics(f, pixel_sizes=(2.0, 2.5)), r"different pixel sizes \(2, 2\.5 Å\)", ALL),
    "micrograph listed twice": Kind(lambda f: mics(f, [*NAMES, MIC]), r"mics\.star names Movies/mic1 2 times", ALL),
    "two micrographs of one name": Kind(
        lambda f: mics(f, [*NAMES, "MotionCorr/job009/Movies/mic1.mrc"]), r"mics\.star names Movies/mic1 2 times", ALL
    ),
}  # fmt: skip
"""Of one file: the others go on."""

REFUSED: dict[str, tuple[Callable[[Path], object], type[RelionlabError], str, str]] = {
    "odd box": (lambda f: None, ParameterError, "31 px, an odd number: give 32", CUT.replace("32", "31")),
    "no room for the background": (lambda f: None, ParameterError, "less than 16 px", CUT.replace("12", "16")),
    "list absent": (lambda f: (f / "mics.star").unlink(), StarError, r"mics\.star does not exist", CUT),
    "list empty": (lambda f: mics(f, []), RelionlabError, r"mics\.star lists no micrographs", CUT),
    "list of something else": (
        lambda f: write_star(f / "mics.star", [Table({"rlnImageName": ["x"]}, "particles")]), StarError, r"mics\.star.*rlnMicrographName", CUT,
    ),
    "unknown optics group": (lambda f: optics(f, rlnOpticsGroup=[7]), StarError, "belong to optics group 1, but", CUT),
    "no pixel size": (
        lambda f: optics(f, rlnMicrographPixelSize=None, rlnMicrographOriginalPixelSize=None), StarError, "no pixel size", CUT,
    ),
    "pixel size below 0": (lambda f: optics(f, rlnMicrographPixelSize=[-2.0]), RelionlabError, r"pixel size -2 Å.*mic0\.mrc", CUT),
}  # fmt: skip
"""Of the whole: nothing is written."""


def extracted(folder: Path) -> set[int]:
    names = read_particles(folder / "Extract/job004/particles.star").particles["rlnMicrographName"].tolist()
    return {NAMES.index(name) for name in names}


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_is_named_and_the_others_go_on(folder: Path, kind: str) -> None:
    wanted = KINDS[kind]
    wanted.spoil(folder)
    context = run(folder, f"{USUAL} {wanted.flags}")
    assert any(re.search(wanted.words, line) for line in context.warned), context.warned
    assert extracted(folder) == set(wanted.left)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_begun_is_refused(folder: Path, kind: str) -> None:
    spoil, error, words, flags = REFUSED[kind]
    spoil(folder)
    with pytest.raises(error, match=words):
        run(folder, f"{USUAL} {flags}")
    assert not (folder / "Extract").exists()
