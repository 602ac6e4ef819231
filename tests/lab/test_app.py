"""`relionlab lab --app`: Voilà on the home page, with a page of ours that names no address outside."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

import relionlab.lab
from relionlab.errors import LabError
from relionlab.lab import app
from relionlab.lab.home_notebook import HOME, write_home_notebook
from relionlab.lab.process import LabProcess

TEMPLATE = Path(relionlab.lab.__file__).parent / "voila" / "templates" / app.TEMPLATE / "index.html.j2"


def test_without_voila_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(app.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(LabError, match=r"pip install 'relionlab\[app\]'"):
        app.app_command(tmp_path / HOME, ip="localhost", port=8866)


def test_only_who_has_the_token_sees_the_page_and_it_names_no_network(tmp_path):
    pytest.importorskip("voila")
    (tmp_path / "empty.ipynb").write_text(
        write_home_notebook(tmp_path).read_text().replace("from relionlab.widgets import Home", "class Home: pass")
    )
    started = LabProcess.start_app(tmp_path, "empty.ipynb", port=21_100)
    try:
        assert started.server.answers()
        with urllib.request.urlopen(started.server.page, timeout=60) as answer:
            page = answer.read().decode()
        with urllib.request.urlopen(started.server.url, timeout=60) as answer:
            stranger = answer.read().decode()
    finally:
        started.stop()
    assert "voila-spinner" in page or "voila_process" in page
    assert "cdn." not in page
    assert "jupyter-config-data" in page
    assert "jupyter-config-data" not in stranger
    assert "cdn." not in TEMPLATE.read_text()
    assert not started.log.exists()
