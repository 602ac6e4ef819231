"""The monitor in a real browser: a short Class2D as it runs, stopped with its chosen classes kept, and ends of other jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

CELLS = [
    """import numpy as np
from relionlab.jobs import Class2D
from relionlab.project import Project
from relionlab.widgets import JobMonitor
from relionlab.workflows.class2d_lesson import class2d_lesson
lesson = class2d_lesson('monitored', count=150)
job = lesson.project.run(Class2D(fn_img=lesson.job.fn_img, nr_classes=5, nr_iter=900, particle_diameter=lesson.job.particle_diameter))
monitor = JobMonitor(job)
monitor""",
]


@pytest.fixture(scope="module")
def notebook(lab_directory: Path, open_cells):
    """A notebook in which a classification of more iterations than anybody waits for is watched."""
    opened = open_cells("monitor", *CELLS)
    opened.page.locator(".rl-monitor").wait_for(timeout=60_000)
    yield opened
    opened.python("if job.state == 'running': job.abort(kill=True)")  # where a test has failed


def test_averages_arrive_and_are_chosen_while_it_runs(notebook):
    page = notebook.page
    page.locator(".rl-monitor .rl-class").first.wait_for(timeout=120_000)
    page.locator(".rl-monitor .rl-class").nth(0).click()
    page.locator(".rl-monitor .rl-class").nth(2).click()
    notebook.until(lambda: notebook.python("print(len(monitor.views[0].selected))") == "2")
    page.get_by_text("2 of 5 classes").wait_for(timeout=30_000)
    first = notebook.python("print(monitor.views[0].averages.iteration)")
    notebook.until(lambda: notebook.python("print(monitor.views[0].averages.iteration)") != first, seconds=60)
    notebook.until(
        lambda: page.locator(".rl-monitor .rl-chosen").count() == 2
    )  # what was chosen stays as new averages arrive
    notebook.picture("monitor_running")


def test_the_course_is_drawn_in_place(notebook):
    page = notebook.page
    page.get_by_role("tab", name="Convergence").click()
    notebook.until(lambda: page.locator(".rl-monitor .bk-Figure:visible").count() >= 5, seconds=60)
    before = int(notebook.python("print(len(monitor.views[1].points))"))
    notebook.until(lambda: int(notebook.python("print(len(monitor.views[1].points))")) > before, seconds=60)
    notebook.picture("monitor_course")
    page.get_by_role("tab", name="Classes").click()


def test_stop_here_and_select(notebook):
    page = notebook.page
    page.get_by_role("button", name="Stop here and select").click()
    notebook.until(lambda: page.locator(".rl-state-aborted").count() >= 1, seconds=90)
    notebook.until(lambda: notebook.python("print(len(lesson.project.jobs()))") == "3", seconds=60)
    kept = notebook.python(
        "select = lesson.project.jobs()[-1]; select.wait(60)\n"
        "print(select.state, select.job.fn_model.startswith(job.name), select.outputs[0].path)"
    )
    assert kept.startswith("finished True Select/")
    page.locator(".rl-grade").first.wait_for(timeout=60_000)
    notebook.picture("monitor_stopped")


def test_the_monitor_made_anew_shows_the_same(notebook):
    """As after a restart of the kernel: only the directory is read."""
    told = notebook.python(
        "anew = JobMonitor(lesson.project.job(job.name), period=1e6); anew.stop(); anew.look()\n"
        "print(anew.views[0].averages.iteration,"
        " anew.end.outcome.grade)"
    )
    iteration, grade = told.split()
    assert int(iteration) >= 2
    assert grade in ("doubtful", "bad")


def test_nothing_wrong_and_nothing_from_outside(notebook):
    notebook.nothing_wrong()
