"""The re-bin ladder brings true coordinates back, and the same particles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.cli import main
from relionlab.engine.fourier import rfft2_centred, shift_phases
from relionlab.errors import InputError, ParameterError
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import write_image
from relionlab.io.particles import Particles, read_particles, write_particles
from relionlab.jobs.context import PlainContext
from relionlab.jobs.extraction.program import Preprocess
from relionlab.jobs.star.list_file import read_list
from relionlab.jobs.star.particle_sets import match_particles
from relionlab.workflows.rebin import rebin
from tests.jobs.test_extraction import mics, picks

PIXEL, BOX, SIZE, PER = 2.0, 128, 640, 16
NAMES = [f"MotionCorr/job002/Movies/mic{number}.mrc" for number in range(2)]


def particle(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An asymmetric particle whose middle is at 0."""
    return (
        np.exp(-(x**2 + y**2) / 300)
        + 0.8 * np.exp(-((x - 18) ** 2 + (y - 4) ** 2) / 120)
        + 0.6 * np.exp(-((x + 5) ** 2 + (y - 16) ** 2) / 60)
    )


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, np.ndarray]:
    """Micrographs with particles at fractions of pixels, picked up to 9 px off."""
    rng = np.random.default_rng(4)
    grid = np.arange(4) * 150 + 95.0
    places = {}
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    for name in NAMES:
        points = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2) + rng.uniform(-8, 8, (PER, 2))
        image = rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32)
        for a, b in points:
            near = (slice(int(b) - 60, int(b) + 61), slice(int(a) - 60, int(a) + 61))
            image[near] -= 15 * particle(x[near] - a, y[near] - b)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / name, image, pixel_size=PIXEL)
        picks(tmp_path, name, (points + rng.uniform(-9, 9, (PER, 2))).tolist())
        places[name] = points
    mics(tmp_path, NAMES)
    return places


def refine(folder: Path, star: str, binning: int) -> str:
    """Find each particle's shift against the known particle, by cross-correlation: what a refinement does."""
    data = read_particles(folder / star, directory=folder)
    images = ImageReader(data.particles["rlnImageName"], folder).read()
    n = images.shape[-1]
    y, x = (np.mgrid[:n, :n] - n // 2) * float(binning)
    reference = rfft2_centred(particle(x, y).astype(np.float32)[None])
    moves = []
    for ft in rfft2_centred(images):
        place = (
            np.array([-data.particles["rlnOriginXAngst"][len(moves)], -data.particles["rlnOriginYAngst"][len(moves)]])
            / PIXEL
            / binning
            if "rlnOriginXAngst" in data.particles
            else np.zeros(2)
        )
        for step in (2.0, 0.7, 0.25, 0.1):
            offsets = np.stack(np.meshgrid(*[np.arange(-4, 5) * step] * 2), -1).reshape(-1, 2) + place
            scores = (np.conj(reference * shift_phases(n, offsets)) * ft[None]).real.sum(axis=(1, 2))
            place = offsets[scores.argmax()]
        moves.append(-place * PIXEL * binning)
    origins = np.array(moves)
    refined = f"{star.removesuffix('.star')}_refined.star"
    write_particles(folder / refined, data.with_columns(rlnOriginXAngst=origins[:, 0], rlnOriginYAngst=origins[:, 1]))
    return refined


def errors_px(data: Particles, truth: dict[str, np.ndarray]) -> np.ndarray:
    """Distance in px of each particle (coordinate minus origin) from its true place."""
    table, out = data.particles, []
    for row in range(len(table)):
        place = np.array([table[f"rlnCoordinate{a}"][row] - table[f"rlnOrigin{a}Angst"][row] / PIXEL for a in "XY"])
        out.append(np.linalg.norm(truth[str(table["rlnMicrographName"][row])] - place, axis=1).min())
    return np.array(out)


def extract(folder: Path, number: int, source: str, binning: int) -> str:
    output = f"Extract/job{number:03d}/"
    flags = f"--i mics.star {source} --part_dir {output} --extract --extract_size {BOX} --scale {BOX // binning} --norm --bg_radius"
    flags += f" {48 // binning} --invert_contrast --whole_coordinates"
    Preprocess.from_flags(flags.split()).run(PlainContext(folder, quiet=True))
    return f"{output}particles.star"


def test_down_the_ladder_by_hand(tmp_path: Path, truth):
    """8 → 4 → 2 → 1 with the shifts of each rung applied at the next."""
    star = extract(tmp_path, 3, "--coord_dir Pick/job003/ --coord_suffix _pick.star", 8)
    first = read_list(tmp_path / star)
    refined = refine(tmp_path, star, 8)
    for number, binning in enumerate((4, 2, 1), 4):
        star = extract(tmp_path, number, f"--reextract_data_star {refined} --recenter", binning)
        refined = refine(tmp_path, star, binning)
    final = read_particles(tmp_path / refined, directory=tmp_path)
    assert len(final) == PER * len(NAMES)
    wrong = errors_px(final, truth)
    assert np.median(wrong) < 0.15
    assert wrong.max() < 0.3
    ours, theirs = match_particles(first, read_list(tmp_path / refined), tolerance=30.0, pixel_size=PIXEL)
    assert len(ours) == PER * len(NAMES)
    np.testing.assert_array_equal(ours, theirs)


def test_sizes_that_do_not_fit(project):
    with pytest.raises(ParameterError, match="multiple of 16 px, as 112"):
        rebin(project, "p.star", "m.star", box=100)
    with pytest.raises(InputError, match="falling order"):
        rebin(project, "p.star", "m.star", box=128, binnings=(1, 2))


@pytest.mark.full
def test_the_ladder_in_one_call(tmp_path: Path, truth, monkeypatch: pytest.MonkeyPatch):
    from relionlab.project import Project

    monkeypatch.chdir(tmp_path)
    project = Project.create(tmp_path)
    start = refine(tmp_path, extract(tmp_path, 900, "--coord_dir Pick/job003/ --coord_suffix _pick.star", 8), 8)
    rungs = rebin(project, start, "mics.star", box=BOX, refine=lambda star, binning: refine(tmp_path, star, binning))
    assert [rung.binning for rung in rungs] == [8, 4, 2, 1]
    last = read_particles(tmp_path / refine(tmp_path, rungs[-1].particles, 1), directory=tmp_path)
    assert errors_px(last, truth).max() < 0.3


def test_from_the_shell(tmp_path: Path, truth, monkeypatch: pytest.MonkeyPatch, capsys):
    from relionlab.project import Project

    monkeypatch.chdir(tmp_path)
    Project.create(tmp_path)
    start = extract(tmp_path, 900, "--coord_dir Pick/job003/ --coord_suffix _pick.star", 8)
    call = ["rebin", "--i", start, "--micrographs", "mics.star", "--box", str(BOX)]
    assert main([*call, "--binnings", "4"]) == 0
    assert capsys.readouterr().out == "binning 4: Extract/job001, 32 px boxes\nExtract/job001/particles.star\n"
    assert len(read_list(tmp_path / "Extract/job001/particles.star").rows) == PER * len(NAMES)
    assert main([*call, "--binnings", "4,two"]) == 1
    assert "expected whole numbers with commas" in capsys.readouterr().err
