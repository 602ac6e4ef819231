"""`relionlab`: a server on the folder, our extension in it, and a home page that nobody else's code can pose as."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.request
from pathlib import Path
from typing import Any

import nbformat
import pytest

import relionlab.lab
from relionlab import cli
from relionlab.errors import LabError, ProjectError
from relionlab.lab import process
from relionlab.lab.home_notebook import HOME, template, write_home_notebook
from relionlab.lab.process import LabProcess, running_server
from relionlab.lab.start import WARM, main

EXTENSION = Path(relionlab.lab.__file__).parent / "labextensions" / "relionlab" / "static" / "remoteEntry.js"


def test_the_extension_runs_the_cell_that_the_template_holds_and_no_other():
    (said,) = re.findall(r"const CELL =\s+'(.*)';", EXTENSION.read_text())
    cells = [cell.source for cell in nbformat.reads(template(), as_version=4).cells if cell.cell_type == "code"]
    assert cells == [said.replace("\\n", "\n")]


def test_a_browser_asks_for_the_extension_anew_when_it_has_changed():
    manifest = json.loads((EXTENSION.parents[1] / "package.json").read_text())
    mark = hashlib.sha256(EXTENSION.read_bytes()).hexdigest()[:8]
    assert manifest["jupyterlab"]["_build"]["load"] == f"static/remoteEntry.js?{mark}"


def test_a_home_page_that_is_there_stays_as_it_is(tmp_path):
    place = write_home_notebook(tmp_path)
    assert place.read_text() == template()
    place.write_text("mine")
    write_home_notebook(tmp_path)
    assert place.read_text() == "mine"


def test_a_folder_that_is_none_is_said(tmp_path):
    with pytest.raises(ProjectError, match="is no folder: make it first"):
        main([str(tmp_path / "missing")])


def test_the_next_free_port_is_taken(monkeypatch):
    first = process._free_port(20_000)
    with process.socket.socket() as taken:
        taken.bind(("localhost", first))
        assert first < process._free_port(first) < first + process._PORTS


def test_a_server_that_does_not_start_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(
        process, "_command", lambda *_, **__: [process.sys.executable, "-c", "raise SystemExit('no lab')"]
    )
    with pytest.raises(LabError, match=r"(?s)ended at once.*no lab"):
        LabProcess.start(tmp_path)


def test_without_arguments_the_lab_opens(monkeypatch):
    opened = []
    monkeypatch.setattr("relionlab.lab.start.main", opened.append)
    assert cli.main([]) == 0
    assert opened == [[]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    write_home_notebook(folder)
    started = LabProcess.start(folder, port=21_000)
    yield folder, started
    started.stop()
    assert not started.log.exists()


def test_the_server_has_our_extension_and_is_found_again(lab):
    folder, started = lab
    address = f"{started.server.url}lab/extensions/relionlab/static/remoteEntry.js"
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == EXTENSION.read_bytes()
    found = running_server(folder)
    assert found is not None
    assert found.token == started.server.token
    assert running_server(folder.parent) is None


def test_the_page_stands_alone_and_its_kernel_is_one(lab):
    _, started = lab
    started.server.show_page_alone(HOME)
    kept = started.server.ask("GET", "lab/api/workspaces/relionlab")["data"]
    assert kept["layout-restorer:data"]["left"]["collapsed"] is True
    kernel = started.server.kernel_of(HOME)
    assert started.server.kernel_of(HOME) == kernel  # as the browser gets it when it opens the page
    started.server.warm(kernel, WARM)
    (session,) = started.server.ask("GET", "api/sessions")
    assert session["path"] == HOME


def test_the_home_page_begins_where_it_lies_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    held: dict[str, Any] = {}
    for cell in nbformat.reads(template(), as_version=4).cells:
        exec(cell.source, held)
    try:
        assert "Start here" in str(held["home"].tabs.bar.tabs)
        assert list(empty.iterdir()) == []
    finally:
        held["home"].close()
