"""The home page in a real browser: from an empty folder to the form of a 2D classification, by clicks alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relionlab.io.images import write_stack
from relionlab.project import Project
from tests.browser.decisions import RUN, open_home
from tests.particle_text import particle_text

COUNT = 60
_PRESSED = """() => {
  const press = new KeyboardEvent("keydown", { key: "f", ctrlKey: true, bubbles: true, cancelable: true });
  document.querySelector(".rl-jobs input").dispatchEvent(press);
  return document.activeElement.closest(".rl-palette") !== null;
}"""
"""Opens the palette by its key; whether it has the focus at once."""


@pytest.fixture(scope="module")
def folder(lab_directory: Path) -> Path:
    """A folder with particles in it that is no project yet."""
    made = lab_directory / "mine"
    made.mkdir()
    images = np.random.default_rng(1).normal(size=(COUNT, 48, 48)).astype(np.float32)
    write_stack(made / "stack.mrcs", images, pixel_size=4.0)
    names = [f"mic{n % 3}" for n in range(COUNT)]
    (made / "particles.star").write_text(particle_text(names, pixel_size=4.0, box=48))
    return made


@pytest.fixture(scope="module")
def notebook(folder: Path, open_cells):
    """The home page of that folder."""
    opened = open_home(folder, open_cells)
    opened.picture("home_start")
    return opened


def test_particles_are_imported_and_their_classification_is_offered(notebook, folder):
    page, decisions = notebook.page, 0
    assert not (folder / "default_pipeline.star").exists()  # looking has written nothing
    page.locator('.rl-choices [data-key="particles"]').click()
    decisions += 1
    page.get_by_role("button", name=RUN).wait_for(timeout=60_000)
    notebook.picture("home_import")
    page.get_by_role("button", name=RUN).click()
    decisions += 1
    page.get_by_role("button", name="2D classification").wait_for(timeout=90_000)
    notebook.picture("home_imported")
    page.get_by_role("button", name="2D classification").click()
    decisions += 1
    page.get_by_role("tab", name="New Class2D").wait_for(timeout=60_000)
    page.get_by_role("button", name=RUN).wait_for(timeout=60_000)
    notebook.picture("home_class2d")
    assert notebook.python("print(home.tabs.widget(home.tabs.current).job.fn_img)") == "Import/job001/particles.star"
    assert notebook.python("print(home.tabs.widget(home.tabs.current).problems())") == "[]"
    assert decisions < 8  # Run is the next one, and the averages arrive in the page


def test_keys_open_the_palette_and_choose(notebook):
    page = notebook.page
    page.locator(".rl-jobs input").click()
    assert page.evaluate(_PRESSED)  # what is typed next is typed there
    page.keyboard.press("Escape")
    page.locator(".rl-palette input").wait_for(state="hidden", timeout=20_000)
    page.locator(".rl-jobs input").click()
    page.keyboard.press("Control+f")
    page.locator(".rl-palette input").wait_for(state="visible", timeout=20_000)
    notebook.picture("home_palette")
    page.keyboard.type("flow")
    page.keyboard.press("Enter")
    page.locator('.rl-job[data-job="Import/job001"]').wait_for(timeout=30_000)
    notebook.picture("home_graph")
    page.locator('.rl-job[data-job="Import/job001"]').click()
    page.locator(".rl-job-line.rl-current").wait_for(timeout=30_000)
    assert page.locator(".rl-job-line.rl-current").get_attribute("data-name") == "Import/job001"


def test_letters_typed_in_the_page_are_no_commands_of_the_notebook(notebook):
    page = notebook.page
    page.locator(".rl-job-line").first.focus()
    for key in ("x", "d", "d", "b"):
        page.keyboard.press(key)
    cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    assert page.evaluate(cells) == 1
    assert page.locator(".rl-home").is_visible()


def test_page_of_another_kernel_opens_what_was_open(notebook):
    titles = notebook.page.locator(".rl-tab span").all_inner_texts()
    notebook.python("home.close()")
    notebook.run_cell(0)
    notebook.until(lambda: notebook.page.locator(".rl-tab span").all_inner_texts() == titles)


def test_cell_that_is_run_again_leaves_no_other_home_behind(notebook):
    notebook.python("before = home")
    notebook.run_cell(0)
    notebook.until(lambda: notebook.python("print(before.comm, home is before)") == "None False", seconds=60)


def test_project_is_relions_and_nothing_went_wrong(notebook, folder):
    assert [job.name for job in Project.open(folder).jobs()] == ["Import/job001"]
    notebook.nothing_wrong()
