"""What a look at a job's inputs finds, for its form: what is wrong, what the files hold, what the job will cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.input_checks import input_problems, input_words, named_files
from relionlab.params import Declared
from relionlab.project import Project
from relionlab.project.input_choices import planned_outputs
from relionlab.widgets.forms.copies import as_shell
from relionlab.workflows.cost import estimate


@dataclass(frozen=True)
class InputsLook:
    """The findings.

    problems  what is wrong with the inputs, in words
    words     parameter -> what its file holds
    cost      minutes, memory and disk in words, "" where nothing is known; ``warnings``: why they will not do
    shell     the command lines of the job
    """

    problems: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    cost: str = ""
    warnings: tuple[str, ...] = ()
    shell: str = ""


def look_at_inputs(job: Declared, project: Project | None, *, complete: bool) -> InputsLook:
    """Look at the heads of the files that a job names.

    complete  its values are right, so that the job's cost can be told
    """
    if project is None:
        return InputsLook(shell=as_shell(job, None))
    try:
        planned = planned_outputs(project)
    except RelionlabError as error:  # a damaged pipeline
        return InputsLook((str(error),))
    problems = input_problems(job, project.directory, planned=planned)
    words = {name: planned_words(job, name, planned) for name in job.parameters()}
    words |= input_words(job, project.directory)
    told = complete and not problems and isinstance(job, Job) and not any(value in planned for value in named(job))
    cost = estimate(job, project) if told and isinstance(job, Job) else None
    words = {name: text for name, text in words.items() if text}
    shell = as_shell(job, project)
    if cost is None:
        return InputsLook(tuple(problems), words, shell=shell)
    return InputsLook((), words, cost.words, cost.warnings, shell)


def named(job: Declared) -> list[str]:
    """Return the files that a job names."""
    return [value for _, value in named_files(job)]


def planned_words(job: Declared, name: str, planned: frozenset[str]) -> str:
    """Return a remark on a file that another job has still to make, "" for all others."""
    value = getattr(job, name)
    return "Not there yet: a scheduled or running job makes it." if value and value in planned else ""
