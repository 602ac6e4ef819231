"""The commands that keep a project's folder: ``relionlab clean``, ``delete``, ``undelete``, ``empty_trash``, ``rebuild``.

Each calls the method of the same name, of :class:`JobDirectory` or :class:`Project`, on the project in this folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from relionlab.errors import ParameterError
from relionlab.project.cleaning import TRASH, size_of_trash
from relionlab.project.job_directory import JobDirectory
from relionlab.project.project import Project

_JOBS = "as Class2D/job003/, job003, or an alias"


def clean(arguments: Sequence[str]) -> int:
    """Move intermediate files of finished jobs to the Trash."""
    parser = _parser(
        "clean", "Move files of finished jobs that are no longer needed to Trash/, as RELION's cleaning does."
    )
    parser.add_argument("job", nargs="*", help=_JOBS)
    parser.add_argument("--all", action="store_true", help="all finished jobs")
    parser.add_argument(
        "--harsh", action="store_true", help="also files that other jobs could use, as extracted particles"
    )
    parser.add_argument("--pretend", action="store_true", help="only say which files")
    given = parser.parse_args(list(arguments))
    if bool(given.job) == given.all:
        raise ParameterError("clean: say which jobs, or --all for all that are finished.")
    project = Project.open()
    jobs = [job for job in project.jobs() if job.state == "finished"] if given.all else _named(project, given.job)
    for job in jobs:
        files = job.clean(harsh=given.harsh, pretend=given.pretend)
        for path in files if given.pretend else ():
            print(path.relative_to(project.directory).as_posix())
        print(f"{job.name}: {len(files)} files {'would go' if given.pretend else 'moved'} to {TRASH}/")
    return 0


def delete(arguments: Sequence[str]) -> int:
    """Move jobs to the Trash."""
    parser = _parser(
        "delete", "Move jobs to Trash/ and take them out of the pipeline; `relionlab undelete` brings them back."
    )
    parser.add_argument("job", nargs="+", help=_JOBS)
    parser.add_argument("--with_users", action="store_true", help="and all jobs that rest on their files")
    given = parser.parse_args(list(arguments))
    project = Project.open()
    gone: list[str] = []
    for job in _named(project, given.job):
        if job.name not in gone:
            gone += job.delete(with_users=given.with_users)
    print(f"{', '.join(gone)}: moved to {TRASH}/")
    return 0


def undelete(arguments: Sequence[str]) -> int:
    """Bring jobs back from the Trash."""
    parser = _parser("undelete", "Bring jobs back from Trash/, with those that were deleted with them.")
    parser.add_argument("job", nargs="+", help="as Class2D/job003/")
    given = parser.parse_args(list(arguments))
    project = Project.open()
    back: list[str] = []
    for name in given.job:
        if name.strip("/") not in back:
            back += project.undelete(name)
    print(f"{', '.join(back)}: back from {TRASH}/")
    return 0


def empty_trash(arguments: Sequence[str]) -> int:
    """Remove for good what is in the Trash, if --yes says so."""
    parser = _parser("empty_trash", "Say how much lies in Trash/, and with --yes remove it for good.")
    parser.add_argument("--yes", action="store_true", help="remove it")
    given = parser.parse_args(list(arguments))
    project = Project.open()
    if given.yes:
        print(f"{project.empty_trash() / 1e6:.1f} MB removed.")
    else:
        print(f"{TRASH}/ holds {size_of_trash(project) / 1e6:.1f} MB; --yes removes them for good.")
    return 0


def rebuild(arguments: Sequence[str]) -> int:
    """Make the pipeline file anew from the job directories."""
    parser = _parser(
        "rebuild",
        "Make default_pipeline.star anew from the job directories and their backups; one that is there is kept as "
        "default_pipeline.star.old.",
    )
    parser.add_argument("project", nargs="?", default=".", help="its folder (this one)")
    project = Project.rebuild(parser.parse_args(list(arguments)).project)
    for job in project.jobs():
        print(f"{job.name:<24} {job.state}")
    print(f"{project.directory}: default_pipeline.star lists {len(project.jobs())} jobs.")
    return 0


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"relionlab {name}", description=description)


def _named(project: Project, names: Sequence[str]) -> list[JobDirectory]:
    return [project.job(name) for name in names]
