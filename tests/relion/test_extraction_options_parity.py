"""Extraction with unusual options, from micrographs of every kind of pixel, against relion_preprocess.

Differences are in units of the images' deviation, as grey values depend on what is normalised. Largest measured with
RELION 3.1.3: 5.8e-6 (rescaled, not normalised), 7.7e-7 (rescaled and normalised), 0 where nothing is rescaled.
"""

from __future__ import annotations

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from relionlab.io.coordinates import write_coordinates
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.table import Table
from relionlab.jobs.context import PlainContext
from relionlab.jobs.extraction.program import Preprocess
from tests.jobs.test_extraction import mics
from tests.relion.test_extraction_parity import NAMES, PICKED, both, stacks

pytestmark = pytest.mark.relion

SHAPES = ((150, 210), (230, 170))
POINTS = np.array(
    [[60.2, 50.9], [90.0, 70.5], [120.7, 100.0], [70.0, 120.0], [4.0, 60.0], [166.3, 10.0], [-6.5, 148.0]]
)
TOLERANCE = 1e-4

OPTIONS = [
    "--extract_size 32",
    "--extract_size 32 --invert_contrast",
    "--extract_size 48 --scale 36 --invert_contrast",
    "--extract_size 48 --scale 25",
    "--extract_size 48 --scale 27 --norm --bg_radius 10",
    "--extract_size 48 --scale 64 --norm --bg_radius 30 --invert_contrast",
    "--extract_size 46 --norm --bg_radius 21",
    "--extract_size 46 --norm --bg_radius 3 --no_ramp",
    "--extract_size 120 --norm --bg_radius 50",
    "--extract_size 120 --scale 40 --norm --bg_radius 16 --invert_contrast",
    "--extract_size 64 --window 40 --norm --bg_radius 15",
    "--extract_size 32 --extract_bias_x -7 --extract_bias_y 11 --norm --bg_radius 12",
    "--extract_size 48 --norm --bg_radius 18 --white_dust 30 --black_dust 30",
]
"""Odd results of scaling, no normalisation, boxes far beyond the edge, small and large backgrounds, dust that is not there."""

PIXELS = {
    "float32": np.float32,
    "int16": np.int16,
    "uint16": np.uint16,
    "int8": np.int8,
    "float16": np.float16,
}


def made(path: Path, dtype: type) -> Path:
    """Two micrographs of these pixels with a ramp and a hot pixel, their picks and their list."""
    rng = np.random.default_rng(0)
    level, deviation = (0, 9) if dtype is np.int8 else (500, 20)
    for name, shape in zip(NAMES, SHAPES, strict=True):
        y, x = np.mgrid[: shape[0], : shape[1]]
        image = level + deviation * rng.normal(size=shape) + 0.1 * x - 0.05 * y
        image[60, 95] += 6 * deviation
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        written = image.astype(np.float32) if np.issubdtype(dtype, np.floating) else np.round(image)
        with mrcfile.new(path / name, overwrite=True) as file:
            file.set_data(written.astype(dtype))
            file.voxel_size = 2.0
        table = Table({"rlnCoordinateX": POINTS[:, 0], "rlnCoordinateY": POINTS[:, 1]})
        write_coordinates(path / f"Pick/job003/Movies/{Path(name).stem}_pick.star", table)
    mics(path, NAMES)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("options"), np.float32)


def largest(folder: Path) -> float:
    """Return the largest difference between our images and RELION's, over the deviation of that image."""
    ours, theirs = stacks(folder)
    assert ours.shape == theirs.shape
    return float((np.abs(ours - theirs).max(axis=(1, 2)) / theirs.std(axis=(1, 2))).max())


@pytest.mark.parametrize("flags", OPTIONS)
def test_every_combination_gives_relions_pixels(flags: str, relion: Path, folder: Path, record_property) -> None:
    both(relion, folder, f"{PICKED} {flags}")
    found = largest(folder)
    record_property("largest", found)
    print(f"{found:.1e}  {flags}")
    assert found < TOLERANCE


def test_windows_larger_than_the_box_are_filled_with_the_mean_unlike_relions(relion: Path, folder: Path) -> None:
    """RELION fills with 0, 25 deviations below these grey values, and normalises by that; inside the images are alike."""
    both(relion, folder, f"{PICKED} --extract_size 32 --window 48")
    ours, theirs = stacks(folder)
    np.testing.assert_allclose(ours[:, 8:40, 8:40], theirs[:, 8:40, 8:40], atol=1e-3)
    assert not theirs[:, :8].any()
    np.testing.assert_allclose(
        ours[:, :8],
        np.broadcast_to(ours[:, 8:40, 8:40].mean(axis=(1, 2))[:, None, None], (len(ours), 8, 48)),
        atol=1e-3,
    )


@pytest.mark.parametrize("pixels", ["int16", "uint16", "int8"])
def test_whole_numbers_are_read_as_relion_does(pixels: str, relion: Path, tmp_path: Path) -> None:
    folder = made(tmp_path, PIXELS[pixels])
    both(relion, folder, f"{PICKED} --extract_size 48 --scale 32 --norm --bg_radius 12 --invert_contrast")
    assert largest(folder) < TOLERANCE


def test_float16_gives_what_relion_makes_of_the_same_numbers(relion: Path, tmp_path: Path) -> None:
    """RELION 3.1.3 cannot read float16: it gets the same numbers as float32."""
    flags = f"{PICKED} --extract_size 48 --scale 32 --norm --bg_radius 12 --invert_contrast"
    folder = made(tmp_path, np.float16)
    given = ["--i", "mics.star", "--extract", "--part_dir", "H/", "--part_star", "H/particles.star", *flags.split()]
    Preprocess.from_flags(given).run(PlainContext(folder, quiet=True))
    for name in NAMES:
        half = mrcfile.read(folder / name)
        assert half.dtype == np.float16
        with mrcfile.new(folder / name, overwrite=True) as file:
            file.set_data(half.astype(np.float32))
            file.voxel_size = 2.0
    both(relion, folder, flags)
    assert largest(folder) < TOLERANCE
    for name in NAMES:
        stem = f"Movies/{Path(name).stem}.mrcs"
        assert (folder / "H" / stem).read_bytes()[1024:] == (folder / "O" / stem).read_bytes()[1024:]
        assert mrcfile.read(folder / "H" / stem).dtype == np.float32  # half the size only when asked


@pytest.mark.parametrize(
    "flags", ["--recenter --scale 36", "--recenter --norm --bg_radius 16", "--reset_offsets --invert_contrast"]
)
def test_extracted_again_from_oblong_micrographs(flags: str, relion: Path, folder: Path) -> None:
    """Refined origins of many pixels carry boxes over the edge."""
    both(relion, folder, f"{PICKED} --extract_size 32")
    particles = read_particles(folder / "O/particles.star", directory=folder)
    rng = np.random.default_rng(1)
    moves = {f"rlnOrigin{axis}Angst": np.round(rng.normal(0, 12, len(particles)), 3) for axis in "XY"}
    write_particles(folder / "refined.star", particles.with_columns(moves))
    both(relion, folder, f"--reextract_data_star refined.star --extract_size 48 {flags}")
    assert largest(folder) < TOLERANCE
