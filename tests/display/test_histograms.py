"""Histograms and the axes of charts: bars that stack, counts in whole numbers, logarithmic axes with labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from relionlab.display.course_charts import motion_chart, motion_errors_chart
from relionlab.display.course_report import Figure, _in_rows
from relionlab.display.histograms import bar_edges, histogram
from relionlab.display.picks import merit_histogram
from relionlab.display.picture import Picture
from relionlab.display.render import to_bokeh, to_matplotlib
from relionlab.display.style import dots, log_scale, panel
from relionlab.display.words import many, verb
from relionlab.engine.picking import Picks


def test_counts_have_whole_ticks_in_page_and_pdf():
    drawn = histogram(np.array([1.0, 2.0, np.nan]), ("size", "Size"), "Things", mark=1.5)
    model = to_bokeh(drawn)
    assert model.left[0].ticker.min_interval == 1
    assert model.left[0].axis_label == "Things"
    ticks = to_matplotlib(drawn).axes[0].get_yticks()
    assert np.allclose(ticks, np.round(ticks))


def test_parts_are_stacked():
    drawn = histogram([("a", np.array([1.0, 1.0]), "#0072B2"), ("b", np.array([1.0]), "#D55E00")], ("x", "X"), "N")
    figure = to_matplotlib(drawn)
    heights = [patch.get_height() for patch in figure.axes[0].patches]
    assert max(heights) == 3
    assert 1 in heights


@pytest.mark.parametrize("values", [[], [2.0], [np.nan, 1.0, 5.0], list(range(500))])
def test_bars_hold_all_values(values: list[float]):
    edges = bar_edges(np.array(values, dtype=float))
    assert 5 <= len(edges) - 1 <= 40
    finite = np.array(values)[np.isfinite(values)] if values else np.zeros(0)
    assert np.histogram(finite, edges)[0].sum() == len(finite)


def test_logarithmic_axes_are_labelled_below_one_too():
    scale = log_scale(np.array([0.12, 3.4, 0.0, np.nan]))
    assert [label for _, label in scale["yticks"]] == ["0.1", "0.2", "0.5", "1", "2", "5"]
    assert scale["ylim"][0] < 0.1 < 5 < scale["ylim"][1]
    assert log_scale(np.zeros(3))["yticks"]


def test_captions_follow_what_is_drawn():
    assert "e/Å²" not in motion_chart(np.array([4.0, 5.0]), None).caption
    assert "first 4 e/Å²" in motion_chart(np.array([4.0, 5.0]), np.array([1.0, 2.0])).caption
    model = to_bokeh(motion_errors_chart(np.array([0.2]), np.array([0.1]), np.array([3.0])))
    assert model.below[0].ticker.min_interval == 1
    one = merit_histogram([replace(Picks.at(np.zeros((1, 2))), fom=np.ones(1))], threshold=0.1, scale="In steps.")
    assert one.caption.startswith("1 automatic pick. In steps. The dashed line is the threshold, 0.1.")


def test_no_row_of_the_page_has_a_gap():
    chart = Picture(panel(dots(np.arange(3), np.arange(3), ("x", "y"))), "Chart")
    image = Picture(panel(dots(np.arange(3), np.arange(3), ("x", "y"))), "Image")
    placed = _in_rows((Figure(chart), Figure(image, "image", half=True), Figure(image, "image", half=True)))
    assert [one.half for one in placed] == [False, True, True]
    placed = _in_rows((Figure(chart), Figure(image, "image", half=True), Figure(image, "drawing"), Figure(chart)))
    assert [one.half for one in placed] == [True, True, False, False]
    assert placed[0].height == placed[1].height


def test_numbers_and_their_nouns_agree():
    assert many(1, "particle") == "1 particle"
    assert many(0, "box", "boxes") == "0 boxes"
    assert many(12345, "pick") == "12,345 picks"
    assert [verb(count, "is", "are") for count in (0, 1, 2)] == ["are", "is", "are"]
