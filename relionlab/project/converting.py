"""``relionlab convert``: turn a project or a single job.star into another RELION's dialect."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relionlab.errors import ParameterError
from relionlab.jobs.job_star import read_job_file, write_job
from relionlab.params import DIALECTS, Dialect
from relionlab.project.project import Project

_USAGE = """usage: relionlab convert --to 3.1|4|5 [PROJECT | job.star …]

Without a path the project in this directory is converted: its pipeline and all its job.star files. The old pipeline
stays beside the new one as default_pipeline.star.DIALECT."""


def main(arguments: Sequence[str]) -> int:
    """Convert what the command line names; return the exit status."""
    rest = list(arguments)
    if not rest or "--help" in rest or "-h" in rest:
        print(_USAGE)
        return 0
    if "--to" not in rest or rest[-1] == "--to":
        raise ParameterError(f"convert: --to is missing; give the dialect, one of {', '.join(DIALECTS)}.")
    place = rest.index("--to")
    dialect = rest.pop(place + 1)
    rest.pop(place)
    if dialect not in DIALECTS:
        raise ParameterError(f"convert: there is no dialect {dialect!r}; expected one of {', '.join(DIALECTS)}.")
    for path in map(Path, rest or ["."]):
        _convert(path, dialect)
        print(f"{path} is now in the dialect of RELION {dialect}.")
    return 0


def _convert(path: Path, dialect: Dialect) -> None:
    if path.is_dir():
        Project.open(path).convert(dialect)
        return
    file = read_job_file(path)
    write_job(path, file.job, dialect=dialect, before=file.dialect, is_continue=file.is_continue, is_tomo=file.is_tomo)
