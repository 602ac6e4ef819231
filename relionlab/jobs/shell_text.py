"""A job as the command lines that do its work, to be typed in a shell."""

from __future__ import annotations

import shlex
from pathlib import Path

from relionlab.jobs.base import Job


def shell_text(job: Job, output: str, *, directory: str | Path | None = None) -> str:
    """Return lines for a shell that do what the job does, without entering it into a project's pipeline.

    output     directory of the results, "Class2D/job001/"
    directory  the project folder, in which the lines are to be run; left out where it is not known

    Raises ParameterError for values that make no command.
    """
    lines = [f"cd {shlex.quote(str(directory))}"] if directory is not None else []
    lines.append(f"mkdir -p {shlex.quote(output)}")
    return "\n".join([*lines, *map(str, job.commands(output))]) + "\n"
