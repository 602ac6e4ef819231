"""The program preprocess: what it writes, what it says, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.engine.normalise import background_statistics
from relionlab.errors import ImageError, InputError, ParameterError
from relionlab.io.images import read_header, read_stack, write_stack
from relionlab.io.particles import read_particles
from relionlab.jobs.context import PlainContext
from relionlab.jobs.extraction.program import Preprocess
from relionlab.simulation.conditions import Simulation
from relionlab.simulation.particles import simulate_particles

Told = list[str]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    lines: Told = []
    monkeypatch.setattr(PlainContext, "say", lambda _, text: lines.append(text))
    monkeypatch.setattr(PlainContext, "warn", lambda _, text: lines.append(text))
    return lines


@pytest.fixture
def stack(tmp_path: Path) -> np.ndarray:
    images = np.random.default_rng(0).normal(size=(12, 32, 32)).astype(np.float32) * 3 + 20
    write_stack(tmp_path / "in.mrcs", images, pixel_size=2.0)
    return images


def run(directory: Path, *flags: str) -> None:
    Preprocess.from_flags(list(flags)).run(PlainContext(directory))


@pytest.mark.parametrize("form", ["star", "mrcs"])
def test_rescaled_windowed_normalised(form: str, tmp_path: Path, told: Told) -> None:
    made = simulate_particles(tmp_path, simulation=Simulation(count=30, box=32, pixel_size=7.2))
    name = "particles.star" if form == "star" else made.stacks[0].name
    run(tmp_path, "--operate_on", name, "--operate_out", "small/p.mrcs", "--scale", "24", "--window", "22", "--norm")
    header = read_header(tmp_path / "small/p.mrcs")
    assert (header.count, header.shape, header.mode) == (30, (22, 22), 2)
    assert header.pixel_size == pytest.approx(9.6)
    mean, deviation = background_statistics(read_stack(tmp_path / "small/p.mrcs"), background_radius=8)
    np.testing.assert_allclose(mean, 0, atol=1e-5)
    np.testing.assert_allclose(deviation, 1, atol=1e-5)
    assert (tmp_path / "small/p.star").exists() == (form == "star")
    if form == "star":
        particles = read_particles(tmp_path / "small/p.star", directory=tmp_path)
        assert particles.pixel_size == pytest.approx(9.6)
        assert particles.optics["rlnImageSize"].tolist() == [22]
        assert particles.particles["rlnImageName"][2] == "000003@small/p.mrcs"
        assert particles.particles["rlnImageOriginalName"][2] == "000003@particles.mrcs"
    assert any("37.5 %" in line for line in told)


def test_bad_images_are_named_and_left_out(stack: np.ndarray, tmp_path: Path, told: Told) -> None:
    stack[3, 0, 0], stack[7] = np.nan, 0
    write_stack(tmp_path / "in.mrcs", stack, pixel_size=2.0)
    run(tmp_path, "--operate_on", "in.mrcs", "--operate_out", "out.mrcs", "--norm")
    assert read_header(tmp_path / "out.mrcs").count == 10
    said = "\n".join(told)
    assert "000004@in.mrcs" in said
    assert "000008@in.mrcs" in said
    assert np.isfinite(read_stack(tmp_path / "out.mrcs")).all()


def test_what_is_wrong_is_said_and_what_was_mended_is_not(stack: np.ndarray, tmp_path: Path, told: Told) -> None:
    run(tmp_path, "--operate_on", "in.mrcs", "--operate_out", "out.mrcs")
    assert any("not normalised" in line for line in told)
    told.clear()
    run(tmp_path, "--operate_on", "in.mrcs", "--operate_out", "out.mrcs", "--norm")
    assert not any("not normalised" in line for line in told)


def test_odd_boxes_become_even(stack: np.ndarray, tmp_path: Path, told: Told) -> None:
    write_stack(tmp_path / "odd.mrcs", stack[:, :31, :29], pixel_size=2.0)
    run(tmp_path, "--operate_on", "odd.mrcs", "--operate_out", "out.mrcs", "--window", "28")
    np.testing.assert_array_equal(read_stack(tmp_path / "out.mrcs"), stack[:, 1:29, :28])
    with pytest.raises(ImageError, match="expected squares"):
        run(tmp_path, "--operate_on", "odd.mrcs", "--operate_out", "out.mrcs", "--scale", "24")


def test_half_precision_and_pixel_size_only_when_asked(stack: np.ndarray, tmp_path: Path, told: Told) -> None:
    run(
        tmp_path,
        "--operate_on",
        "in.mrcs",
        "--operate_out",
        "o.mrcs",
        "--float16",
        "--angpix",
        "3.5",
        "--invert_contrast",
    )
    header = read_header(tmp_path / "o.mrcs")
    assert header.mode == 12
    assert header.pixel_size == pytest.approx(3.5)
    np.testing.assert_allclose(read_stack(tmp_path / "o.mrcs"), -stack, rtol=1e-3)


def test_negative_stain_flips_phases_removes_dust_and_advises(tmp_path: Path, told: Told) -> None:
    simulation = Simulation(count=200, box=64, pixel_size=3.6, snr=0.5, ice=0.0)
    simulate_particles(tmp_path, simulation=simulation)
    run(tmp_path, "--operate_on", "particles.star", "--operate_out", "neg.mrcs", "--negative_stain")
    said = "\n".join(told)
    assert "flipped by the CTF" in said
    assert "without CTF correction" in said
    assert "Warning" not in said
    told.clear()
    # Flipping them again is noticed: the images are not what they are said to be.
    run(tmp_path, "--operate_on", "neg.star", "--operate_out", "again.mrcs", "--norm")
    assert any("flipped already" in line for line in told)


@pytest.mark.parametrize(
    ("flags", "error", "message"),
    [
        (["--extract", "--i", "mics.star"], ParameterError, "extract_size.*--coord_suffix"),
        ([], ParameterError, "operate_on"),
        (["--operate_on", "in.mrcs", "--operate_out", "in.mrcs"], InputError, "overwritten"),
        (["--operate_on", "in.mrcs", "--operate_out", "o.spi"], ParameterError, "ends in .mrcs"),
        (["--operate_on", "in.mrcs", "--norm", "--bg_radius", "16"], ParameterError, "less than 16 px"),
        (["--operate_on", "absent.mrcs"], ImageError, "absent.mrcs"),
    ],
)
def test_refused_before_anything_is_written(
    flags: list, error: type, message: str, stack, tmp_path: Path, told
) -> None:
    with pytest.raises(error, match=message):
        run(tmp_path, *flags)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mrcs"]


def write_spider(path: Path, images: np.ndarray) -> None:
    n = images.shape[1]
    words = np.zeros(-(-1024 // (4 * n)) * n, dtype=">f4")
    words[[0, 1, 4, 11, 12, 21, 22]] = 1, n, 1, n, len(words) // n, 4 * len(words), 4 * n
    single = words.tobytes()
    words[[23, 25]] = 2, len(images)
    path.write_bytes(words.tobytes() + b"".join(single + image.astype(">f4").tobytes() for image in images))


def write_imagic(path: Path, images: np.ndarray) -> None:
    words = np.zeros((len(images), 256), dtype="<i4")
    words[:, 0], words[0, 1], words[:, 60] = np.arange(len(images)) + 1, len(images) - 1, 1
    words[:, 12], words[:, 13], words[:, 61], words[:, 68] = *images.shape[1:], len(images), 33686018
    words.view("S4")[:, 14] = b"REAL"
    words.tofile(path.with_suffix(".hed"))
    images.astype("<f4").tofile(path.with_suffix(".img"))


@pytest.mark.parametrize(("write", "name"), [(write_spider, "x.stk"), (write_imagic, "x.img"), (write_imagic, "x.hed")])
def test_other_programs_stacks(write, name: str, stack: np.ndarray, tmp_path: Path, told: Told) -> None:
    write(tmp_path / name, stack)
    run(tmp_path, "--operate_on", name, "--operate_out", "from_other.mrcs", "--norm", "--angpix", "2")
    run(tmp_path, "--operate_on", "in.mrcs", "--operate_out", "from_mrc.mrcs", "--norm")
    np.testing.assert_array_equal(read_stack(tmp_path / "from_other.mrcs"), read_stack(tmp_path / "from_mrc.mrcs"))
    assert read_header(tmp_path / "from_other.mrcs").pixel_size == pytest.approx(2)


def test_a_stack_without_pixel_size_is_said(stack: np.ndarray, tmp_path: Path, told: Told) -> None:
    write_spider(tmp_path / "x.stk", stack)
    run(tmp_path, "--operate_on", "x.stk", "--operate_out", "out.mrcs")
    assert any("--angpix" in line for line in told)
