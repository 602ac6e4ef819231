"""The course notebook on maps, as a student meets it: what the lesson begins with, and its first form."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

TEMPLATE = Path(__file__).resolve().parents[2] / "templates" / "refine3d.ipynb"
SMALL = "particles = diameter = symmetry = None\ncount, iterations = 100, 1"
TOO_WIDE = "all => all.filter(e => e.offsetParent && e.scrollWidth > e.parentElement.clientWidth).map(e => e.innerText)"


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_notebook):
    """The notebook with few particles, run as far as the form of the initial model."""
    content = nbformat.read(TEMPLATE, as_version=4)
    parameters = next(cell for cell in content.cells if "parameters" in cell.metadata.get("tags", ()))
    parameters.source = SMALL
    nbformat.write(content, lab_directory / "refine3d.ipynb")
    opened = open_notebook("refine3d.ipynb")
    for text in ("count, iterations", "lesson = refine3d_lesson", "lesson.initial_model()"):
        opened.run_cell(next(i for i, c in enumerate(content.cells) if c.cell_type == "code" and text in c.source))
    assert opened.cell_errors() == []
    opened.page.locator(".rl-form").first.wait_for(timeout=30_000)
    return opened


def test_stages_are_told_in_lines_of_text(notebook):
    cell = notebook.page.locator(".jp-Cell", has_text="lesson = refine3d_lesson").first
    told = cell.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stdout']").all_inner_texts()
    assert "Particles …" in "".join(told)
    assert cell.locator(".jp-OutputArea-output[data-mime-type='text/html']").count() == 0


def test_units_have_room_beside_their_sliders(notebook):
    page = notebook.page
    for tab in ("Optimisation", "SGD"):
        page.get_by_role("tab", name=tab).click()
        page.locator(".rl-unit", has_text="iterations").locator("visible=true").first.wait_for(timeout=20_000)
        assert page.locator(".rl-unit").evaluate_all(TOO_WIDE) == []


def test_a_wrong_symmetry_is_named_with_its_tab(notebook):
    page = notebook.page
    page.get_by_role("tab", name="Optimisation").click()
    page.locator(".rl-field-sym_name input").fill("Q7")
    page.get_by_text("'Q7' is not a point group").wait_for(timeout=20_000)
    page.get_by_role("tab", name="I/O").click()
    notebook.picture("refine3d_wrong")
    page.get_by_text("1 value needs a correction before the job can run (tab Optimisation).").wait_for(timeout=20_000)
    notebook.until(page.locator(".rl-form button", has_text="Run").is_disabled)
    notebook.picture("refine3d_form")
    page.get_by_role("tab", name="Optimisation").click()
    page.locator(".rl-field-sym_name input").fill("c4")
    notebook.until(page.locator(".rl-form button", has_text="Run").is_enabled)
    assert notebook.python("print(form.job.sym_name)") == "c4"


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
