"""Voilà: the home page, the whole workflow, a job's notebook and a map, drawn without JupyterLab and without a network."""

from __future__ import annotations

import os
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
from tests.browser.conftest import CHROMIUM, TAKEN_AWAY, WEBGL

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
PICTURES = """from relionlab.widgets import ManualPicker, SliceView, SurfaceView
from IPython.display import display
display(ManualPicker("Micrographs", pixel_size=2.0), SliceView("map.mrc", pane=260), SurfaceView("map.mrc", width=420, height=300))"""
_ANOTHERS = ("jupyterlab_pyviz", "lab-extension", "module-federation", TAKEN_AWAY)
"""Words in what others' scripts complain of: two extensions want parts of JupyterLab that Voilà has not."""


class Shown:
    """A page, what went wrong in it, and what it wanted from outside."""

    def __init__(self, page, base: str) -> None:
        self.page, self.base = page, base
        self.wrong: list[str] = []
        self.outside: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append((error.stack or str(error))[:800]))
        page.on("console", lambda m: self.wrong.append(m.text[:1500]) if m.type == "error" else None)
        page.route("**/*", self._stay_here)

    def goto(self, path: str) -> None:
        self.page.goto(f"{self.base}{path}", timeout=90_000)

    def own_faults(self) -> list[str]:
        return [text for text in self.wrong if not any(word in text for word in _ANOTHERS)]

    def _stay_here(self, route) -> None:
        address = route.request.url
        if address.startswith((self.base, "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(address)
            route.abort()

    def picture(self, name: str) -> None:
        if folder := os.environ.get("RELIONLAB_SCREENSHOTS"):
            self.page.screenshot(path=str(Path(folder) / f"voila_{name}.png"))


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
def shown(folder, tmp_path_factory) -> Iterator[Callable[[str], Shown]]:
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

        def opened(name: str) -> Shown:
            made = Shown(browser.new_page(viewport={"width": 1366, "height": 768}), server.server.url.rstrip("/"))
            made.goto(f"/voila/render/{name}")
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
    home.picture("home")
    assert home.own_faults() == []
    assert home.outside == []


def test_whole_workflow_stands_there_and_says_what_is_missing(shown):
    notebook = shown("single_particle.ipynb")
    notebook.page.locator(".rl-stage").nth(18).wait_for(timeout=60_000)
    assert notebook.page.get_by_text("Local resolution waits for").count() == 1
    notebook.picture("workflow")
    assert notebook.own_faults() == []
    assert notebook.outside == []


def test_job_notebook_checks_what_is_typed_and_pictures_answer(shown, folder):
    notebook = shown("class2d.ipynb")
    page = notebook.page
    page.locator(".rl-form").first.wait_for(timeout=60_000)
    page.get_by_role("tab", name="Optimisation").click()
    page.locator(".rl-field-nr_classes input").first.fill("0")
    page.locator(".rl-field-nr_classes .rl-problem").get_by_text("it must").wait_for(timeout=30_000)
    notebook.picture("form")
    page.locator(".rl-map canvas").first.wait_for(timeout=30_000)
    page.locator("canvas").last.wait_for(timeout=30_000)  # the surface
    picture = page.locator(".bk-Figure").first
    picture.scroll_into_view_if_needed()
    picture.click()
    for _ in range(200):
        if list(folder.rglob("a*manualpick.star")):
            break
        page.wait_for_timeout(50)
    notebook.picture("pictures")
    assert list(folder.rglob("a*manualpick.star"))
    assert notebook.own_faults() == []
    assert notebook.outside == []


@pytest.mark.full
@pytest.mark.parametrize("name", sorted(path.name for path in (TEMPLATES / "jobs").glob("*.ipynb")))
def test_notebook_of_each_job_shows_its_form(shown, name):
    notebook = shown(name)
    notebook.page.locator(".rl-form .rl-title").first.wait_for(timeout=60_000)
    notebook.page.wait_for_timeout(1000)
    notebook.picture(f"job_{name.partition('.')[0]}")
    assert notebook.page.get_by_text("Traceback").count() == 0
    assert notebook.own_faults() == []
    assert notebook.outside == []
