"""Regions drawn by hand, their soft edges, and profiles along lines."""

from __future__ import annotations

import numpy as np
import pytest

from relionlab.engine.regions import (
    circle_region,
    line_profile,
    polygon_region,
    rectangle_region,
    soft_edged,
    threshold_region,
)


def test_circle_and_rectangle_hold_their_pixels():
    disc = circle_region((40, 60), (30, 20), 10)
    assert disc.sum() == pytest.approx(np.pi * 100, rel=0.03)
    assert disc[20, 40]
    assert not disc[20, 41]
    box = rectangle_region((40, 60), (50, 30), (11, 5))
    assert box.sum() == 40 * 26
    assert box[5, 11]
    assert not box[4, 11]


def test_polygon_is_filled_by_the_even_odd_rule():
    square = polygon_region((20, 30), np.array([[4.5, 2.5], [14.5, 2.5], [14.5, 12.5], [4.5, 12.5]]))
    assert square.sum() == 100
    assert square[3:13, 5:15].all()
    triangle = polygon_region((101, 101), np.array([[0, 0], [100, 0], [0, 100]]))
    assert triangle.sum() == pytest.approx(5000, rel=0.03)
    assert not polygon_region((20, 20), np.array([[1, 1], [5, 5]])).any()


def test_a_circle_as_a_polygon_is_the_circle():
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    points = np.stack([30 + 12 * np.cos(turn), 25 + 12 * np.sin(turn)], axis=1)
    assert (polygon_region((50, 60), points) ^ circle_region((50, 60), (30, 25), 12)).sum() <= 8


def test_threshold_keeps_the_largest_part_and_fills_it():
    image = np.zeros((30, 30))
    image[5:15, 5:15] = 1
    image[9:11, 9:11] = 0
    image[20:23, 20:23] = 1
    assert threshold_region(image, 0.5).sum() == 100 - 4 + 9
    largest = threshold_region(image, 0.5, largest_only=True)
    assert largest.sum() == 100
    assert not largest[21, 21]


def test_soft_edge_falls_to_zero_at_its_width():
    mask = soft_edged(circle_region((64, 64), (32, 32), 10), 6)
    assert mask.dtype == np.float32
    row = mask[32, 32:]
    assert (row[:11] == 1).all()
    assert row[13] == pytest.approx(0.5, abs=0.01)
    assert row[16] == pytest.approx(0, abs=1e-6)
    assert (np.diff(row) <= 0).all()


def test_profile_follows_the_line():
    y, x = np.mgrid[:30, :40]
    image = 2.0 * x + 3.0 * y
    distance, values = line_profile(image, (5, 4), (15, 4))
    assert distance[-1] == pytest.approx(10)
    assert values == pytest.approx(2 * np.linspace(5, 15, 11) + 12)
    distance, values = line_profile(image, (3, 4), (9, 12), width_px=3)
    assert distance[-1] == pytest.approx(10)
    assert values[0] == pytest.approx(18)
    assert values[-1] == pytest.approx(54)
    assert np.isnan(line_profile(image, (-5, 3), (5, 3))[1][0])
