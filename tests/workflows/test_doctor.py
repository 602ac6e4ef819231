"""`relionlab doctor`: one page, and a cure for what is known to break."""

from __future__ import annotations

import importlib.metadata

import pytest

from relionlab.workflows import doctor
from relionlab.workflows.doctor import Finding, main


@pytest.mark.parametrize(("package", "version"), [("nglview", "4.0.1"), ("jupyter_bokeh", "4.1.0")])
def test_a_version_that_breaks_the_lab_is_named_with_its_cure(monkeypatch, package, version):
    there = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version if name == package else there(name))
    (finding,) = [found for found in doctor.findings() if found.topic == "notebooks"]
    assert f"pip install {package}==" in finding.cure


def test_a_missing_package_is_named(monkeypatch):
    def version(name):
        if name == "k3d":
            raise importlib.metadata.PackageNotFoundError(name)
        return "4.0.5" if name == "jupyter_bokeh" else "4.0"

    monkeypatch.setattr(importlib.metadata, "version", version)
    (finding,) = [found for found in doctor.findings() if found.topic == "notebooks"]
    assert finding.cure == "missing: k3d; install with pip install k3d"


def test_the_page_ends_with_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "findings", lambda: iter([Finding("cores", "2")]))
    assert main([]) == 0
    assert capsys.readouterr().out.endswith("`relionlab` opens the lab in this folder.\n")
    monkeypatch.setattr(doctor, "findings", lambda: iter([Finding("cores", "2"), Finding("folder", "full", "go away")]))
    assert main([]) == 1
    told = capsys.readouterr().out
    assert "! folder" in told
    assert "-> go away" in told
    assert told.endswith("1 to mend, marked with !\n")


def test_it_is_one_page(capsys):
    main([])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 110
