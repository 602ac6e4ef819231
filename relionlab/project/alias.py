"""Aliases: a second name of a job, kept in the pipeline and as a symbolic link beside the job directory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from relionlab.errors import ParameterError, ProjectError

_FORBIDDEN = "*?()/\"\\|#<>&%{}$'"


def checked_alias(text: str, folder: str) -> str:
    """Return the full alias ("Class2D/round1") for what the user typed; raises ParameterError if RELION would refuse it."""
    name = text.strip().rstrip("/").removeprefix(f"{folder}/").replace(" ", "_")
    if len(name) < 2:
        raise ParameterError(f"The alias {text!r} is too short: give at least two characters.")
    if name.startswith("job"):
        raise ParameterError(
            f"The alias {text!r} begins with 'job', which RELION keeps for its numbers: choose another one."
        )
    bad = sorted(set(name) & set(_FORBIDDEN))
    if bad:
        raise ParameterError(
            f"The alias {text!r} has {' '.join(bad)} in it: use letters, digits, dot, dash, underscore."
        )
    return f"{folder}/{name}"


def link_alias(directory: Path, name: str, alias: str | None, *, old: str | None = None) -> None:
    """Make the alias's symbolic link in the project, and remove that of the old alias."""
    if old is not None and (directory / old).is_symlink():
        (directory / old).unlink()
    if alias is None:
        return
    link = directory / alias
    if link.exists() and not link.is_symlink():
        raise ProjectError(f"{link} is there and is no alias: choose another name.")
    with suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(f"../{name}/", target_is_directory=True)
