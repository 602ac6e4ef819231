"""The job of a form as text: Python for a notebook, command lines for a shell."""

from __future__ import annotations

import html

import ipywidgets as w

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.shell_text import shell_text
from relionlab.params import Declared
from relionlab.project import Project
from relionlab.widgets.parts.copying import CopyButton


class Copies(w.VBox):
    """Two buttons that copy, and the line of Python that says what the form holds."""

    def __init__(self) -> None:
        self.python = CopyButton(label="Copy as Python")
        self.shell = CopyButton(label="Copy as shell", tip="Copy the command lines that do the work, for a terminal")
        self.line = w.HTML(layout=w.Layout(flex="1 1 auto", width="auto"))
        super().__init__([w.HBox([self.python, self.shell, self.line])])
        self.add_class("rl-copies")

    def follow(self, job: Declared) -> None:
        """Show this job's Python; the command lines, for which the project is read, are put into ``shell``."""
        self.line.value = f'<div class="rl-code">{html.escape(repr(job))}</div>'
        self.python.text = f"from relionlab.jobs import {type(job).__name__}\n\n{job!r}"
        self.shell.layout.display = "" if isinstance(job, Job) else "none"


def as_shell(job: Declared, project: Project | None) -> str:
    """Return the command lines that do the job, in the directory that the project's next job would have."""
    if not isinstance(job, Job):
        return ""
    number = project.pipeline.next_number if project is not None else 1
    try:
        directory = project.directory if project is not None else None
        return shell_text(job, f"{job.folder}/job{number:03d}/", directory=directory)
    except (RelionlabError, ValueError) as error:  # the latter: a quote that is not closed
        return f"# {error}\n"
