"""One job type's next job in a project, filled in from what was done before.

    suggested(project, Class2D)                          # after the newest extraction, with its particles and diameter
    suggested(project, AutoPick, by_templates=True)      # with the newest chosen class averages

What follows what, and with which values, :mod:`relionlab.workflows.next_jobs` knows; here it is asked backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.params import Parameter
from relionlab.project import JobDirectory, Project
from relionlab.project.input_choices import input_choices
from relionlab.workflows.next_jobs import MAY_FOLLOW, Suggestion, next_jobs
from relionlab.workflows.sizes_used import made_from


def suggested(project: Project, kind: type[Job], *, by_templates: bool | None = None, after: Sequence[str] = ()) -> Job:
    """Return a job of this type with its inputs and values filled in.

    It is what usually follows the newest finished job that it can follow; else the type's defaults with the newest files
    that fit; an empty project leaves the inputs empty.

    by_templates  only in the round of picking by templates (True), or in the one before it (False)
    after         only after jobs of these folders ("Class3D"); empty: after any
    """
    found = usual(project, kind, by_templates=by_templates, after=after)
    return found[1].job if found is not None else with_newest_inputs(project, kind)


def usual(
    project: Project, kind: type[Job], *, by_templates: bool | None = None, after: Sequence[str] = ()
) -> tuple[JobDirectory, Suggestion] | None:
    """Return the newest finished job that a job of this type usually follows, and what is suggested there; else ``None``.

    by_templates, after  as for :func:`suggested`
    """
    for directory in reversed(project.jobs()):
        if directory.process.state != "finished" or (after and _folder(directory.name) not in after):
            continue
        if kind.folder not in MAY_FOLLOW.get(_folder(directory.name), ()):
            continue
        for suggestion in next_jobs(directory):
            same = type(suggestion.job) is kind
            if same and by_templates in (None, _with_templates(directory, suggestion.job)):
                return directory, suggestion
    return None


def newest_done(
    project: Project, kind: type[Job], *, by_templates: bool | None = None, after: Sequence[str] = ()
) -> JobDirectory | None:
    """Return the newest job of this type that was started, whatever became of it; ``None`` if there is none.

    by_templates, after  as for :func:`suggested`
    """
    pipeline = project.pipeline
    for directory in reversed(project.jobs()):
        if not directory.name.startswith(f"{kind.folder}/") or directory.process.state == "scheduled":
            continue
        makers = {pipeline.maker(node.path) or "" for node in pipeline.inputs_of(directory.name)}
        if after and not any(_folder(maker) in after for maker in makers):
            continue
        if by_templates in (None, _with_templates(directory)):
            return directory
    return None


def begun(project: Project, kind: type[Job]) -> Job:
    """Return a job to begin a form with, at once: the newest inputs where the type usually follows others, else its defaults."""
    follows = any(kind.folder in after for after in MAY_FOLLOW.values())
    return with_newest_inputs(project, kind) if follows else kind()


def with_newest_inputs(project: Project, kind: type[Job]) -> Job:
    """Return a job with defaults, and in each input that it cannot do without the newest output of that kind that is there."""
    job = kind()
    for name, parameter in kind.parameters().items():
        if parameter.node and parameter.required and job.applies(name) and not getattr(job, name):
            job = job.changed(**{name: _newest(parameter, project)})
    return job


def _folder(name: str) -> str:
    return name.partition("/")[0]


def _newest(parameter: Parameter, project: Project) -> str:
    made = (choice.path for choice in input_choices(parameter, project) if choice.job and choice.age is not None)
    return next(made, "")


def _with_templates(directory: JobDirectory, job: Job | None = None) -> bool:
    """Say whether templates were picked with in a job, or in one that it was made from."""
    jobs: list[Job] = [job] if job is not None else []
    with suppress(RelionlabError, OSError):
        jobs += [made for _, made in made_from(directory)]
    return any(isinstance(each, AutoPick) and bool(each.fn_refs_autopick) and not each.do_log for each in jobs)
