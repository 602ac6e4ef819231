"""What lies in a project's Trash, and so can be brought back."""

from __future__ import annotations

from dataclasses import dataclass

from relionlab.errors import PipelineError
from relionlab.project.cleaning import DELETED_FILE, TRASH
from relionlab.project.pipeline_file import read_pipeline
from relionlab.project.project import Project


@dataclass(frozen=True)
class DeletedJob:
    """A job in the Trash.

    name     "Class2D/job008"
    alias    as "Class2D/round1", ``None`` if it had none
    label    its type as RELION 4 calls it
    deleted  when, in seconds since 1970
    together the jobs that were deleted with it and come back with it
    """

    name: str
    alias: str | None
    label: str
    deleted: float
    together: tuple[str, ...]


def deleted_jobs(project: Project) -> list[DeletedJob]:
    """Return the jobs that can be brought back, the one deleted last first."""
    found = []
    trash = project.directory / TRASH
    for file in trash.glob(f"*/job*/{DELETED_FILE}"):
        name = file.parent.relative_to(trash).as_posix()
        try:
            part = read_pipeline(file)
            process = part.process(name)
        except PipelineError:  # half of a file: it cannot be brought back
            continue
        others = tuple(p.name for p in part.processes if p.name != name and (trash / p.name).is_dir())
        found.append(DeletedJob(name, process.alias, process.label, file.stat().st_mtime, others))
    return sorted(found, key=lambda job: -job.deleted)


def loose_files(project: Project) -> int:
    """Return how many files lie in the Trash that belong to no deleted job: what cleaning moved there."""
    trash = project.directory / TRASH
    jobs = {trash / job.name for job in deleted_jobs(project)}
    return sum(1 for path in trash.rglob("*") if path.is_file() and not jobs & set(path.parents))
