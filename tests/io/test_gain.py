"""Gain references and defects: orientation, the kinds of file, and the errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from relionlab.errors import ImageError, InputError, ParameterError
from relionlab.io.gain import check_gain, oriented, read_defects, read_gain
from relionlab.io.images import write_image, write_stack

GAIN = np.random.default_rng(3).uniform(0.8, 1.2, (6, 8)).astype(np.float32)


def test_rotation_comes_before_the_flip(tmp_path: Path) -> None:
    write_image(tmp_path / "gain.mrc", GAIN, pixel_size=1.0)
    np.testing.assert_array_equal(read_gain(tmp_path / "gain.mrc"), GAIN)
    turned = read_gain(tmp_path / "gain.mrc", rotation=1)
    assert turned.shape == (8, 6)
    np.testing.assert_array_equal(turned[0], GAIN[::-1, 0])  # clockwise: the left column, from below, is the top row
    np.testing.assert_array_equal(read_gain(tmp_path / "gain.mrc", rotation=1, flip=1), turned[::-1])
    np.testing.assert_array_equal(read_gain(tmp_path / "gain.mrc", rotation=3, flip=2), turned[::-1, ::-1][:, ::-1])
    assert len({oriented(GAIN[:6, :6], rotation=r, flip=f).tobytes() for r in range(4) for f in range(3)}) == 8


def test_tiff_rows_are_turned_and_those_of_epu_are_not(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "g.tif", GAIN)
    (tmp_path / "g.gain").write_bytes((tmp_path / "g.tif").read_bytes())
    np.testing.assert_array_equal(read_gain(tmp_path / "g.tif"), GAIN[::-1])
    np.testing.assert_array_equal(read_gain(tmp_path / "g.gain", for_eer=True), GAIN)


def test_eer_frames_are_divided_by_a_sensitivity(tmp_path: Path) -> None:
    sensitivity = GAIN.copy()
    sensitivity[2, 3] = 0
    write_image(tmp_path / "g.mrc", sensitivity, pixel_size=1.0)
    gain = read_gain(tmp_path / "g.mrc", for_eer=True, upsampling=2)
    assert gain.shape == (12, 16)
    assert gain[4, 6] == 0
    good = sensitivity > 0
    np.testing.assert_allclose((gain[::2, ::2] * sensitivity)[good], sensitivity[good].mean(), rtol=1e-5)


def test_defects_from_text_and_maps(tmp_path: Path) -> None:
    (tmp_path / "defects.txt").write_text("# x y w h\n2 1 3 1\n\n0 5 8 1  # a row\n")
    bad = read_defects(tmp_path / "defects.txt", (6, 8))
    assert bad.sum() == 11
    assert bad[1, 2:5].all()
    assert bad[5].all()
    write_image(tmp_path / "bad.mrc", bad.astype(np.float32), pixel_size=1.0)
    tifffile.imwrite(tmp_path / "bad.tif", bad[::-1].astype(np.uint8))
    np.testing.assert_array_equal(read_defects(tmp_path / "bad.mrc", (6, 8)), bad)
    np.testing.assert_array_equal(read_defects(tmp_path / "bad.tif", (6, 8)), bad)


def test_faults_are_named(tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("7 0 2 1\n")
    with pytest.raises(InputError, match=r"line 1: the rectangle x=7 y=0 2×1 px reaches beyond the frames of 8×6 px"):
        read_defects(tmp_path / "outside.txt", (6, 8))
    (tmp_path / "odd.txt").write_text("1 2 3 4\n1 2 3\n")
    with pytest.raises(InputError, match=r"line 2: found '1 2 3'; expected four whole numbers"):
        read_defects(tmp_path / "odd.txt", (6, 8))
    write_image(tmp_path / "g.mrc", GAIN, pixel_size=1.0)
    with pytest.raises(ImageError, match=r"the defect map has 8×6 px, the frames 9×6"):
        read_defects(tmp_path / "g.mrc", (6, 9))
    with pytest.raises(ImageError, match=r"Rotate it by 90°"):
        check_gain(read_gain(tmp_path / "g.mrc"), (8, 6), path="g.mrc", movie="m.tif")
    with pytest.raises(ImageError, match=r"8×6 px after rotation, but m.tif has frames of 9×9"):
        check_gain(read_gain(tmp_path / "g.mrc"), (9, 9), path="g.mrc", movie="m.tif")
    for options in ({"rotation": 4}, {"flip": 3}):
        with pytest.raises(ParameterError, match="expected 0"):
            read_gain(tmp_path / "g.mrc", **options)
    write_image(tmp_path / "zero.mrc", 0 * GAIN, pixel_size=1.0)
    with pytest.raises(ImageError, match="not 0 everywhere"):
        read_gain(tmp_path / "zero.mrc")
    write_stack(tmp_path / "two.mrcs", np.stack([GAIN, GAIN]), pixel_size=1.0)
    with pytest.raises(ImageError, match="holds 2 images"):
        read_gain(tmp_path / "two.mrcs")
    with pytest.raises(ImageError, match="dm2mrc"):
        read_gain(tmp_path / "g.dm4")
