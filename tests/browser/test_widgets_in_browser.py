"""The widgets in a real browser, without a job that computes: fast answers, and no errors in the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

CELLS = [
    """import numpy as np
from relionlab.display import ClassAverages, class_averages
from relionlab.jobs.importing.job import Import
from relionlab.project import Project
from relionlab.widgets import ClassGallery, JobForm
project = Project.create('project')
form = JobForm(Import(do_raw=False, do_other=True, fn_in_other='particles.star'), project=project)
form""",
    """rng = np.random.default_rng(1)
images = rng.normal(size=(12, 32, 32))
averages = ClassAverages.from_arrays(images, pixel_size=4.0, counts=np.arange(12, 0, -1) * 10)
gallery = ClassGallery(averages)
gallery""",
    "class_averages(averages)",
]


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    """A notebook with a form, a gallery and a picture, all cells run."""
    opened = open_cells("widgets", *CELLS)
    opened.picture("widgets_run")
    assert opened.cell_errors() == []
    opened.page.locator(".bk-Figure").first.wait_for(timeout=60_000)
    assert opened.cell_errors() == []
    return opened


def test_form_has_tabs_units_and_messages(notebook):
    page = notebook.page
    page.locator(".rl-form").first.scroll_into_view_if_needed()
    page.get_by_role("tab", name="Movies/mics").click()
    row = page.locator(".rl-field-angpix")
    assert row.locator(".rl-unit").inner_text() == "Å"
    assert row.locator("input").first.is_disabled()  # raw images are not imported, so their pixel size does not apply
    page.locator(".rl-field-do_raw input").check()
    page.locator(".rl-field-do_raw").page.wait_for_function(
        "() => !document.querySelector('.rl-field-angpix input').disabled"
    )
    row.locator("input").first.fill("-3")
    row.get_by_text("it must lie between").wait_for(timeout=30_000)
    notebook.picture("form_invalid")
    row.locator("input").first.fill("0.85")
    row.get_by_text("it must lie between").wait_for(state="detached", timeout=30_000)
    assert notebook.python("print(form.job.angpix)") == "0.85"


def test_click_is_seen_in_python(notebook):
    page = notebook.page
    tiles = page.locator(".rl-class")
    tiles.first.scroll_into_view_if_needed()
    tiles.nth(0).click()
    tiles.nth(2).click(modifiers=["Shift"])
    notebook.until(lambda: notebook.python("print(gallery.selected)") == "(1, 2, 3)")
    assert page.locator(".rl-class.rl-chosen").count() == 3
    page.get_by_text("330").first.wait_for(timeout=30_000)
    page.get_by_role("button", name="Invert").click()
    notebook.until(lambda: page.locator(".rl-class.rl-chosen").count() == 9)
    notebook.picture("gallery")
    page.get_by_role("button", name="None").click()
    notebook.until(lambda: notebook.python("print(gallery.selected)") == "()")


def test_fast_clicks_are_not_lost(notebook):
    tiles = notebook.page.locator(".rl-class")
    boxes = [tiles.nth(index).bounding_box() for index in range(8)]
    for box in boxes:
        notebook.page.mouse.click(box["x"] + 40, box["y"] + 40)
    notebook.until(lambda: notebook.python("print(len(gallery.selected))") == "8")


def test_choice_made_in_python_is_seen_in_the_page(notebook):
    notebook.python("gallery.select([2, 5])")
    notebook.until(lambda: notebook.page.locator(".rl-class.rl-chosen").count() == 2)
    numbers = notebook.page.locator(".rl-class.rl-chosen").evaluate_all("all => all.map(e => Number(e.dataset.number))")
    assert sorted(numbers) == [2, 5]


def test_click_is_answered_at_once(notebook):
    """The mark appears within the page, without asking Python; the count comes from Python."""
    delays = notebook.page.evaluate(
        """async () => {
          const tiles = document.querySelectorAll('.rl-class');
          const label = () => [...document.querySelectorAll('.rl-gallery b')].map(e => e.textContent).join();
          const found = [];
          for (const tile of tiles) {
            const before = label(), start = performance.now();
            tile.click();
            const marked = performance.now() - start;
            while (label() === before && performance.now() - start < 3000) await new Promise(r => setTimeout(r, 2));
            found.push([marked, performance.now() - start]);
          }
          return found;
        }"""
    )
    marks, counts = np.array(delays).T
    print(
        f"mark: median {np.median(marks):.1f} ms; count: median {np.median(counts):.0f} ms, most {counts.max():.0f} ms"
    )
    assert counts.max() < 3000  # every click came back, none was lost


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.picture("picture")
    notebook.nothing_wrong()
