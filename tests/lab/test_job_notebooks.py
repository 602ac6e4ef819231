"""The notebooks of the job types: as their declarations say today, and running."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from relionlab.jobs.registry import job_types
from relionlab.lab.job_notebooks import course_folder, job_notebooks, main
from relionlab.project import Project

COMMITTED = Path(__file__).resolve().parents[2] / "templates" / "jobs"


def test_the_committed_ones_are_those_of_the_declarations():
    """If this fails: make notebooks."""
    made = {name: nbformat.writes(notebook) for name, notebook in job_notebooks()}
    assert {path.name: path.read_text().rstrip("\n") for path in COMMITTED.glob("*.ipynb")} == made
    assert len(made) == len(job_types())


def test_copies_leave_alone_what_is_there(tmp_path, capsys):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "class2d.ipynb").write_text("mine")
    main([str(folder)])
    assert (folder / "class2d.ipynb").read_text() == "mine"
    there = len(list(course_folder().glob("*.ipynb"))) - 1 + len(job_types())
    assert f"{there} notebooks were written" in capsys.readouterr().out
    main([str(folder)])
    assert "0 notebooks were written" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name, _ in job_notebooks()])
def test_its_cells_run(name, tmp_path, monkeypatch, capsys):
    project = Project.create(tmp_path)
    monkeypatch.chdir(tmp_path)
    held: dict[str, object] = {}
    for cell in nbformat.read(COMMITTED / name, as_version=4).cells:
        if cell.cell_type == "code":
            exec(cell.source, held)
    assert held["project"] == project
    assert "relionlab " in capsys.readouterr().out


@pytest.mark.full
def test_one_runs_in_a_kernel(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(COMMITTED.parents[1]))
    Project.create(tmp_path)
    notebook = nbformat.read(COMMITTED / "class2d.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in shown) == 2
