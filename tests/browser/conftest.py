"""A real JupyterLab and a real Chromium: the page, the kernel behind it, and what went wrong in either."""

from __future__ import annotations

import ast
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHROMIUM = os.environ.get("RELIONLAB_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
FLAGS += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"]  # no other machine is found
WEBGL = [flag for flag in FLAGS if flag != "--disable-gpu"]
WEBGL += ["--use-angle=swiftshader", "--use-gl=angle", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
"""Flags for a browser that draws surfaces, which is slower: a module that needs it says CHROMIUM_FLAGS = WEBGL."""
START_SECONDS = 90
TAKEN_AWAY = "processLuminoMessage"
"""ipywidgets' own views complain of null with this word in the trace where they are taken away while the page is laid out."""

_KERNEL = """async (code) => {
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const future = kernel.requestExecute({code, store_history: false, user_expressions: {told: '_told.getvalue()'}});
  const slow = new Promise((_, reject) => setTimeout(() => reject('no answer to: ' + code), 240000));
  const {content} = await Promise.race([future.done, slow]);
  return content.status === 'ok' ? [content.user_expressions.told.data['text/plain'], ''] : ["''", content.traceback.join('\\n')];
}"""
_TOLD = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as _told:\n    exec({!r}, globals())"
"""What is printed comes with the answer itself: a stream of its own may come later, if the machine is busy."""
_OPENED = """() => window.jupyterapp && window.jupyterapp.shell.currentWidget
  && window.jupyterapp.shell.currentWidget.sessionContext"""
_READY = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  const widget = app.shell.currentWidget;
  const slow = new Promise((_, reject) => setTimeout(() => reject('the kernel did not start'), 90000));
  const ready = [widget.context.ready, widget.sessionContext.ready, widget.revealed];
  await Promise.race([Promise.all(ready), slow]);
  await widget.sessionContext.session.kernel.info;
  if (!app.shell.leftCollapsed) await app.commands.execute('application:toggle-left-area');
}"""
_CELL = """async (index) => {
  const app = window.jupyterapp;
  const notebook = app.shell.currentWidget.content;
  notebook.deselectAll(); notebook.activeCellIndex = index;
  const slow = new Promise((_, reject) => setTimeout(() => reject(`cell ${index} did not end`), 240000));
  await Promise.race([app.commands.execute('notebook:run-cell'), slow]);
}"""
_ERRORS = """() => {
  const found = [];
  for (const cell of window.jupyterapp.shell.currentWidget.content.widgets)
    for (const output of cell.model.toJSON().outputs || [])
      if (output.output_type == 'error' || output.name == 'stderr')
        found.push((output.ename || 'stderr') + ': ' + (output.evalue || output.text));
  return found;
}"""


class Watched:
    """A page of the browser, what went wrong in it, and what it wanted from outside this machine.

    page     Playwright's page, of a browser that finds no other machine
    base     address of its own server
    wrong    JavaScript errors so far
    outside  addresses outside this machine that something asked for
    """

    def __init__(self, page: Any, base: str) -> None:
        self.page, self.base = page, base
        self.wrong: list[str] = []
        self.outside: list[str] = []
        page.on("pageerror", lambda error: self.wrong.append((error.stack or str(error))[:1500]))
        page.on("console", lambda m: self.wrong.append(m.text[:1500]) if m.type == "error" else None)
        page.on("request", lambda asked: self._requested(asked.url))

    def until(self, condition: Callable[[], bool], seconds: float = 30.0) -> float:
        """Wait until a condition holds; returns the seconds that took."""
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, f"did not happen within {seconds} s"
            self.page.wait_for_timeout(20)
        return time.monotonic() - start

    def nothing_wrong(self, *others: str) -> None:
        """Assert that nothing went wrong and nothing was asked of other machines; ``others``: words in others' complaints."""
        assert [text for text in self.wrong if not any(word in text for word in (TAKEN_AWAY, *others))] == []
        assert self.outside == []

    def picture(self, name: str) -> None:
        """Keep a picture of the page, if RELIONLAB_SCREENSHOTS names a folder."""
        if folder := os.environ.get("RELIONLAB_SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))

    def _requested(self, address: str) -> None:
        if not address.startswith((self.base, "data:", "blob:")):
            self.outside.append(address)


class Notebook(Watched):
    """A notebook that is open in JupyterLab."""

    def run_cell(self, index: int) -> None:
        """Run one cell and wait until it is done."""
        self.page.evaluate(_CELL, index)

    def python(self, code: str) -> str:
        """Run code in the notebook's own kernel and return what it prints."""
        told, wrong = self.page.evaluate(_KERNEL, _TOLD.format(code))
        return wrong or ast.literal_eval(told).strip()

    def cell_errors(self) -> list[str]:
        """Return the errors that stand below the cells."""
        return self.page.evaluate(_ERRORS)

    def nothing_wrong(self, *others: str) -> None:
        """Assert that no error stands in the page or has been, and that nothing asked for what is not on this machine."""
        assert self.cell_errors() == []
        for words in ("Traceback", "Click to show javascript error"):
            assert self.page.get_by_text(words).count() == 0, words
        super().nothing_wrong(*others)


@pytest.fixture(scope="session")
def lab_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that JupyterLab shows."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def lab(lab_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a JupyterLab of our own."""
    own = tmp_path_factory.mktemp("jupyter")
    _write_settings(own)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
    command += [f"--ServerApp.port={port}", "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token="]
    command += ["--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={lab_directory}"]
    log = own / "log"
    with log.open("w") as out:
        server = subprocess.Popen(command, env=_environment(own), cwd=lab_directory, stdout=out, stderr=out)
    try:
        _wait_for(port, server, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")  # closed before another file starts a Playwright of its own: there can only be one
def open_notebook(lab: str, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Notebook]]:
    """A function that opens a notebook of ``lab_directory`` in the browser."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium, or name it in RELIONLAB_CHROMIUM)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        flags = getattr(request.module, "CHROMIUM_FLAGS", FLAGS)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags, headless=True)

        def opened(name: str) -> Notebook:
            context = browser.new_context(viewport={"width": 1300, "height": 1250})
            notebook = Notebook(context.new_page(), lab)
            notebook.page.goto(f"{lab}/lab/tree/{name}?reset")
            notebook.page.wait_for_function(_OPENED, timeout=1000 * START_SECONDS)
            notebook.page.evaluate(_READY)
            return notebook

        yield opened
        browser.close()


@pytest.fixture(scope="module")
def open_cells(lab_directory: Path, open_notebook: Callable[[str], Notebook]) -> Callable[..., Notebook]:
    """A function that opens a new notebook of these cells, named from ``lab_directory`` and without ending, and runs them.

    run     how many of the cells, the first ones; ``None``: all
    hidden  whether their code is not shown, as on the home page
    small   whether the window is that of a small laptop
    """

    def opened(name: str, *cells: str, run: int | None = None, hidden: bool = False, small: bool = False) -> Notebook:
        about = {"jupyter": {"source_hidden": True}} if hidden else {}
        made = [nbformat.v4.new_code_cell(source, metadata=about) for source in cells]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}  # without it the page asks
        content = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel})
        nbformat.write(content, lab_directory / f"{name}.ipynb")
        notebook = open_notebook(f"{name}.ipynb")
        if small:
            notebook.page.set_viewport_size({"width": 1366, "height": 768})
        for index in range(len(cells) if run is None else run):
            notebook.run_cell(index)
        assert notebook.cell_errors() == []
        return notebook

    return opened


def _write_settings(own: Path) -> None:
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    settings = {
        "apputils-extension/notification.jupyterlab-settings": quiet,
        "notebook-extension/tracker.jupyterlab-settings": {"windowingMode": "none"},  # all cells are in the page
        "apputils-extension/kernels-settings.jupyterlab-settings": {
            "commsOverSubshells": "disabled"
        },  # as in our own lab
    }
    for name, values in settings.items():
        path = own / "user" / "@jupyterlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


def _environment(own: Path) -> dict[str, str]:
    folders = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    made = {f"JUPYTER_{name}": str(own / folder) for name, folder in folders.items()}
    made |= {"JUPYTERLAB_SETTINGS_DIR": str(own / "user"), "JUPYTERLAB_WORKSPACES_DIR": str(own / "workspaces")}
    return {**os.environ, **made, "IPYTHONDIR": str(own / "ipython")}


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert server.poll() is None, f"JupyterLab ended at once:\n{log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"JupyterLab does not answer:\n{log.read_text()[-3000:]}"
            time.sleep(0.1)
