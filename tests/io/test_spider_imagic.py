"""SPIDER and IMAGIC files, written here byte by byte after their manuals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ImageError
from relionlab.io.images import read_header, read_image, read_map, read_stack

PIXELS = np.random.default_rng(5).normal(size=(4, 6, 10)).astype(np.float32)


def spider_header(shape: tuple[int, int, int], order: str, *, kind: int = 1, stack: int = 0, images: int = 0) -> bytes:
    row = 4 * shape[2]
    records = -(-1024 // row)
    words = np.zeros(records * row // 4, dtype=f"{order}f4")
    words[[0, 1, 4, 11, 12, 21, 22, 23, 25]] = (
        shape[0],
        shape[1],
        kind,
        shape[2],
        records,
        records * row,
        row,
        stack,
        images,
    )
    return words.tobytes()


def write_spider(path: Path, pixels: np.ndarray, order: str, *, stack: bool) -> None:
    count, rows, columns = pixels.shape
    data = pixels.astype(f"{order}f4")
    if stack:
        images = b"".join(spider_header((1, rows, columns), order) + image.tobytes() for image in data)
        path.write_bytes(spider_header((1, rows, columns), order, stack=2, images=count) + images)
    else:
        path.write_bytes(spider_header(pixels.shape, order, kind=3 if count > 1 else 1) + data.tobytes())


def write_imagic(base: Path, pixels: np.ndarray, order: str) -> None:
    words = np.zeros((len(pixels), 256), dtype=f"{order}i4")
    words[:, 0], words[0, 1] = np.arange(len(pixels)) + 1, len(pixels) - 1
    words[:, 12], words[:, 13], words[:, 60], words[:, 61] = pixels.shape[1], pixels.shape[2], 1, len(pixels)
    words[:, 68] = 33686018 if order == "<" else 67372036
    words.view("S4")[:, 14] = {"f": b"REAL", "i": b"INTG", "u": b"PACK"}[pixels.dtype.kind]
    words.tofile(base.with_suffix(".hed"))
    pixels.astype(pixels.dtype.newbyteorder(order)).tofile(base.with_suffix(".img"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_spider(tmp_path: Path, order: str) -> None:
    write_spider(tmp_path / "s.stk", PIXELS, order, stack=True)
    header = read_header(tmp_path / "s.stk")
    assert (header.count, header.shape, header.is_stack, header.pixel_size) == (4, (6, 10), True, None)
    assert np.array_equal(read_stack(tmp_path / "s.stk"), PIXELS)
    assert np.array_equal(read_stack(tmp_path / "s.stk", [3, 1]), PIXELS[[3, 1]])
    write_spider(tmp_path / "i.spi", PIXELS[:1], order, stack=False)
    assert np.array_equal(read_image(tmp_path / "i.spi"), PIXELS[0])
    write_spider(tmp_path / "m.vol", PIXELS, order, stack=False)
    assert np.array_equal(read_map(tmp_path / "m.vol")[0], PIXELS)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f4", "i2", "u1"])
def test_imagic(tmp_path: Path, order: str, kind: str) -> None:
    pixels = (100 + 10 * PIXELS).astype(kind)
    write_imagic(tmp_path / "x", pixels, order)
    for name in ("x.img", "x.hed"):
        header = read_header(tmp_path / name)
        assert (header.count, header.shape, header.is_stack) == (4, (6, 10), True)
        assert np.array_equal(read_stack(tmp_path / name, [2, 0]), pixels[[2, 0]].astype(np.float32))


def test_faults_are_explained(tmp_path: Path) -> None:
    write_imagic(tmp_path / "x", PIXELS, "<")
    (tmp_path / "x.img").write_bytes(b"short")
    with pytest.raises(ImageError, match=r"x\.img: the header promises 4 images"):
        read_stack(tmp_path / "x.hed")
    (tmp_path / "x.img").unlink()
    with pytest.raises(ImageError, match="Copy both files"):
        read_stack(tmp_path / "x.hed")
    (tmp_path / "x.hed").write_bytes(bytes(1024))
    with pytest.raises(ImageError, match="pixel type"):
        read_header(tmp_path / "x.hed")
    (tmp_path / "y.spi").write_bytes(bytes(2048))
    with pytest.raises(ImageError, match="not a SPIDER"):
        read_header(tmp_path / "y.spi")
