"""Forms in a real browser: every job type opens, inputs are picked and judged, parameters found, jobs scheduled."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from relionlab.jobs.registry import job_classes

PARTICLES = (
    "data_optics\\nloop_\\n_rlnOpticsGroup\\n_rlnOpticsGroupName\\n_rlnImagePixelSize\\n_rlnImageSize\\n_rlnVoltage\\n"
    "_rlnSphericalAberration\\n_rlnAmplitudeContrast\\n1 one 4.0 64 300 2.7 0.1\\n\\n"
    "data_particles\\nloop_\\n_rlnImageName\\n_rlnDefocusU\\n_rlnOpticsGroup\\n"
) + "".join(f"{n}@a.mrcs 9000 1\\n" for n in range(1, 31))
CELLS = [
    f"""import os
os.environ['RELIONLAB_PRESET_FOLDER'] = os.path.abspath('presets')
import ipywidgets
import numpy as np
from relionlab.io.images import write_stack
from relionlab.jobs.importing.job import Import
from relionlab.jobs.registry import job_classes
from relionlab.jobs.refinement.class2d import Class2D
from relionlab.project import Project
from relionlab.widgets import JobForm
project = Project.create('forms_project')
(project.directory / 'p.star').write_text('{PARTICLES}')
images = np.random.default_rng(0).normal(size=(30, 64, 64)).astype(np.float32)
write_stack(project.directory / 'a.mrcs', images, pixel_size=4.0)
kind = 'Particles STAR file (.star)'
made = project.add(Import(do_raw=False, do_other=True, fn_in_other='p.star', node_type=kind), alias='first')
(made.path / 'p.star').write_text('{PARTICLES}')
made.set_state('finished')
form = JobForm(Class2D, project=project)
form""",
    """place = ipywidgets.VBox([])
def show(name):
    place.children = (JobForm(job_classes()[name], project=project),)
place""",
]


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    """A notebook with a form of Class2D in a project, and a place for the others."""
    opened = open_cells("forms", *CELLS, small=True)
    opened.page.locator(".rl-form .rl-choice-input").first.wait_for(timeout=30_000)
    assert opened.cell_errors() == []
    return opened


def test_an_input_is_picked_by_keyboard_from_those_that_fit(notebook):
    page = notebook.page
    box = page.locator(".rl-field-fn_img .rl-choice-input")
    box.click()
    page.keyboard.press("ArrowDown")  # opens the list
    line = page.locator(".rl-field-fn_img .rl-choice-line").first
    line.get_by_text("30 particles").wait_for(timeout=20_000)
    assert "first, just now" in line.inner_text() or "ago" in line.inner_text()
    notebook.picture("forms_picker")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    notebook.until(lambda: notebook.python("print(form.job.fn_img)") == "Import/job001/p.star")
    page.locator(".rl-field-fn_img .rl-holds").get_by_text("30 particles").wait_for(timeout=20_000)
    assert page.locator(".rl-choice-list:popover-open").count() == 0


def test_a_parameter_is_found_on_another_page_and_level(notebook):
    page = notebook.page
    page.get_by_label("Find a parameter").first.click()
    page.keyboard.type("--helical_outer", delay=20)
    page.locator(".rl-head .rl-choice-line").first.get_by_text("Tube diameter").wait_for(timeout=20_000)
    page.keyboard.press("Enter")
    page.locator(".rl-field-helical_tube_outer_diameter.rl-found").wait_for(timeout=20_000)
    page.locator(".rl-form").first.get_by_role("button", name="Basic").click()


def test_an_input_that_does_not_fit_is_said_beside_the_field(notebook):
    page = notebook.page
    page.get_by_role("tab", name="Optimisation").first.click()
    row = page.locator(".rl-field-nr_classes")
    row.locator("input").first.fill("50")
    row.get_by_text("only 30 particles").wait_for(timeout=20_000)
    run = page.locator(".rl-launch button", has_text="Run").first
    notebook.until(run.is_disabled)
    notebook.picture("forms_wrong")
    row.locator("input").first.fill("5")
    notebook.until(run.is_enabled)
    assert row.locator(".rl-problem").count() == 0


def test_what_is_typed_fast_arrives_whole(notebook):
    page = notebook.page
    entry = page.locator(".rl-field-particle_diameter input").first
    entry.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("123.456789")
    notebook.until(lambda: notebook.python("print(form.job.particle_diameter)") == "123.456789")
    assert entry.input_value() == "123.456789"


def test_changes_are_listed_and_taken_back(notebook):
    page = notebook.page
    page.locator(".rl-head button", has_text="changed").first.click()
    line = page.locator(".rl-panel .widget-hbox", has_text="Mask diameter: 123.456789 Å (default 200 Å)")
    line.wait_for(timeout=20_000)
    line.get_by_role("button").first.click()
    notebook.until(lambda: notebook.python("print(form.job.particle_diameter)") == "200.0")
    assert page.locator(".rl-field-particle_diameter input").first.input_value() == "200"
    page.locator(".rl-head button", has_text="changed").first.click()


def test_values_are_saved_under_a_name_and_loaded(notebook):
    page = notebook.page
    page.locator(".rl-head button", has_text="Values").first.click()
    box = page.get_by_label("Preset or earlier job").first
    box.click()
    page.keyboard.type("five classes")
    page.get_by_role("button", name="Save for me").first.click()
    page.get_by_text("Saved for you as five classes").first.wait_for(timeout=20_000)
    page.locator(".rl-field-nr_classes input").first.fill("2")
    notebook.until(lambda: notebook.python("print(form.job.nr_classes)") == "2")
    box.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("ArrowDown")
    page.locator(".rl-panel .rl-choice-line", has_text="five classes").first.click()
    notebook.until(lambda: notebook.python("print(form.job.nr_classes)") == "5")
    notebook.until(lambda: page.locator(".rl-field-nr_classes input").first.input_value() == "5")
    page.locator(".rl-head button", has_text="Values").first.click()


def test_what_is_copied_makes_the_job_again(notebook):
    page = notebook.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as Python").first.click()
    notebook.until(lambda: "import Class2D" in page.evaluate("navigator.clipboard.readText()"))
    text = page.evaluate("navigator.clipboard.readText()")
    again = f"scope = {{}}; *lines, last = {text!r}.splitlines(); exec(chr(10).join(lines), scope)"
    assert notebook.python(f"{again}; print(eval(last, scope) == form.job)") == "True"
    page.get_by_role("button", name="Copy as shell").first.click()
    notebook.until(lambda: "relionlab refine" in page.evaluate("navigator.clipboard.readText()"))


def test_a_job_is_scheduled_with_its_note(notebook):
    page = notebook.page
    page.get_by_placeholder("note: why this job").first.fill("to see")
    page.locator(".rl-launch button", has_text="Schedule").first.click()
    page.get_by_text("Class2D/job002 is scheduled").first.wait_for(timeout=20_000)
    assert notebook.python("print(form.directory.state, form.directory.notes())") == "scheduled to see"
    notebook.picture("forms_scheduled")


def test_a_clone_holds_the_same_values(notebook):
    page = notebook.page
    page.locator(".rl-launch button", has_text="Clone").first.click()
    notebook.until(lambda: page.locator(".rl-copies .rl-code").count() > 1)
    shown = page.locator(".rl-copies .rl-code")
    notebook.until(lambda: shown.nth(0).inner_text() == shown.nth(1).inner_text() != "")


def test_what_is_needed_is_asked_quietly_until_run_is_pressed(notebook):
    page = notebook.page
    notebook.python("show('InitialModel')")
    shown = page.locator(".rl-form", has=page.locator(".rl-title", has_text="Initial model")).last
    row = shown.locator(".rl-field-fn_img")
    row.get_by_text("needed").wait_for(timeout=20_000)
    assert shown.locator(".rl-problem").count() == 0
    shown.locator(".rl-launch button", has_text="Run").first.click()
    row.locator(".rl-problem").wait_for(timeout=20_000)
    notebook.picture("forms_needed")


def test_every_job_type_opens_without_error(notebook):
    """The times are printed, from asking for the form until its first page is there."""
    page, took = notebook.page, {}
    for name in job_classes():
        start = time.perf_counter()
        notebook.python(f"show({name!r})")
        title = notebook.python("print(place.children[0].declared.title or place.children[0].declared.__name__)")
        shown = page.locator(".rl-form", has=page.locator(".rl-title", has_text=title)).last
        shown.locator(".rl-row").first.wait_for(timeout=20_000)
        took[name] = time.perf_counter() - start
        width, room = shown.evaluate("form => [form.scrollWidth, form.clientWidth]")
        assert width <= room, f"{name} is wider than its place"
    print("seconds until a form is there:", {name: round(seconds, 2) for name, seconds in took.items()})


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
