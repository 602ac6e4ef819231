"""Image names and reading many images by name."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from relionlab.errors import ImageError
from relionlab.io import image_reader
from relionlab.io.image_names import format_image_name, parse_image_name
from relionlab.io.image_reader import ImageReader
from relionlab.io.images import write_image, write_stack

PIXELS = np.random.default_rng(7).normal(size=(9, 4, 4)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_stack(tmp_path / "Extract/a.mrcs", PIXELS[:5], pixel_size=2)
    write_stack(tmp_path / "Extract/b.mrcs", PIXELS[5:8], pixel_size=2)
    write_image(tmp_path / "single.mrc", PIXELS[8], pixel_size=2)
    return tmp_path


NAMES = [*(f"{n:06d}@Extract/a.mrcs" for n in range(1, 6)), *(f"{n}@Extract/b.mrcs" for n in range(1, 4)), "single.mrc"]


def test_names() -> None:
    assert parse_image_name("000001@a.mrcs") == (0, "a.mrcs")
    assert parse_image_name("dir/a.mrc") == (None, "dir/a.mrc")
    assert format_image_name(0, Path("x/a.mrcs")) == "000001@x/a.mrcs"
    assert format_image_name(1234567, "a.mrcs") == "1234568@a.mrcs"
    for name in ("0@a.mrcs", "x@a.mrcs", "1@", "-1@a.mrcs"):
        with pytest.raises(ImageError, match="numbers from 1"):
            parse_image_name(name)


def test_any_order_from_any_file(folder: Path) -> None:
    reader = ImageReader(NAMES, folder)
    assert reader.shape == (4, 4)
    assert reader.pixel_size == 2
    assert len(reader) == 9
    assert np.array_equal(reader.read(), PIXELS)
    order = np.random.default_rng(1).permutation(9)
    assert np.array_equal(reader.read(order), PIXELS[order])
    assert np.array_equal(reader.read([8, 0, 0, 6]), PIXELS[[8, 0, 0, 6]])
    assert np.array_equal(reader.read(slice(3, 6)), PIXELS[3:6])
    assert reader.read([]).shape == (0, 4, 4)
    assert np.array_equal(pickle.loads(pickle.dumps(reader)).read([7]), PIXELS[[7]])


def test_each_file_is_read_once_per_batch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = image_reader.read_frames
    monkeypatch.setattr(
        image_reader, "read_frames", lambda image, chosen: read.append(image.data_path.name) or real(image, chosen)
    )
    ImageReader(NAMES, folder).read([0, 5, 1, 6, 2, 7])
    assert sorted(read) == ["a.mrcs", "b.mrcs"]


def test_faults_are_explained(folder: Path) -> None:
    write_stack(folder / "other.mrcs", np.zeros((2, 6, 6)), pixel_size=2)
    with pytest.raises(ImageError, match="must have the same size"):
        ImageReader(["1@Extract/a.mrcs", "1@other.mrcs"], folder).read()
    with pytest.raises(ImageError, match="has 5 images, asked for number 6"):
        ImageReader(["6@Extract/a.mrcs"], folder).read()
    with pytest.raises(ImageError, match="does not exist"):
        ImageReader(["6@Extract/c.mrcs"], folder).read()
    with pytest.raises(ImageError, match="no images"):
        _ = ImageReader([]).shape
