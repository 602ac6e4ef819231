"""A Bokeh figure that changes in place, in a real browser: data, properties, taps, drags and keys."""

from __future__ import annotations

from pathlib import Path

import pytest

CELL = """import numpy as np
from bokeh.layouts import row
from bokeh.models import ColumnDataSource, LinearColorMapper, Span
from bokeh.plotting import figure
from relionlab.widgets.parts.live_figure import LiveFigure

left = figure(name='left', width=420, height=420, x_range=(0, 100), y_range=(0, 100), tools='pan,wheel_zoom')
image = ColumnDataSource({'image': [np.zeros((50, 50), np.uint8)]}, name='image')
left.image('image', source=image, x=0, y=0, dw=100, dh=100, color_mapper=LinearColorMapper('Greys256', low=0, high=255))
picks = ColumnDataSource({'x': [10.0], 'y': [20.0]}, name='picks')
left.scatter('x', 'y', source=picks, size=12, color='#e69f00', name='points')
right = figure(name='right', width=420, height=420, x_range=(0, 1), y_range=(0, 10))
right.add_layout(Span(name='threshold', location=0.5, dimension='height', line_width=2))
live = LiveFigure(row(left, right), handles=['threshold', 'points'], keys=['Delete', 'd', 'ctrl+z'], ranges=True)
heard = []
for kind in ('tap', 'drag', 'drop', 'key', 'range'):
    live.on(kind, heard.append)
live"""

_AT = """([name, x, y]) => {
  const found = [];
  const walk = (v) => v.frame && v.canvas_view ? found.push(v) : (v.child_views ?? []).forEach(walk);
  for (const view of Object.values(Bokeh.index)) walk(view);
  const plot = found.find((v) => v.model.name === name);
  const box = plot.canvas_view.el.getBoundingClientRect();
  return [box.left + plot.frame.x_scale.compute(x), box.top + plot.frame.y_scale.compute(y)];
}"""
_MODEL = "([name, what]) => Bokeh.documents.map(d => d.get_model_by_name(name)).find(m => m)[what]"


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    opened = open_cells("live", CELL, "live", run=1)
    opened.page.locator(".rl-live[data-ready]").wait_for(timeout=60_000)
    assert opened.cell_errors() == []
    return opened


def at(notebook, figure: str, x: float, y: float) -> tuple[float, float]:
    """Where a place of a figure lies on the screen."""
    return tuple(notebook.page.evaluate(_AT, [figure, x, y]))


def test_data_and_properties_change_in_place(notebook):
    notebook.python("live.data('picks', x=np.arange(5.0), y=np.arange(5.0) * 2); live.set('threshold', location=0.3)")
    notebook.python("live.data('image', image=np.full((50, 50), 200, np.uint8))")
    page = notebook.page
    notebook.until(lambda: page.evaluate(f"Array.from(({_MODEL})(['picks', 'data']).y).join()") == "0,2,4,6,8")
    notebook.until(lambda: page.evaluate(_MODEL, ["threshold", "location"]) == 0.3)
    notebook.until(lambda: page.evaluate(f"({_MODEL})(['image', 'data']).image[0].shape.join()") == "50,50")
    notebook.picture("live_figure")


def test_fast_taps_are_all_told_with_their_places(notebook):
    notebook.python("heard.clear()")
    for index in range(16):
        notebook.page.mouse.click(*at(notebook, "left", 20 + 4 * index, 50))
    notebook.until(lambda: notebook.python("print(len([e for e in heard if e.type == 'tap']))") == "16")
    far = "print(max(abs(e.x - 20 - 4 * i) for i, e in enumerate(heard)) < 0.5, {e.figure for e in heard})"
    assert notebook.python(far) == "True {'left'}"


def test_a_span_follows_the_pointer_and_is_told(notebook):
    notebook.python("heard.clear()")
    mouse = notebook.page.mouse
    mouse.move(*at(notebook, "right", 0.3, 5))
    mouse.down()
    for step in range(10):
        mouse.move(*at(notebook, "right", 0.3 + 0.05 * step, 5))
    mouse.up()
    notebook.until(lambda: notebook.python("print(heard[-1].type)") == "drop")
    said = "print([e.hit for e in heard if e.type == 'drop'], round(heard[-1].x, 2), round(heard[-1].start[0], 2))"
    assert notebook.python(said) == "['threshold'] 0.75 0.3"
    assert notebook.page.evaluate(_MODEL, ["threshold", "location"]) == pytest.approx(0.75, abs=0.01)
    assert notebook.python("print(live.figure.select_one({'name': 'right'}).x_range.start)") == "0"  # it was not panned


def test_a_point_is_dragged(notebook):
    notebook.python("heard.clear(); live.data('picks', x=[10.0, 60.0], y=[20.0, 60.0])")
    notebook.until(lambda: notebook.page.evaluate(f"Array.from(({_MODEL})(['picks', 'data']).y).join()") == "20,60")
    mouse = notebook.page.mouse
    mouse.move(*at(notebook, "left", 60, 60))
    mouse.down()
    mouse.move(*at(notebook, "left", 70, 65))
    mouse.move(*at(notebook, "left", 80, 70))
    mouse.up()
    notebook.until(lambda: notebook.python("print(bool(heard) and heard[-1].type)") == "drop")
    assert notebook.python("print(heard[-1].index, round(heard[-1].x), round(heard[-1].y))") == "1 80 70"


def test_keys_are_told_and_kept_from_the_notebook(notebook):
    notebook.python("heard.clear()")
    for key in ("Delete", "d", "d", "Control+z"):
        notebook.page.keyboard.press(key)
    notebook.until(lambda: notebook.python("print(len([e for e in heard if e.type == 'key']))") == "4")
    assert notebook.python("print([e.key for e in heard if e.type == 'key'])") == "['Delete', 'd', 'd', 'ctrl+z']"
    assert notebook.page.locator(".jp-CodeCell").count() == 2  # `d d` deletes a cell elsewhere


def test_a_place_made_later_shows_the_present_state(notebook):
    notebook.python("live.data('picks', x=[1.0, 2.0, 3.0], y=[3.0, 4.0, 5.0])")
    notebook.run_cell(1)  # the same figure, in a second place
    notebook.until(lambda: notebook.page.locator(".bk-Figure").count() == 4)
    every = "Array.from(Bokeh.documents.map(d => d.get_model_by_name('picks').data.x.length)).join()"
    notebook.until(lambda: notebook.page.evaluate(every) == "3,3")
    notebook.python("live.data('picks', x=[7.0], y=[8.0])")
    notebook.until(lambda: notebook.page.evaluate(every) == "1,1")


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
