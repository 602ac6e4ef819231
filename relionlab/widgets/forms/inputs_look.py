"""What a look at a job's inputs finds, for its form: what is wrong, what the files hold, what the job will cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.input_checks import input_findings, input_words, named_files
from relionlab.params import Declared
from relionlab.project import Project
from relionlab.project.input_choices import planned_outputs
from relionlab.widgets.forms.copies import as_shell
from relionlab.workflows.cost import Cost, estimate


@dataclass(frozen=True)
class InputsLook:
    """The findings.

    problems  what is wrong with the inputs, in words
    doubts    what may be wrong with them
    words     parameter -> what its file holds
    shell     the command lines of the job
    waits     an input is still to be made by another job, so that the job's cost cannot be told
    """

    problems: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    shell: str = ""
    waits: bool = False


def look_at_inputs(job: Declared, project: Project | None) -> InputsLook:
    """Look at the files that a job names: some milliseconds for each, half a second for large lists and maps."""
    if project is None:
        return InputsLook(shell=as_shell(job, None))
    try:
        planned = planned_outputs(project)
    except RelionlabError as error:  # a damaged pipeline
        return InputsLook((str(error),))
    found = input_findings(job, project.directory, planned=planned)
    awaited = [name for name, value in named_files(job) if value in planned]
    words = input_words(job, project.directory)
    words |= dict.fromkeys(awaited, "Not there yet: a scheduled or running job makes it.")
    return InputsLook(found.problems, found.doubts, words, as_shell(job, project), bool(awaited))


def cost_of(job: Declared, project: Project | None) -> Cost | None:
    """Return what a job will take, ``None`` for what is no job of a project."""
    return estimate(job, project) if isinstance(job, Job) and project is not None else None
