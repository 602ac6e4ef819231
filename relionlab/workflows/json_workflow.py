"""Runs a workflow that was written as JSON: ``relionlab run workflow.json`` in a project's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from relionlab.errors import InputError, RunError
from relionlab.jobs.base import Job
from relionlab.jobs.job_json import Workflow, from_json, resolved
from relionlab.project import JobDirectory, Project


def read_workflow(path: str | Path) -> Workflow:
    """Read a workflow, or a single job as a workflow of one; raises InputError where there is no such file."""
    place = Path(path)
    if not place.is_file():
        raise InputError(f"{place} does not exist; expected a workflow in JSON.")
    found = from_json(place.read_text(encoding="utf-8"))
    return found if isinstance(found, Workflow) else Workflow((("job", found),))


def run_workflow(project: Project, workflow: Workflow, say: Callable[[str], None] = print) -> dict[str, JobDirectory]:
    """Run the jobs one after the other; return name -> job directory.

    Raises RunError, naming the job and its log, at the first job that does not finish.
    """
    for _, job in workflow.jobs:
        _checked(job)
    done: dict[str, JobDirectory] = {}
    for name, job in workflow.jobs:
        directory = project.run(
            resolved(job, {known: _slashed(entry.name) for known, entry in done.items()}), wait=True
        )
        say(f"{name}: {directory.name} {directory.state}")
        if directory.state != "finished":
            raise RunError(f"{name} ({directory.name}) {directory.state}: {directory.message} See its run.err.")
        done[name] = directory
    return done


def main(path: str) -> int:
    """Run a workflow file in the project of this folder, which is made if it is none yet."""
    workflow = read_workflow(path)
    here = Path.cwd()
    project = Project.open(here) if (here / "default_pipeline.star").exists() else Project.create(here)
    run_workflow(project, workflow)
    return 0


def _checked(job: Job) -> None:
    job.check()


def _slashed(name: str) -> str:
    return name if name.endswith("/") else name + "/"
