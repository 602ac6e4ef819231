"""Our preprocessed stacks against relion_preprocess."""

from __future__ import annotations

import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from relionlab.engine.fourier import resize, shift
from relionlab.io.images import read_stack
from relionlab.jobs.context import PlainContext
from relionlab.jobs.extraction.program import Preprocess

pytestmark = pytest.mark.relion


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preprocess")
    rng = np.random.default_rng(0)
    y, x = np.indices((64, 64))
    blob = 4 * np.exp(-((x - 32) ** 2 + (y - 30) ** 2) / (2 * 8**2))
    images = (rng.normal(size=(6, 64, 64)) * 3 + 20 + 0.1 * x - 0.05 * y + blob).astype(np.float32)
    for name, part in (("even.mrcs", images), ("odd.mrcs", images[:, :63, :63]), ("oblong.mrcs", images[:, :60])):
        with mrcfile.new(path / name) as file:
            file.set_data(part)
            file.set_image_stack()
            file.voxel_size = 2.0
    return path


def both(relion: Path, directory: Path, *flags: str) -> tuple[np.ndarray, np.ndarray]:
    command = [relion / "relion_preprocess", *flags, "--operate_out", "theirs.mrcs"]
    subprocess.run(command, check=True, capture_output=True, cwd=directory)
    Preprocess.from_flags([*flags, "--operate_out", "ours.mrcs"]).run(PlainContext(directory, quiet=True))
    return read_stack(directory / "ours.mrcs"), read_stack(directory / "theirs.mrcs")


@pytest.mark.parametrize(
    ("flags", "tolerance"),
    [
        ("even.mrcs --norm --bg_radius 24", 1e-6),
        ("even.mrcs --norm --bg_radius 24 --no_ramp", 1e-6),
        ("even.mrcs --norm --bg_radius 20 --invert_contrast", 1e-6),
        ("oblong.mrcs --norm --bg_radius 24", 1e-6),
        ("even.mrcs --window 48", 0),
        ("even.mrcs --window 80", 0),
        ("even.mrcs --window 47", 0),
        ("odd.mrcs --window 60", 0),
        ("odd.mrcs --window 64 --norm --bg_radius 24", 1e-6),
        ("even.mrcs --scale 48", 2e-5),
        ("even.mrcs --scale 31", 2e-5),
        ("even.mrcs --scale 80", 2e-5),
        ("even.mrcs --scale 48 --norm --bg_radius 15", 1e-5),
    ],
)
def test_images_equal_relions(flags: str, tolerance: float, relion: Path, directory: Path) -> None:
    """Largest differences measured: 1e-12 normalised, 1.1e-5 rescaled (grey values about 20, deviation 3)."""
    ours, theirs = both(relion, directory, "--operate_on", *flags.split())
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance)


@pytest.mark.parametrize("ramp", [True, False])
def test_dust_removal_replaces_the_same_pixels_as_relions(ramp: bool, relion: Path, directory: Path) -> None:
    """RELION looks for dust before it takes the ramp away; the random pixels themselves differ."""
    flags = ["--operate_on", "even.mrcs", "--norm", "--bg_radius", "24", *([] if ramp else ["--no_ramp"])]
    raw, _ = both(relion, directory, *flags[:5], "--no_ramp")
    dust = (raw > 2.5) | (raw < -3)
    ours, theirs = both(relion, directory, *flags, "--white_dust", "2.5", "--black_dust", "3")
    np.testing.assert_allclose(ours[~dust], theirs[~dust], atol=0.05)  # mean and deviation differ by the random pixels
    assert np.abs(ours - theirs)[dust].mean() > 0.3
    y, x = np.indices((64, 64))
    plane = np.stack([x, y, np.ones_like(x)], axis=-1)
    for mine, other, bad in zip(ours, theirs, dust, strict=True):
        terms = np.column_stack([mine[~bad], plane[~bad]])
        left = other[~bad] - terms @ np.linalg.lstsq(terms, other[~bad], rcond=None)[0]
        assert np.abs(left).max() < 1e-5  # but for scale and plane, all other pixels are the same


def test_odd_boxes_keep_their_origin_unlike_relions(relion: Path, directory: Path) -> None:
    """RELION rescales about pixel 0, so an odd box's origin (31 of 63 px) moves by 0.38 px off the new one."""
    ours, theirs = both(relion, directory, "--operate_on", "odd.mrcs", "--scale", "48")
    move = 31 * 48 / 63 - 24
    images = read_stack(directory / "odd.mrcs").astype(np.float64)
    moved = shift(resize(images, 48), np.array([[move, move]]))
    np.testing.assert_allclose(ours, resize(images, 48), atol=1e-4)
    assert np.corrcoef(moved.ravel(), theirs.ravel())[0, 1] > 0.99


def test_rescaling_and_windowing_cut_about_the_origin_unlike_relions(relion: Path, directory: Path) -> None:
    """RELION 3.1.3 windows the rescaled image where the original's centre was, and leaves a rim of zeros."""
    ours, theirs = both(relion, directory, "--operate_on", "even.mrcs", "--scale", "48", "--window", "40")
    rescaled, _ = both(relion, directory, "--operate_on", "even.mrcs", "--scale", "48")
    np.testing.assert_allclose(ours, rescaled[:, 4:44, 4:44], atol=2e-5)
    np.testing.assert_allclose(theirs[:, :36, :36], rescaled[:, 12:, 12:], atol=2e-5)
    assert not theirs[:, 36:].any()
