"""The pages that a job's buttons ask for: a form with its values, a sweep over it, its branch, a comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.project import JobDirectory
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.parts.opening import Opener
from relionlab.widgets.pipeline.compare import CompareView
from relionlab.widgets.pipeline.graph import PipelineView
from relionlab.widgets.pipeline.job_actions import Wanted
from relionlab.widgets.pipeline.showing import fitting
from relionlab.widgets.pipeline.sweep import SweepView


def wanted_page(
    directory: JobDirectory, wanted: Wanted, *, opener: Opener | None = None, on_job: Callable[[str], Any] | None = None
) -> tuple[str, Callable[[], w.Widget]]:
    """Return the title of the page that is wanted, and the function that makes it."""
    project, name = directory.project, directory.name
    if wanted == "clone":
        return f"New {name.partition('/')[0]} like {name}", lambda: form_for(directory.job, directory, opener=opener)
    if wanted == "continue":
        return f"Continue {name}", lambda: form_to_continue(directory, opener=opener)
    if wanted == "sweep":
        return f"Sweep from {name}", lambda: SweepView(project, directory.job, opener=opener, on_job=on_job)
    if wanted == "compare":
        return f"Compare {name}", lambda: CompareView(project, [name], on_job=on_job)
    return f"Branch of {name}", lambda: PipelineView(project, on_job=on_job, branch=name)


def form_for(job: Any, directory: JobDirectory, *, opener: Opener | None = None) -> JobForm:
    """Return the form of a new job, for the project of a job directory."""
    return JobForm(job, project=directory.project, **fitting(JobForm, opener=opener))


def form_to_continue(directory: JobDirectory, *, opener: Opener | None = None) -> JobForm:
    """Return the form of a job that has ended, from which it can be continued."""
    options = fitting(JobForm, opener=opener, directory=directory)
    form = JobForm(directory.job, project=directory.project, **options)
    if "directory" not in options:
        form.directory = directory
        form.fill(directory.job)
    return form
