"""Wizards in a real browser: what is dragged in the picture stands in the form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import write_map, write_stack
from relionlab.io.star import write_star
from relionlab.io.table import Table

BOX, PIXEL_SIZE = 48, 4.0
CELLS = [
    """from relionlab.jobs import Class2D, MaskCreate
from relionlab.project import Project
from relionlab.widgets import JobForm
from relionlab.widgets.forms.wizards import wizard_for
project = Project.create('wizards')
form = JobForm(Class2D(fn_img='particles.star', particle_diameter=120), project=project)
wizard = wizard_for(Class2D, 'particle_diameter')(form)
wizard""",
    """mask_form = JobForm(MaskCreate(fn_in='map.mrc', inimask_threshold=0.3), project=project)
mask = wizard_for(MaskCreate, 'inimask_threshold')(mask_form)
mask""",
]


def _inputs(place: Path) -> None:
    axes = np.mgrid[:BOX, :BOX, :BOX] - BOX // 2
    ball = np.exp(-(axes**2).sum(axis=0) / 80.0).astype(np.float32)
    place.mkdir()
    write_map(place / "map.mrc", ball, pixel_size=PIXEL_SIZE)
    write_stack(place / "stack.mrcs", np.stack([ball.sum(axis=0)] * 12), pixel_size=PIXEL_SIZE)
    optics = {"rlnOpticsGroup": [1], "rlnOpticsGroupName": ["a"], "rlnImagePixelSize": [PIXEL_SIZE]}
    rows = {"rlnImageName": [f"{n + 1:06d}@stack.mrcs" for n in range(12)], "rlnOpticsGroup": [1] * 12}
    write_star(place / "particles.star", [Table(optics, name="optics"), Table(rows, name="particles")])


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    """A notebook with two wizards whose pictures are there."""
    _inputs(lab_directory / "wizards")
    opened = open_cells("wizards", *CELLS)
    assert opened.python("print(wizard.wait(), mask.wait())") == "True True"
    opened.page.locator(".rl-wizard .bk-Figure").nth(2).wait_for(timeout=60_000)
    return opened


def drag(notebook, figure, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag with the mouse from one place of a figure to another, both as shares of its width and height."""
    figure.scroll_into_view_if_needed()
    box, mouse = figure.bounding_box(), notebook.page.mouse
    places = np.linspace(start, end, 12) * (box["width"], box["height"]) + (box["x"], box["y"])
    mouse.move(*places[0])
    mouse.down()
    for place in places:
        mouse.move(*place)
    mouse.up()


def test_the_circle_is_dragged_and_the_form_says_so(notebook):
    figure = notebook.page.locator(".rl-wizard").nth(0).locator(".bk-Figure").first
    drag(notebook, figure, (1 / 6 + 0.1, 1 / 4), (1 / 6 + 0.125, 1 / 4))  # of the first of three by two tiles
    wanted = 2 * 0.125 * 3 * BOX * PIXEL_SIZE
    # the form follows the hand on its way, so that the end of the drag is what is waited for
    notebook.until(lambda: abs(float(notebook.python("print(form.job.particle_diameter)")) - wanted) <= 6)
    shown = notebook.page.locator(".rl-field-particle_diameter input").first
    assert shown.count() == 0 or float(shown.input_value()) == pytest.approx(wanted, abs=4)
    notebook.picture("wizard_mask_diameter")


def test_the_slider_answers_to_the_keyboard(notebook):
    handle = notebook.page.locator(".rl-wizard").nth(0).locator(".noUi-handle").first
    handle.focus()
    before = float(handle.get_attribute("aria-valuenow"))  # where the slider stands: the form's number follows it
    for _ in range(5):
        handle.press("ArrowRight")
    notebook.until(lambda: float(handle.get_attribute("aria-valuenow")) > before)
    notebook.until(
        lambda: (
            float(notebook.python("print(form.job.particle_diameter)")) == float(handle.get_attribute("aria-valuenow"))
        )
    )


def test_the_threshold_is_dragged_over_the_histogram_and_the_mask_follows(notebook):
    covered = "print(int((mask.live._named('mask').data['image'][0] > 0).sum()))"
    before = int(notebook.python(covered))
    histogram = notebook.page.locator(".rl-wizard").nth(1).locator(".bk-Figure").nth(1)
    drag(notebook, histogram, (0.45, 0.4), (0.8, 0.4))
    notebook.until(lambda: float(notebook.python("print(mask_form.job.inimask_threshold)")) > 0.5)
    assert int(notebook.python(covered)) < before
    notebook.picture("wizard_mask")


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
