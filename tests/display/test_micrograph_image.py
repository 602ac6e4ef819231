"""Micrographs on the screen: the whole, parts of it, files of all kinds, and those read ahead."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.display.ctf_rings import rings_of
from relionlab.display.micrograph_image import Look, MicrographImage, MicrographImages
from relionlab.errors import ImageError
from relionlab.io.images import write_image, write_stack
from relionlab.io.tiff import TiffWriter


@pytest.fixture
def blob():
    """One bright spot at x = 2,500, y = 800 of a micrograph of 3,000 × 2,000 px."""
    y, x = np.ogrid[:2000, :3000]
    image = np.exp(-((x - 2500) ** 2 + (y - 800) ** 2) / (2 * 40**2)) * 20
    return (image + np.random.default_rng(1).normal(size=image.shape)).astype(np.float32)


def test_the_whole_is_binned_and_lies_where_it_should(blob):
    whole = MicrographImage(blob, 1.0).whole(Look(sigma=8))
    assert whole.greys.shape == (666, 1000)
    assert (whole.width, whole.height) == (3000, 1998)
    y, x = np.argwhere(whole.greys == 255).mean(axis=0)
    assert (3 * x + 1, 3 * y + 1) == pytest.approx((2500, 800), abs=10)


def test_a_part_is_finer_and_lies_where_it_says(blob):
    image = MicrographImage(blob, 1.0)
    for look in (Look(sigma=8), Look(sigma=8, low_pass=10, high_pass=600), Look(sigma=8, low_pass=60)):
        part = image.part((2400, 700), (300, 200), screen=600, look=look)
        assert part.greys.shape[1] / part.width == pytest.approx(2, rel=0.1)  # screen pixels per px
        assert part.x <= 2400
        assert part.x + part.width >= 2700
        rows, columns = np.indices(part.greys.shape)
        weight = np.where(part.greys > 200, 1.0, 0.0)
        x = part.x + (columns * weight).sum() / weight.sum() * part.width / part.greys.shape[1]
        y = part.y + (rows * weight).sum() / weight.sum() * part.height / part.greys.shape[0]
        assert (x, y) == pytest.approx((2500, 800), abs=8)


def test_a_part_beyond_the_edge_ends_at_it(blob):
    part = MicrographImage(blob, 1.0).part((2900, 1900), (300, 300), screen=500, look=Look())
    assert part.x + part.width == 3000
    assert part.y + part.height == 2000


def test_black_and_white_values_win_over_the_deviation():
    image = np.linspace(0, 10, 64 * 64, dtype=np.float32).reshape(64, 64)
    seen = MicrographImage(image, 1.0).whole(Look(sigma=1, black=0, white=10)).greys
    assert seen[0, 0] == 0
    assert seen[-1, -1] == 255
    assert seen[32, 0] == pytest.approx(127, abs=2)
    extremes = MicrographImage(image, 1.0).whole(Look(sigma=0)).greys
    np.testing.assert_array_equal(extremes, seen)


def test_mrc_and_tiff_are_read_alike(tmp_path):
    counts = np.random.default_rng(2).integers(0, 200, size=(60, 90)).astype(np.int16)
    write_image(tmp_path / "a.mrc", counts.astype(np.float32), pixel_size=1.5)
    with TiffWriter(tmp_path / "a.tif", 1.5) as movie:
        movie.append(counts)
    one, other = (MicrographImage(tmp_path / name) for name in ("a.mrc", "a.tif"))
    np.testing.assert_array_equal(one.whole(Look()).greys, other.whole(Look()).greys)
    assert one.pixel_size == other.pixel_size == pytest.approx(1.5)


def test_a_movie_is_no_micrograph(tmp_path):
    write_stack(tmp_path / "movie.mrcs", np.ones((3, 8, 8), dtype=np.float32), pixel_size=1.0)
    with pytest.raises(ImageError, match="holds 3 images"):
        MicrographImage(tmp_path / "movie.mrcs")


def test_what_is_not_a_number_is_shown_as_grey():
    image = np.random.default_rng(3).normal(size=(64, 64)).astype(np.float32)
    image[10, 10] = np.nan
    seen = MicrographImage(image, 1.0).whole(Look(low_pass=10)).greys
    assert seen.std() > 20


def test_micrographs_are_read_ahead_and_again_when_their_file_changes(tmp_path):
    rng = np.random.default_rng(4)
    for name in "abc":
        write_image(tmp_path / f"{name}.mrc", rng.normal(size=(64, 64)).astype(np.float32), pixel_size=2.0)
    images, look = MicrographImages(), Look(low_pass=30)
    images.prefetch([(tmp_path / "a.mrc", None), (tmp_path / "missing.mrc", None), (tmp_path / "b.mrc", None)], look)
    images._thread.join(20)
    first = images.get(tmp_path / "b.mrc")
    assert (1, look.band) in first._filtered
    assert images.get(tmp_path / "b.mrc") is first
    write_image(tmp_path / "b.mrc", rng.normal(size=(64, 64)).astype(np.float32), pixel_size=2.0)
    assert images.get(tmp_path / "b.mrc") is not first


def test_power_spectrum_without_a_ctf():
    rings = rings_of(MicrographImage(np.random.default_rng(5).normal(size=(600, 600)).astype(np.float32), 1.0))
    assert not rings.has_model
    assert rings.greys.shape[0] == rings.greys.shape[1]
    assert rings.finest < 3.0
