"""Image tools: what is drawn, what comes of it, what is written."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.errors import ParameterError
from relionlab.io.images import read_header, read_image
from relionlab.widgets import ImageTools
from relionlab.widgets.gallery.image_tools import grey_edges
from relionlab.widgets.parts.live_figure import FigureEvent


@pytest.fixture
def tools():
    y, x = np.mgrid[:60, :80]
    return ImageTools((x + 0.0 * y).astype(np.float32), pixel_size=2.0)


def drag(tools, tool, *places):
    """What the page tells while a shape is drawn."""
    tools._tool.value = tool
    for kind, place in (*(("drag", place) for place in places[1:]), ("drop", places[-1])):
        handler = tools._dragged if kind == "drag" else tools._dropped
        handler(FigureEvent(kind, "image", *place, start=places[0]))


def test_a_line_gives_its_profile(tools):
    drag(tools, "line", (10, 5), (30, 5))
    profile = tools.figure.select_one({"name": "profile"}).data
    assert np.asarray(profile["x"])[-1] == pytest.approx(40)  # Å
    assert np.asarray(profile["y"])[[0, -1]] == pytest.approx([10, 30])
    assert "20.0 px = 40.0 Å" in tools._told.value


def test_shapes_are_added_and_taken_away(tools):
    drag(tools, "circle", (40, 30), (50, 30))
    disc = tools.region.sum()
    assert disc == pytest.approx(np.pi * 100, rel=0.03)
    tools._subtract.value = True
    drag(tools, "rectangle", (0, 0), (39.5, 59))
    assert tools.region.sum() == pytest.approx(disc / 2, rel=0.1)
    tools.invert()
    assert not tools.region[30, 45]
    tools.clear()
    assert not tools.region.any()


def test_polygon_is_clicked_and_closed(tools):
    tools._tool.value = "polygon"
    with pytest.raises(ParameterError, match="three corners"):
        tools.close_polygon()
    for place in ((9.5, 9.5), (29.5, 9.5), (29.5, 19.5), (9.5, 19.5)):
        tools._tapped(FigureEvent("tap", "image", *place))
    tools.close_polygon()
    assert tools.region.sum() == 200


def test_free_hand_is_closed_by_letting_go(tools):
    drag(tools, "freehand", (10, 10), (30, 10), (30, 20), (10, 20))
    assert tools.region.sum() == pytest.approx(200, rel=0.15)


def test_threshold_takes_what_is_bright(tools):
    tools.set_threshold(70)
    assert tools.region.sum() == 60 * 10
    assert "mean 74.5" in tools._told.value


def test_bars_of_counted_electrons_are_of_one_width():
    counts = np.random.default_rng(1).poisson(50, 100_000).astype(float)
    edges = grey_edges(counts)
    assert set(np.diff(edges)) == {1.0}
    assert not np.isin(edges, np.rint(edges)).any()  # between whole numbers
    assert len(grey_edges(np.linspace(0, 1, 5000))) == 81
    assert (np.diff(grey_edges(np.full(10, 3.0))) > 0).all()


def test_mask_is_written_with_its_soft_edge(tools, tmp_path):
    with pytest.raises(ParameterError, match="region is empty"):
        tools.save(tmp_path / "mask.mrc")
    tools.add_circle((40, 30), 10)
    place = tools.save(tmp_path / "mask.mrc", soft_edge_px=4)
    mask = read_image(place)
    assert mask.shape == (60, 80)
    assert (mask[30, 40], mask[30, 50], mask[30, 54]) == pytest.approx((1, 1, 0), abs=1e-6)
    assert 0 < mask[30, 52] < 1
    assert read_header(place).pixel_size == 2.0
    with pytest.raises(ParameterError, match=r"end in \.mrc"):
        tools.save(tmp_path / "mask.tif")


def test_the_transform_says_resolutions(tools):
    tools._view.value = "power"
    tools._tapped(FigureEvent("tap", "image", 60.0, 30.0))  # a quarter of the sampling frequency along x
    assert "resolution 8.00 Å" in tools._told.value
