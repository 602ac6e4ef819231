"""Images beside each other."""

from __future__ import annotations

import io

import numpy as np
import pytest
from bokeh.models import LinearColorMapper
from PIL import Image

from relionlab.display.class_averages import columns_for
from relionlab.display.mosaic import WHITE, Mosaic, enlarge, grey, mosaic, round_length, scale_bar, sheet
from relionlab.display.picture import Picture
from relionlab.display.render import to_bokeh, to_png


def test_grey_uses_the_whole_range_and_never_the_colour_of_paper():
    image = np.random.default_rng(1).normal(size=(32, 32))
    drawn = grey(image)
    assert drawn.dtype == np.uint8
    assert (drawn.min(), drawn.max()) == (0, WHITE - 1)


def test_one_hot_pixel_does_not_darken_the_rest():
    image = np.random.default_rng(1).normal(size=(64, 64))
    image[30, 30] = 1e6
    assert 100 < np.median(grey(image)) < 160


def test_masked_corners_do_not_count():
    image = np.random.default_rng(1).normal(5, 1, size=(64, 64))
    image[:8] = -1000
    assert np.median(grey(image, diameter=0.6)[28:36]) > 60


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_image_without_contrast_is_even(value):
    assert np.ptp(grey(np.full((8, 8), value))) == 0


def test_rows_run_downwards():
    tiles = [np.full((4, 4), value, dtype=np.uint8) for value in (10, 20, 30)]
    tiles[0][0, 0] = 99  # upper left
    plan = Mosaic(count=3, columns=2, pixels=4, lines=0)
    canvas = mosaic(tiles, plan).dimension_values("grey", flat=False)[::-1]  # HoloViews gives the lowest row first
    assert canvas[0, 0] == 99
    assert canvas[1, 1] == 10
    x, y = plan.corner(2)
    assert canvas[y, x] == 30
    assert canvas[y, plan.corner(1)[0]] == WHITE  # no fourth image


def test_enlarging_keeps_the_paper_colour_free():
    tile = grey(np.random.default_rng(1).normal(size=(16, 16)))
    assert enlarge(tile, 112).shape == (112, 112)
    assert enlarge(tile, 112).max() < WHITE
    assert enlarge(tile, 5).shape == (5, 5)


@pytest.mark.parametrize(("length", "expected"), [(75, 50), (20, 20), (19.9, 10), (0.7, 0.5), (340, 200), (0, 1)])
def test_scale_bars_have_round_lengths(length, expected):
    assert round_length(length) == pytest.approx(expected)


@pytest.mark.parametrize("count", range(1, 60))
def test_columns_leave_room_for_all(count):
    columns = columns_for(count)
    assert 1 <= columns <= 10
    assert -(-count // columns) * columns >= count


def test_twelve_fill_their_rows():
    assert 12 % columns_for(12) == 0
    assert 50 % columns_for(50) == 0


def test_the_paper_between_images_lets_a_dark_page_through():
    plan = Mosaic(count=1, columns=1, pixels=20)
    drawn = to_bokeh(Picture(sheet(mosaic([np.zeros((20, 20), np.uint8)], plan), plan), "", ""))
    mapper = next(iter(drawn.select({"type": LinearColorMapper})))
    assert mapper.high == WHITE - 1
    assert mapper.high_color.endswith(" 0)")


def test_scale_bars_are_read_on_bright_images():
    """White on a ground that darkens even a white image, in the page and in the PDF."""
    plan = Mosaic(1, 1, pixels=112)
    white = [np.full((112, 112), 254, np.uint8)]
    drawn = Image.open(
        io.BytesIO(to_png(Picture(sheet(mosaic(white, plan) * scale_bar(plan, width=224.0), plan), "", "")))
    )
    pixels = np.asarray(drawn.convert("L")).astype(int)
    dark = pixels < 150
    assert dark.sum() > 0.02 * pixels.size
    rows = np.flatnonzero(dark.any(axis=1))
    assert (pixels[rows[0] : rows[-1]][:, np.flatnonzero(dark.any(axis=0))] > 240).any()  # the bar and its length
