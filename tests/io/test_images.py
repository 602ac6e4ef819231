"""Images and maps: MRC modes, byte orders, compression, damage."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import zstandard
from mrcfile.dtypes import HEADER_DTYPE

from relionlab.errors import ImageError
from relionlab.io.images import (
    StackWriter,
    nonfinite,
    read_header,
    read_image,
    read_map,
    read_stack,
    write_image,
    write_map,
    write_stack,
)

PIXELS = np.random.default_rng(3).normal(0, 20, (5, 6, 9)).astype(np.float32)
MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}


def write_mode(path: Path, pixels: np.ndarray, mode: int, *, order: str = "<", extended: bytes = b"") -> None:
    """Write an MRC file without any of our own code."""
    header = np.zeros((), dtype=HEADER_DTYPE.newbyteorder(order))
    header["nz"], header["ny"], header["nx"] = pixels.shape
    header["mz"], header["my"], header["mx"] = pixels.shape
    header["mode"], header["nsymbt"], header["map"] = mode, len(extended), b"MAP "
    for axis, size in zip("zyx", pixels.shape, strict=True):
        header["cella"][axis] = 1.06 * size
    header["machst"][:2] = 0x44 if order == "<" else 0x11
    path.write_bytes(header.tobytes() + extended + pixels.tobytes())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_in_either_byte_order(tmp_path: Path, mode: int, order: str) -> None:
    pixels = (np.abs(PIXELS) if mode == 6 else PIXELS).astype(order + MODES[mode])
    write_mode(tmp_path / "x.mrcs", pixels, mode, order=order, extended=b"e" * 336)
    header = read_header(tmp_path / "x.mrcs")
    assert (header.count, header.shape, header.pixel_size, header.mode, header.is_stack) == (
        5,
        (6, 9),
        1.06,
        mode,
        True,
    )
    assert np.array_equal(read_stack(tmp_path / "x.mrcs"), pixels.astype(np.float32))
    assert np.array_equal(read_stack(tmp_path / "x.mrcs", [4, 0, 1, 2, 0]), pixels[[4, 0, 1, 2, 0]].astype(np.float32))


@pytest.mark.parametrize("width", [8, 9])
def test_mode_101_packs_two_pixels_in_a_byte(tmp_path: Path, width: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 16, (3, 4, width)).astype(np.uint8)
    even = np.pad(pixels, ((0, 0), (0, 0), (0, width % 2)))
    packed = even[:, :, ::2] | even[:, :, 1::2] << 4
    write_mode(tmp_path / "x.mrcs", pixels, 101)
    raw = (tmp_path / "x.mrcs").read_bytes()[:1024]
    (tmp_path / "x.mrcs").write_bytes(raw + packed.tobytes())
    assert np.array_equal(read_stack(tmp_path / "x.mrcs"), pixels)
    assert np.array_equal(read_stack(tmp_path / "x.mrcs", [2]), pixels[2:])


def test_imod_bytes_are_unsigned(tmp_path: Path) -> None:
    pixels = np.array([[[0, 127, 128, 255]]], dtype=np.uint8)
    write_mode(tmp_path / "x.mrc", pixels, 0)
    assert read_image(tmp_path / "x.mrc").tolist() == [[0, 127, -128, -1]]
    raw = bytearray((tmp_path / "x.mrc").read_bytes())
    raw[152:160] = np.array([1146047817, 0], dtype="<i4").tobytes()
    (tmp_path / "x.mrc").write_bytes(raw)
    assert read_image(tmp_path / "x.mrc").tolist() == [[0, 127, 128, 255]]


@pytest.mark.parametrize(
    ("ending", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.compress)]
)
def test_compressed_maps(tmp_path: Path, ending: str, pack) -> None:
    write_map(tmp_path / "x.mrc", PIXELS, pixel_size=3.54)
    packed = pack((tmp_path / "x.mrc").read_bytes())
    (tmp_path / f"x.mrc{ending}").write_bytes(packed)
    found, pixel_size = read_map(tmp_path / f"x.mrc{ending}")
    assert np.array_equal(found, PIXELS)
    assert pixel_size == 3.54
    (tmp_path / f"cut.mrc{ending}").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ImageError, match=r"cut off|ends earlier"):
        read_map(tmp_path / f"cut.mrc{ending}")


@pytest.mark.parametrize("pixel_size", [3.54, 0.6575, 0.0019, 1.0, 13.333333, 1234.5678])
def test_what_is_written_reads_back(tmp_path: Path, pixel_size: float) -> None:
    write_map(tmp_path / "m.mrc", PIXELS, pixel_size=pixel_size)
    write_stack(tmp_path / "s.mrcs", PIXELS, pixel_size=pixel_size)
    write_image(tmp_path / "i.mrc", PIXELS[0], pixel_size=pixel_size)
    assert np.array_equal(read_map(tmp_path / "m.mrc")[0], PIXELS)
    assert np.array_equal(read_stack(tmp_path / "s.mrcs"), PIXELS)
    assert np.array_equal(read_image(tmp_path / "i.mrc"), PIXELS[0])
    assert np.array_equal(read_image(f"000003@{tmp_path}/s.mrcs"), PIXELS[2])
    for name, shape, stack in (("m.mrc", (5, 6, 9), False), ("s.mrcs", (6, 9), True), ("i.mrc", (6, 9), False)):
        header = read_header(tmp_path / name)
        assert (header.shape, header.pixel_size, header.is_stack) == (shape, pixel_size, stack)


def test_mrcfile_finds_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_map(tmp_path / "m.mrc", PIXELS, pixel_size=1.5)
    write_stack(
        tmp_path / "s.mrcs", PIXELS / 100, pixel_size=1.5, half_precision=True
    )  # mrcfile sums it in half precision
    for name in ("m.mrc", "s.mrcs"):
        assert mrcfile.validate(tmp_path / name), capsys.readouterr().out
    with mrcfile.open(tmp_path / "m.mrc") as theirs:
        assert np.array_equal(theirs.data, PIXELS)
        assert theirs.header.rms == pytest.approx(PIXELS.std(), rel=1e-6)
        assert theirs.is_volume()
    with mrcfile.open(tmp_path / "s.mrcs") as theirs:
        assert theirs.data.dtype == np.float16
        assert theirs.is_image_stack()


def test_stacks_in_pieces(tmp_path: Path) -> None:
    with StackWriter(tmp_path / "s.mrcs", 5, (6, 9), 2.0) as stack:
        stack.append(PIXELS[:3])
        assert not (tmp_path / "s.mrcs").exists()
        stack.append(PIXELS[3])
        stack.append(PIXELS[4:])
    assert np.array_equal(read_stack(tmp_path / "s.mrcs"), PIXELS)


def test_stacks_that_fail_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="3 images were written; 5 were announced"):
        with StackWriter(tmp_path / "s.mrcs", 5, (6, 9), 2.0) as stack:
            stack.append(PIXELS[:3])
    with pytest.raises(ImageError, match=r"expected images of \(6, 9\)"):
        with StackWriter(tmp_path / "s.mrcs", 5, (6, 9), 2.0) as stack:
            stack.append(PIXELS[:, :, :8])
    with pytest.raises(KeyError):
        with StackWriter(tmp_path / "s.mrcs", 5, (6, 9), 2.0) as stack:
            raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_damage_is_explained(tmp_path: Path) -> None:
    write_stack(tmp_path / "s.mrcs", PIXELS, pixel_size=2)
    raw = (tmp_path / "s.mrcs").read_bytes()
    (tmp_path / "s.mrcs").write_bytes(raw[:-300])
    with pytest.raises(ImageError, match=r"promises 5 images .* of 9×6 px .* enough for 3 of them.*cut off"):
        read_stack(tmp_path / "s.mrcs")
    (tmp_path / "s.mrcs").write_bytes(raw[:500])
    with pytest.raises(ImageError, match="500 bytes"):
        read_header(tmp_path / "s.mrcs")
    (tmp_path / "s.mrcs").write_bytes(b"text " * 400)
    with pytest.raises(ImageError, match="not an MRC file"):
        read_header(tmp_path / "s.mrcs")
    with pytest.raises(ImageError, match="does not exist"):
        read_header(tmp_path / "none.mrc")
    with pytest.raises(ImageError, match=r"ending '\.jpg'"):
        read_header(tmp_path / "none.jpg")


def test_transforms_are_refused(tmp_path: Path) -> None:
    write_mode(tmp_path / "x.mrc", np.zeros((1, 4, 4), dtype="<c8"), 4)
    with pytest.raises(ImageError, match="complex"):
        read_header(tmp_path / "x.mrc")


def test_wrong_requests_are_explained(tmp_path: Path) -> None:
    write_stack(tmp_path / "s.mrcs", PIXELS, pixel_size=2)
    with pytest.raises(ImageError, match="has 5 images, asked for number 6"):
        read_stack(tmp_path / "s.mrcs", [0, 5])
    with pytest.raises(ImageError, match="holds 5 images; expected one"):
        read_image(tmp_path / "s.mrcs")
    write_image(tmp_path / "i.mrc", PIXELS[0], pixel_size=2)
    with pytest.raises(ImageError, match="expected a map"):
        read_map(tmp_path / "i.mrc")
    with pytest.raises(ImageError, match="pixel size 0"):
        write_map(tmp_path / "m.mrc", PIXELS, pixel_size=0)
    with pytest.raises(ImageError, match="3 dimensions"):
        write_map(tmp_path / "m.mrc", PIXELS[0], pixel_size=1)
    with pytest.raises(ImageError, match=r"ends in \.mrc"):
        write_map(tmp_path / "m.spi", PIXELS, pixel_size=1)
    with pytest.raises(ImageError, match="half precision"):
        write_stack(tmp_path / "h.mrcs", PIXELS * 1e4, pixel_size=1, half_precision=True)


def test_nan_is_found(tmp_path: Path) -> None:
    images = PIXELS.copy()
    images[1, 0, 0], images[3, 2, 2], images[3, 2, 3] = np.nan, np.inf, -np.inf
    assert nonfinite(images).tolist() == [1, 3]
    write_map(tmp_path / "m.mrc", images, pixel_size=1)
    with pytest.raises(ImageError, match="NaN or infinite values, first in section 2 of 5"):
        read_map(tmp_path / "m.mrc")


def test_name_with_format(tmp_path: Path) -> None:
    write_mode(tmp_path / "movie.dat", PIXELS, 2)
    assert read_header(f"{tmp_path}/movie.dat:mrcs").is_stack
    assert read_header(f"{tmp_path}/movie.dat:mrc").shape == PIXELS.shape


def test_shared_images_read(shared_data: Path) -> None:
    paths = [path for path in shared_data.rglob("*") if path.name.endswith((".mrc", ".mrcs", ".mrc.gz"))]
    assert len(paths) > 20
    for path in paths:
        header = read_header(path)
        image = read_stack(path, [0])
        assert image.shape == (1, *header.shape[-2:])
        assert np.isfinite(image).all()
