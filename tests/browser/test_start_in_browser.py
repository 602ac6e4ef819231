"""`relionlab lab` in a real browser: the page comes by itself, comes back by itself, and files open in it by a double click."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import CHROMIUM, FLAGS, Watched
from tests.linked_project import make_project

JOB = "Class2D/job003"


class Started(Watched):
    """The page of a `relionlab lab`, and which lists it read into the browser."""

    def __init__(self, page: Any, address: str) -> None:
        super().__init__(page, address.partition("/lab")[0])
        self.read: list[str] = []
        page.on("request", lambda asked: self._asked(asked.url))
        self.said: list[bytes] = []
        page.on("websocket", lambda socket: socket.on("framesent", self._sent))

    def _sent(self, frame: str | bytes) -> None:
        content = frame.encode() if isinstance(frame, str) else frame
        if b'"msg_type":"comm_msg"' in content:
            self.said.append(content)

    def _asked(self, url: str) -> None:
        if "/api/contents/" in url and re.search(r"\.(star|mrcs?)\?.*content=1", url):
            self.read.append(url)

    def double_click(self, *names: str) -> None:
        """Go from folder to folder of JupyterLab's list of files, and open the last name."""
        files = self.page.locator(".jp-FileBrowser:visible")
        if not files.count():
            self.page.locator('.jp-SideBar [data-id="filebrowser"]').click()
        files.locator(".jp-BreadCrumbs-home").first.click()
        for name in names:
            files.locator(f'.jp-DirListing-item:has-text("{name}")').first.dblclick()

    def tab(self, title: str) -> Any:
        """Return the tab of the home page with this title."""
        return self.page.locator(f'.rl-tab:has-text("{title}")').first


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address that `relionlab lab` prints, of a small project."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium, or name it in RELIONLAB_CHROMIUM)")
    own = tmp_path_factory.mktemp("own")
    folder = tmp_path_factory.mktemp("started") / "project"
    make_project(folder)
    places = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    environment = {**os.environ, **{f"JUPYTER_{name}": str(own / place) for name, place in places.items()}}
    environment |= {"JUPYTERLAB_SETTINGS_DIR": str(own / "user"), "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces")}
    environment |= {"XDG_STATE_HOME": str(own / "state"), "IPYTHONDIR": str(own / "ipython"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "relionlab", "lab", str(folder), "--no_browser", "--port", "8700"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield next(found[0] for line in process.stdout if (found := re.search(r"http\S+", line)))
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def started(address: str) -> Iterator[Started]:
    """Its page in a browser."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS, headless=True)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        opened = Started(page, address)
        page.goto(address)
        yield opened
        browser.close()


def test_the_page_comes_by_itself_and_leads_to_the_classes(started):
    page = started.page
    tabs = page.locator(".rl-tab")
    page.locator('.rl-job-line[data-name="CtfFind/job001"]').click(timeout=60_000)
    started.tab("CtfFind").wait_for(timeout=30_000)
    assert tabs.count() == 1
    page.locator(f'.rl-job-line[data-name="{JOB}"]').click()
    started.tab("Class2D").wait_for(timeout=30_000)
    assert tabs.count() == 1
    page.locator(".rl-views button", has_text="Choose classes").click()
    started.tab("Choose classes").wait_for(timeout=30_000)
    assert page.locator(".rl-tab.rl-preview").count() == 0  # something was done in the job's page
    page.get_by_role("button", name="Save selection").locator("visible=true").first.wait_for(timeout=30_000)
    started.picture("start_classes")


def test_a_click_at_the_left_edge_reaches_the_page(started):
    # JupyterLab lays a strip over outputs there, where a click shrinks the output to a small box that scrolls
    hit = """() => { const box = document.querySelector(".rl-home").getBoundingClientRect();
      return Boolean(document.elementFromPoint(box.x + 6, box.y + box.height / 2).closest(".rl-home")); }"""
    assert started.page.evaluate(hit)


def test_a_restart_of_the_kernel_brings_the_page_back(started):
    page = started.page
    page.locator(".rl-home").evaluate("(element) => element.setAttribute('data-before', 'restart')")
    page.locator("#jp-MainMenu").get_by_text("Kernel", exact=True).click()
    page.get_by_text("Restart Kernel…", exact=True).click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".rl-home:not([data-before])").wait_for(timeout=120_000)
    started.tab("Choose classes").wait_for(timeout=30_000)
    started.picture("start_again")


def test_the_page_that_is_loaded_again_answers(started):
    page = started.page
    page.reload()
    started.tab("Class2D").click(timeout=120_000)
    page.locator(".rl-panels button", has_text="Note").locator("visible=true").click()
    page.get_by_role("button", name="Add").locator("visible=true").wait_for(timeout=60_000)


def test_a_double_click_opens_a_list_in_the_page_without_reading_it_into_the_browser(started):
    started.double_click("CtfFind", "job001", "micrographs_ctf.star")
    started.tab("micrographs_ctf.star").wait_for(timeout=30_000)
    started.page.get_by_role("button", name="CTF").locator("visible=true").first.wait_for(timeout=30_000)
    started.picture("start_file")
    assert started.read == []


def test_what_is_clicked_goes_to_no_shell_that_may_be_gone(started):
    # ipykernel sends a widget's messages to the subshell that its last news came from, also after JupyterLab has closed it
    assert started.said
    assert not [said for said in started.said if b'"subshell_id":"' in said]


def test_nothing_went_wrong_and_nothing_left_the_machine(started):
    started.until(lambda: started.page.locator("text=Opens in the home page").count() == 0)
    started.nothing_wrong()


def test_a_double_click_opens_the_page_too_where_it_was_closed(started):
    # after what counts errors: JupyterLab itself says a few things about a kernel that ends
    page = started.page
    page.locator('.lm-TabBar-tab:has-text("home.ipynb") .lm-TabBar-tabCloseIcon').click()
    page.locator(".rl-home").wait_for(state="detached", timeout=30_000)
    started.double_click("Class2D", "job003", "job.star")
    started.tab("job.star").wait_for(timeout=120_000)
