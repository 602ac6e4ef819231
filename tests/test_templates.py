"""The notebooks run from top to bottom, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SMALL = {
    "class2d.ipynb": "particles = None\ncount, classes, iterations = 200, 3, 3",
    "refine3d.ipynb": "particles = diameter = symmetry = None\ncount, iterations = 150, 1",
}
"""The parameters cell of each notebook, for a tiny run."""


def made_small(name: str) -> nbformat.NotebookNode:
    """Return a notebook whose cell tagged "parameters" asks for little."""
    notebook = nbformat.read(TEMPLATES / name, as_version=4)
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    assert len(cells) == 1, f"{name} has {len(cells)} cells tagged 'parameters'; expected one"
    cells[0].source = SMALL[name]
    return notebook


def test_every_notebook_is_run_here():
    assert {path.name for path in TEMPLATES.glob("*.ipynb")} == set(SMALL)


def run_small(name: str, directory: Path) -> str:
    """Run a notebook in a directory; return what it printed."""
    notebook = made_small(name)
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(directory)}}
    ).execute()
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))


def test_notebook_on_classes_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(TEMPLATES.parent))
    assert "relionlab refine" in run_small("class2d.ipynb", tmp_path)  # the last cell: the job in the shell
    states = {path.name for path in tmp_path.glob("class2d_lesson/*/job*/RELION_JOB_EXIT_SUCCESS")}
    selected = list(tmp_path.glob("class2d_lesson/Select/job*/particles.star"))
    assert states
    assert len(selected) == 1


@pytest.mark.full
def test_notebook_on_maps_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(TEMPLATES.parent))
    assert "relionlab refine" in run_small("refine3d.ipynb", tmp_path)
    done = {path.parent.parent.name for path in tmp_path.glob("refine3d_lesson/*/job*/RELION_JOB_EXIT_SUCCESS")}
    assert done == {"Import", "InitialModel", "Refine3D", "MaskCreate", "PostProcess", "LocalRes"}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_notebook_holds_no_logic(name: str):
    """No loops, conditions or functions: whatever a notebook does is one call that anybody can make."""
    logic = re.compile(r"^\s*(for|while|if|def|class|try|with|lambda)\b", re.MULTILINE)
    cells = [cell.source for cell in nbformat.read(TEMPLATES / name, as_version=4).cells if cell.cell_type == "code"]
    assert [source for source in cells if logic.search(source)] == []


@pytest.mark.parametrize("name", sorted(SMALL))
def test_notebook_is_committed_without_results(name: str):
    for cell in nbformat.read(TEMPLATES / name, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
