"""Finds the files that a name or a wildcard in a parameter means."""

from __future__ import annotations

import glob

from relionlab.errors import NodeError
from relionlab.jobs.context import Context


def find_files(context: Context, pattern: str) -> list[str]:
    """Return the files that a wildcard matches, in order, named as the wildcard is (relative to the project)."""
    if any(mark in pattern for mark in "*?["):
        found = sorted(glob.glob(pattern, root_dir=context.directory))  # noqa: PTH207 - keeps the names as given
    else:
        found = [pattern] if context.path(pattern).exists() else []
    if not found:
        raise NodeError(
            f"{pattern} matches no file in {context.directory}: check the name; it is relative to the project folder."
        )
    return found
