"""What a recipe may ask of its surroundings: read an input, write an output, report, stop if asked.

Jobs never import the project: a recipe receives a :class:`Context`, and the ten-line :class:`PlainContext` serves
programs on the command line and tests.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from relionlab.settings import Settings, settings

BEFOREHAND = "before the first iteration"
"""How the words of a progress end that is not yet the job's own: where it is full, the job has still to begin."""


class Context(Protocol):
    """The surroundings of a running job."""

    directory: Path
    """Directory from which the relative paths in STAR files and parameters start: the project."""
    settings: Settings
    """Where and how to compute."""

    def path(self, name: str | Path) -> Path:
        """Return where a file named in a parameter or a STAR file lies."""
        ...

    def say(self, text: str) -> None:
        """Add a line to the job's log (run.out)."""
        ...

    def warn(self, text: str) -> None:
        """Add a line to the job's warnings (run.err)."""
        ...

    def progress(self, done: float, total: float, what: str) -> None:
        """Report how far the work is, as (3, 25, "iterations")."""
        ...

    def stop_if_asked(self) -> None:
        """Raise AbortedError if somebody asked the job to stop."""
        ...


@dataclass
class PlainContext:
    """A context without a project: prints, and never stops."""

    directory: Path = field(default_factory=Path.cwd)
    settings: Settings = field(default_factory=settings)
    quiet: bool = False

    def path(self, name: str | Path) -> Path:
        """Return where a file named in a parameter or a STAR file lies."""
        return self.directory / name

    def say(self, text: str) -> None:
        """Print a line."""
        if not self.quiet:
            print(text, flush=True)

    def warn(self, text: str) -> None:
        """Print a line on standard error."""
        print(text, file=sys.stderr, flush=True)

    def progress(self, done: float, total: float, what: str) -> None:
        """Show how far the work is, on a terminal only."""
        if sys.stdout.isatty() and not self.quiet:
            print(f"\r{done:.1f} of {total:g} {what} ", end="\n" if done >= total else "", flush=True)

    def stop_if_asked(self) -> None:
        """Do nothing: nobody can ask."""
