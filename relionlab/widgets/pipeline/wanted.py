"""The pages that a job's buttons ask for: a form with its values, a sweep over it, its branch, a comparison."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.project import JobDirectory
from relionlab.project.continuing import fresh_copy
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.parts.opening import Opener
from relionlab.widgets.pipeline.compare import CompareView
from relionlab.widgets.pipeline.graph import PipelineView
from relionlab.widgets.pipeline.job_actions import Wanted
from relionlab.widgets.pipeline.sweep import SweepView


def wanted_page(
    directory: JobDirectory, wanted: Wanted, *, opener: Opener | None = None, on_job: Callable[[str], Any] | None = None
) -> tuple[str, Callable[[], w.Widget]]:
    """Return the title of the page that is wanted, and the function that makes it."""
    project, name = directory.project, directory.name
    if wanted == "clone":
        return f"New {name.partition('/')[0]} like {name}", lambda: JobForm(
            fresh_copy(directory.job), project=project, opener=opener
        )
    if wanted == "continue":
        return f"Continue {name}", lambda: JobForm.of(directory, opener=opener)
    if wanted == "sweep":
        return f"Sweep from {name}", lambda: SweepView(project, directory.job, opener=opener, on_job=on_job)
    if wanted == "compare":
        return f"Compare {name}", lambda: CompareView(project, [name], on_job=on_job)
    return f"Branch of {name}", lambda: PipelineView(project, on_job=on_job, branch=name)
