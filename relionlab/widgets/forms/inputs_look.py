"""What a look at a job's inputs finds, for its form: what is wrong, what the files hold, what the job will cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.input_checks import input_problems, input_words
from relionlab.params import Declared
from relionlab.project import Project
from relionlab.project.input_choices import planned_outputs
from relionlab.widgets.forms.copies import as_shell


@dataclass(frozen=True)
class InputsLook:
    """The findings.

    problems  what is wrong with the inputs, in words
    words     parameter -> what its file holds
    cost      minutes and memory in words, "" where nothing is known
    shell     the command lines of the job
    """

    problems: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    cost: str = ""
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
    cost = cost_words(job, project) if complete and not problems and isinstance(job, Job) else ""
    words = {name: text for name, text in words.items() if text}
    return InputsLook(tuple(problems), words, cost, as_shell(job, project))


def planned_words(job: Declared, name: str, planned: frozenset[str]) -> str:
    """Return a remark on a file that another job has still to make, "" for all others."""
    value = getattr(job, name)
    return "Not there yet: a scheduled or running job makes it." if value and value in planned else ""


def cost_words(job: Job, project: Project) -> str:
    """Return what the job will take ("about 3-6 min, 0.8 GB of 22 GB free"), "" where that cannot be told."""
    try:
        from relionlab.workflows.cost import estimate
    except ImportError:
        return ""
    try:
        return estimate(job, project).words
    except RelionlabError:  # what is wrong with the inputs is said where they stand
        return ""
