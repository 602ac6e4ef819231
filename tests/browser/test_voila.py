"""Voilà: the home page, the whole workflow, a job's notebook and a map, drawn without JupyterLab and without a network."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest

from relionlab.io.images import write_map, write_stack
from relionlab.lab.home_notebook import template
from relionlab.lab.process import LabProcess
from relionlab.project import Project
from tests.browser.conftest import CHROMIUM, WEBGL, Watched

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
PICTURES = """from relionlab.widgets import ManualPicker, SliceView, SurfaceView
from IPython.display import display
display(ManualPicker("Micrographs", pixel_size=2.0), SliceView("map.mrc", pane=260), SurfaceView("map.mrc", width=420, height=300))"""
_ANOTHERS = ("jupyterlab_pyviz", "lab-extension", "module-federation")
"""Words in what others' scripts complain of: two extensions want parts of JupyterLab that Voilà has not."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A project with the notebooks in it, one of them with pictures."""
    made = tmp_path_factory.mktemp("voila")
    Project.create(made)
    shutil.copyfile(TEMPLATES / "single_particle.ipynb", made / "single_particle.ipynb")
    (made / "home.ipynb").write_text(template())
    noise = np.random.default_rng(1)
    (made / "Micrographs").mkdir()
    write_stack(made / "Micrographs" / "a.mrc", noise.normal(size=(1, 512, 512)).astype(np.float32), pixel_size=2.0)
    z, y, x = np.mgrid[-16:16, -16:16, -16:16]
    write_map(made / "map.mrc", np.exp(-(z**2 + y**2 + x**2) / 60).astype(np.float32), pixel_size=2.0)
    for notebook in (TEMPLATES / "jobs").glob("*.ipynb"):
        shutil.copyfile(notebook, made / notebook.name)
    job = nbformat.read(TEMPLATES / "jobs" / "class2d.ipynb", as_version=4)
    job.cells.append(nbformat.v4.new_code_cell(PICTURES, id="pictures"))
    nbformat.write(job, made / "class2d.ipynb")
    return made


@pytest.fixture(scope="module")
def shown(folder, tmp_path_factory) -> Iterator[Callable[[str], Watched]]:
    """A function that opens a notebook of the folder in Voilà, with our page, as others would start it."""
    pytest.importorskip("voila")
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium, or name it in RELIONLAB_CHROMIUM)")
    playwright = pytest.importorskip("playwright.sync_api")
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    server = _voila_on(folder, patch)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=WEBGL, headless=True)

        def opened(name: str) -> Watched:
            made = Watched(browser.new_page(viewport={"width": 1366, "height": 768}), server.server.url.rstrip("/"))
            made.page.goto(f"{made.base}/voila/render/{name}", timeout=90_000)
            return made

        yield opened
        browser.close()
    server.stop()
    patch.undo()


def _voila_on(folder: Path, patch: pytest.MonkeyPatch) -> LabProcess:
    """Start Voilà as `voila --template=relionlab FOLDER` does, all extensions included."""
    from relionlab.lab import process

    def command(place: Path, *, ip: str, port: int) -> list[str]:
        own = (f"--Voila.ip={ip}", f"--port={port}", "--template=relionlab", "--no-browser")
        return [sys.executable, "-P", "-m", "voila", str(place), *own]

    patch.setattr(process, "app_command", command)
    return LabProcess.start_app(folder, ".", port=21_200)


def test_home_page_opens_a_form(shown):
    home = shown("home.ipynb")
    home.page.locator(".rl-choices button").first.wait_for(timeout=60_000)
    home.page.locator('.rl-choices [data-key="particles"]').click()
    home.page.locator(".rl-form").first.wait_for(timeout=30_000)
    home.picture("voila_home")
    home.nothing_wrong(*_ANOTHERS)


def test_whole_workflow_stands_there_and_says_what_is_missing(shown):
    notebook = shown("single_particle.ipynb")
    notebook.page.locator(".rl-stage").nth(18).wait_for(timeout=60_000)
    assert notebook.page.get_by_text("Local resolution waits for").count() == 1
    notebook.picture("voila_workflow")
    notebook.nothing_wrong(*_ANOTHERS)


def test_job_notebook_checks_what_is_typed_and_pictures_answer(shown, folder):
    notebook = shown("class2d.ipynb")
    page = notebook.page
    page.locator(".rl-form").first.wait_for(timeout=60_000)
    page.get_by_role("tab", name="Optimisation").click()
    page.locator(".rl-field-nr_classes input").first.fill("0")
    page.locator(".rl-field-nr_classes .rl-problem").get_by_text("it must").wait_for(timeout=30_000)
    notebook.picture("voila_form")
    page.locator(".rl-map canvas").first.wait_for(timeout=30_000)
    page.locator("canvas").last.wait_for(timeout=30_000)  # the surface
    page.locator(".rl-micrograph[data-ready]").wait_for(timeout=60_000)
    picture = page.locator(".bk-Figure").first
    picture.scroll_into_view_if_needed()
    picture.click()
    notebook.until(lambda: bool(list(folder.rglob("a*manualpick.star"))), seconds=60)
    notebook.picture("voila_pictures")
    notebook.nothing_wrong(*_ANOTHERS)


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(path.name for path in (TEMPLATES / "jobs").glob("*.ipynb")))
def test_notebook_of_each_job_shows_its_form(shown, name):
    notebook = shown(name)
    notebook.page.locator(".rl-form .rl-title").first.wait_for(timeout=60_000)
    notebook.page.wait_for_timeout(1000)
    notebook.picture(f"voila_job_{name.partition('.')[0]}")
    assert notebook.page.get_by_text("Traceback").count() == 0
    notebook.nothing_wrong(*_ANOTHERS)
