"""The course notebook on 2D classification, as a student uses it: form, run, watch, choose, save."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

TEMPLATE = Path(__file__).resolve().parents[2] / "templates" / "class2d.ipynb"
SMALL = "particles = None\ncount, classes, iterations = 200, 4, 3"


class Steps:
    """The notebook in the browser, and where its cells are."""

    def __init__(self, notebook, cells):
        self.notebook, self.page = notebook, notebook.page
        self._cells = cells

    def run(self, *starts: str) -> None:
        """Run the cells that hold these texts."""
        for text in starts:
            index = next(i for i, cell in enumerate(self._cells) if cell.cell_type == "code" and text in cell.source)
            self.notebook.run_cell(index)
        assert self.notebook.cell_errors() == []

    def python(self, code: str) -> str:
        return self.notebook.python(code)


@pytest.fixture(scope="module")
def steps(lab_directory: Path, open_notebook) -> Steps:
    """The notebook with tiny parameters, open, with the cells up to the form run."""
    content = nbformat.read(TEMPLATE, as_version=4)
    parameters = next(cell for cell in content.cells if "parameters" in cell.metadata.get("tags", ()))
    parameters.source = SMALL
    nbformat.write(content, lab_directory / "class2d.ipynb")
    made = Steps(open_notebook("class2d.ipynb"), content.cells)
    made.run("count, classes", "lesson = class2d_lesson", "particle_montage(", "form = JobForm(")
    made.page.locator(".rl-form").first.wait_for(timeout=30_000)
    return made


def test_form_shows_tabs_and_units(steps):
    page = steps.page
    page.locator(".rl-form").scroll_into_view_if_needed()
    tabs = page.locator(".rl-form [role=tab]").all_inner_texts()
    assert {"I/O", "CTF", "Optimisation", "Sampling"} <= {tab.strip() for tab in tabs}
    page.get_by_role("tab", name="Optimisation").click()
    assert page.locator(".rl-field-particle_diameter .rl-unit").inner_text() == "Å"
    steps.notebook.picture("1_form")


def test_invalid_value_shows_its_message_and_stops_run(steps):
    page = steps.page
    entry = page.locator(".rl-field-nr_classes input").first
    entry.fill("0")
    page.wait_for_timeout(1000)
    steps.notebook.picture("2_invalid")
    page.locator(".rl-field-nr_classes .rl-problem").get_by_text("it must").wait_for(timeout=30_000)
    run = page.locator(".rl-form button", has_text="Run")
    steps.notebook.until(run.is_disabled)
    entry.fill("5")
    steps.notebook.until(lambda: page.locator(".rl-field-nr_classes .rl-problem").count() == 0)
    steps.notebook.until(run.is_enabled)
    assert steps.python("print(form.job.nr_classes)") == "5"


def test_run_starts_the_job_and_its_results_arrive(steps):
    page, notebook = steps.page, steps.notebook
    page.locator(".rl-form button", has_text="Run").click()
    page.get_by_text("Started as Class2D/job002").first.wait_for(timeout=20_000)
    steps.run("monitor = JobMonitor(")
    page.locator(".rl-monitor").wait_for(timeout=20_000)
    page.locator(".rl-monitor").scroll_into_view_if_needed()
    page.locator(".rl-monitor .rl-class").first.wait_for(timeout=120_000)
    notebook.picture("3_running")
    notebook.until(lambda: page.locator(".rl-monitor .rl-state-finished").count() == 1, seconds=240)
    notebook.until(lambda: "Iteration   3 of 3" in page.locator(".rl-monitor .rl-log").first.inner_text())
    page.get_by_text("Class averages after iteration 3").wait_for(timeout=20_000)
    assert page.locator(".rl-monitor .rl-class").count() == 5
    page.locator(".rl-monitor").get_by_role("tab", name="Convergence").click()
    notebook.until(lambda: page.locator(".rl-monitor .bk-Figure:visible").count() > 0, seconds=60)
    notebook.picture("4_finished")
    assert page.locator(".rl-monitor .rl-log").first.evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight < 30")


def test_classes_chosen_by_clicking_are_seen_in_python_and_saved(steps):
    page, notebook = steps.page, steps.notebook
    steps.run("job.wait()", "gallery = ClassGallery(")
    gallery = page.locator(".rl-gallery")
    gallery.locator(".rl-class").nth(4).wait_for(timeout=20_000)
    gallery.scroll_into_view_if_needed()
    for index in (0, 2):
        gallery.locator(".rl-class").nth(index).click()
    shown = gallery.locator(".rl-chosen").evaluate_all("all => all.map(e => Number(e.dataset.number)).sort()")
    notebook.until(lambda: steps.python("print(sorted(gallery.selected))") == str(shown))
    notebook.picture("5_chosen")
    gallery.get_by_role("button", name="Save selection").click()
    gallery.get_by_text("is finished").wait_for(timeout=90_000)
    notebook.picture("6_saved")
    kept = steps.python(
        "from relionlab.io.particles import read_particles\n"
        "print(len(read_particles(gallery.saved.path / 'particles.star')) == gallery.particles > 0)"
    )
    assert kept == "True"


def test_cells_that_run_again_find_what_was_done(steps):
    """A form and a gallery made anew, as after a restart of the kernel, start no second job."""
    found = steps.python(
        "anew = JobForm(form.job, project=lesson.project).ensure_started()\n"
        "again = ClassGallery(anew)\n"
        "again.select(gallery.selected)\n"
        "print(anew.name == job.name, again.ensure_saved().name == gallery.saved.name)"
    )
    assert found == "True True"


def test_results_are_drawn(steps):
    page = steps.page
    before = page.locator(".bk-Figure").count()
    steps.run("selection = gallery.ensure_saved", "convergence(", "class_spectra(", "distributions(", "job.notes()")
    steps.notebook.until(lambda: page.locator(".bk-Figure").count() >= before + 8, seconds=60)
    page.locator(".bk-Figure").nth(before).scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    steps.notebook.picture("7_results")
    assert steps.python("print(len(lesson.project.jobs()))") == "3"  # Import, Class2D, Select: nothing was run twice


def test_nothing_wrong_and_nothing_from_outside(steps):
    steps.notebook.nothing_wrong()
