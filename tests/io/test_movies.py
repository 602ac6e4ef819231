"""Movies of every format: the same frames come out, EER events are all there, and damage is named."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile
import zstandard

from relionlab.errors import ImageError
from relionlab.io.eer import grouping_for_dose
from relionlab.io.movies import open_movie
from relionlab.io.tiff import TiffWriter
from tests.io.eer_files import write_eer
from tests.peak_memory import run_measured

FRAMES = np.random.default_rng(1).poisson(3, (5, 22, 34)).astype(np.uint8)


def written(path: Path, frames=FRAMES, **options) -> Path:
    if path.suffix == ".tiff":
        with TiffWriter(path, 1.34, **options) as movie:
            for frame in frames:
                movie.append(frame)
    else:
        plain = path if path.suffix == ".mrcs" else path.with_suffix("")
        with mrcfile.new(plain, overwrite=True) as file:
            file.set_data(frames)
            file.voxel_size = 1.34
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(plain.read_bytes()))
        if path.suffix == ".zst":  # two frames, as parallel compressors write
            raw = plain.read_bytes()
            path.write_bytes(zstandard.compress(raw[:1000]) + zstandard.compress(raw[1000:]))
    return path


@pytest.mark.parametrize("compression", ["lzw", "deflate", "zstd", "none"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.float32])
def test_tiff_comes_back(tmp_path: Path, compression: str, kind: type) -> None:
    path = written(tmp_path / "m.tiff", FRAMES.astype(kind), compression=compression)
    with open_movie(path) as movie:
        assert (movie.frames, movie.shape, movie.pixel_size) == (5, (22, 34), 1.34)
        assert movie.read(3).dtype == np.float32
        np.testing.assert_array_equal(movie.read(3), FRAMES[3])
        np.testing.assert_array_equal(movie.read_sum(range(1, 4)), FRAMES[1:4].sum(axis=0))
    np.testing.assert_array_equal(tifffile.imread(path, key=0), FRAMES[0, ::-1])  # top row first


@pytest.mark.parametrize("name", ["m.mrcs", "m.mrcs.gz", "m.mrcs.zst"])
@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.float32])
def test_mrc_comes_back_in_any_order(tmp_path: Path, name: str, kind: type) -> None:
    with open_movie(written(tmp_path / name, FRAMES.astype(kind))) as movie:
        assert (movie.frames, movie.shape, movie.pixel_size) == (5, (22, 34), 1.34)
        for index in (0, 3, 1, 4):
            np.testing.assert_array_equal(movie.read(index), FRAMES[index])
        np.testing.assert_array_equal(movie.read_sum(), FRAMES.sum(axis=0))


# --- EER ---


SHAPE, RAW = (40, 56), 11


def events(seed: int = 2) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(RAW):
        where = np.sort(rng.choice(SHAPE[0] * SHAPE[1], 7, replace=False))
        found.append(np.stack([where, rng.integers(0, 2, 7), rng.integers(0, 2, 7)], axis=1))
    return found


@pytest.mark.parametrize("compression", [65000, 65001, 65002])
@pytest.mark.parametrize("upsampling", [1, 2, 3])
def test_eer_holds_the_events_put_in(tmp_path: Path, compression: int, upsampling: int) -> None:
    frames = events()
    bits = 1 if compression == 65002 else 2
    if bits < upsampling - 1:
        pytest.skip("this form does not know quarters of a pixel")
    write_eer(tmp_path / "m.eer", frames, SHAPE, compression=compression)
    with open_movie(tmp_path / "m.eer", eer_grouping=4, eer_upsampling=upsampling) as movie:
        factor = 2 ** (upsampling - 1)
        assert (movie.frames, movie.shape) == (
            2,
            (SHAPE[0] * factor, SHAPE[1] * factor),
        )  # three raw frames are left over
        for index in range(movie.frames):
            expected = np.zeros(movie.shape, np.float32)
            for where, y, x in np.concatenate(frames[4 * index : 4 * index + 4]).tolist():
                row, column = divmod(where, SHAPE[1])
                half = 1 << bits - 1  # places count from the middle of the pixel
                down, across = ((place ^ half) * factor >> bits for place in (y, x))
                expected[row * factor + down, column * factor + across] += 1
            np.testing.assert_array_equal(movie.read(index), expected)


def test_eer_grouping_follows_the_dose(tmp_path: Path) -> None:
    told = '<item name="totalDose" unit="e/pixel">22.0</item>'
    write_eer(tmp_path / "m.eer", events(), SHAPE, xml=told)
    assert grouping_for_dose(tmp_path / "m.eer", 2.0, pixel_size=2.0) == 4  # 5.5 e/Å² in 11 raw frames
    assert grouping_for_dose(tmp_path / "m.eer", 1.0, total_dose=11.0) == 1
    with pytest.raises(ImageError, match=r"does not state its pixel size: give the total dose"):
        grouping_for_dose(tmp_path / "m.eer", 1.0)
    with open_movie(tmp_path / "m.eer") as movie:
        assert movie.frames == 1  # fewer than RELION's default of 40
    with pytest.raises(ImageError, match=r"has 11 raw frames; asked for groups of 12"):
        open_movie(tmp_path / "m.eer", eer_grouping=12)


def test_many_events_in_one_pixel_are_counted(tmp_path: Path) -> None:
    write_eer(tmp_path / "m.eer", [np.array([[17, 0, 0]])] * 300, (32, 32))
    with open_movie(tmp_path / "m.eer", eer_grouping=300) as movie:
        assert movie.read(0)[0, 17] == 300
        assert movie.read(0).sum() == 300


# --- damage ---


@pytest.mark.parametrize("name", ["m.tiff", "m.mrcs", "m.mrcs.gz", "m.mrcs.zst", "m.eer"])
@pytest.mark.parametrize("share", [0.5, 0.93])
def test_a_movie_that_was_cut_off_is_named(tmp_path: Path, name: str, share: float) -> None:
    frames = np.random.default_rng(1).poisson(3, (5, 64, 96)).astype(np.uint8)
    path = tmp_path / name
    if name == "m.eer":
        write_eer(path, events(), SHAPE)
    else:
        written(path, frames)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ImageError, match=rf"{name}.*(cut off|damaged|header promises)"):
        with open_movie(path, eer_grouping=RAW if name == "m.eer" else None) as movie:
            movie.read_sum()


def test_damaged_frame_is_named_by_its_number(tmp_path: Path) -> None:
    path = written(tmp_path / "m.tiff", np.random.default_rng(1).poisson(3, (5, 64, 96)).astype(np.uint8))
    with tifffile.TiffFile(path) as file:
        place = file.pages[3].dataoffsets[0]
    data = bytearray(path.read_bytes())
    data[place : place + 2000] = b"\xff" * 2000
    path.write_bytes(data)
    with open_movie(path) as movie:
        movie.read(0)
        with pytest.raises(ImageError, match=r"m\.tiff: frame 4 of 5 cannot be decoded"):
            movie.read(3)
        with pytest.raises(ImageError, match=r"has 5 frames; asked for frame 6"):
            movie.read(5)


def test_other_faults_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"ending '\.dm4'; expected a movie"):
        open_movie(tmp_path / "m.dm4")
    with pytest.raises(ImageError, match="does not exist"):
        open_movie(tmp_path / "m.tif")
    (tmp_path / "text.tif").write_text("no movie")
    with pytest.raises(ImageError, match="cannot be read as a TIFF"):
        open_movie(tmp_path / "text.tif")
    tifffile.imwrite(tmp_path / "colour.tif", np.zeros((8, 8, 3), np.uint8), photometric="rgb")
    with pytest.raises(ImageError, match="expected grey values"):
        open_movie(tmp_path / "colour.tif")
    tifffile.imwrite(tmp_path / "plain.eer", FRAMES[0])
    with pytest.raises(ImageError, match="without electron events"):
        open_movie(tmp_path / "plain.eer")
    with tifffile.TiffWriter(tmp_path / "mixed.tif") as out:
        out.write(FRAMES[0], metadata=None)
        out.write(FRAMES[0, :10], metadata=None)
    with open_movie(tmp_path / "mixed.tif") as movie, pytest.raises(ImageError, match=r"frame 2 has 34×10 px"):
        movie.read(1)
    with pytest.raises(ImageError, match="expected shape"):
        written(tmp_path / "w.tiff", [FRAMES[0], FRAMES[0, :10]])
    assert not (tmp_path / "w.tiff").exists()


@pytest.mark.full
def test_memory_is_bounded_by_a_frame(tmp_path: Path) -> None:
    """40 frames of 4k in TIFF: a frame, the sum and the reader's own copies: 0.19 GB with Python's libraries."""
    path, rng = tmp_path / "big.tiff", np.random.default_rng(1)
    frame = rng.poisson(1, (4096, 4096)).astype(np.uint8)
    with TiffWriter(path, 0.8) as movie:
        for _ in range(40):
            movie.append(frame)
    code = (
        "import sys; from relionlab.io.movies import open_movie\n"
        "with open_movie(sys.argv[1]) as movie: total = movie.read_sum()\n"
        "print(total.sum())"
    )
    total, peak = run_measured([sys.executable, "-c", code, path], tmp_path)
    assert float(total) == pytest.approx(40 * float(frame.sum()), rel=1e-5)
    assert peak < 2**30
