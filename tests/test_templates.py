"""The notebooks run from top to bottom, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from relionlab.project import Project
from relionlab.workflows.single_particle_stages import STAGES

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
SMALL = {
    "class2d.ipynb": "particles = None\ncount, classes, iterations = 200, 3, 3",
    "single_particle.ipynb": (
        'folder, images, automatic = "mine", "Data/Micrographs/*.mrc", True\n'
        "pixel_size, voltage, aberration, dose = 3.0, 300, 2.7, None\n"
        'diameter, symmetry = 160, "C1"'
    ),
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


def test_notebook_on_the_whole_workflow_stands_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As it is committed: a new project, no images; every stage says what it waits for, and nothing is run."""
    monkeypatch.setenv("PYTHONPATH", str(TEMPLATES.parent))
    notebook = nbformat.read(TEMPLATES / "single_particle.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in shown) == len(STAGES)
    assert Project.open(tmp_path / "single_particle").jobs() == []


def test_notebook_on_the_whole_workflow_has_every_stage_once():
    cells = nbformat.read(TEMPLATES / "single_particle.ipynb", as_version=4).cells
    made = [re.search(r'StageView\(course, "(\w+)"\)', cell.source) for cell in cells if cell.cell_type == "code"]
    assert [found[1] for found in made if found] == list(STAGES)


@pytest.mark.full
def test_notebook_on_the_whole_workflow_runs_through_its_first_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from relionlab.simulation.assembly import d2_assembly
    from relionlab.simulation.exposures import exposures
    from relionlab.simulation.micrographs import simulate_micrographs

    monkeypatch.setenv("PYTHONPATH", str(TEMPLATES.parent))
    project = Project.create(tmp_path / "mine")
    few = exposures("micrographs", count=2, size=(768, 768), pixel_size=3.0, particles=30)
    simulate_micrographs(project.directory / "Data", [d2_assembly("full")], few, project=project.directory)
    notebook = made_small("single_particle.ipynb")
    last = next(index for index, cell in enumerate(notebook.cells) if '"select_again"' in cell.source)
    notebook.cells = notebook.cells[: last + 1]
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place).execute()
    made = [(job.name.partition("/")[0], job.state) for job in project.jobs()]
    half = ("Import", "CtfFind", "AutoPick", "Extract", "Class2D", "Select", "AutoPick", "Extract", "Class2D", "Select")
    assert made == [(folder, "finished") for folder in half]


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
