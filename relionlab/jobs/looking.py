"""A program's look at its inputs before it runs: the context in which it looks, and what it has found.

A program's :meth:`~relionlab.jobs.base.Program.look` asks what its run asks first, in the same words, and stops before the work:
heads of images, lists, references. So the command line, a notebook and a form tell alike what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

from relionlab.errors import RelionlabError
from relionlab.jobs.base import Command
from relionlab.jobs.context import Context, PlainContext
from relionlab.jobs.registry import programs

MOST_BYTES = 150_000_000
"""Of files that are read whole for a look: maps of 330 px, lists of 400,000 particles."""
MOST_IMAGES = 12
"""Of a list that are opened for a look, spread over it."""
T = TypeVar("T")


@dataclass
class LookContext(PlainContext):
    """A context that keeps what it is warned of, and says nothing."""

    quiet: bool = True
    doubts: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Keep a warning."""
        said = text.strip()
        for word in ("warning:", "Warning:"):
            said = said.removeprefix(word).strip()
        self.doubts.append(said)

    def progress(self, done: float, total: float, what: str) -> None:
        """Show nothing."""


def look(commands: Sequence[Command], directory: Path, *, values: bool = True) -> tuple[str, tuple[str, ...]]:
    """Return what keeps the first of these programs from its work, "" if nothing is known to, and what may be wrong.

    values  whether its values are looked at too: not where they are known to be wrong, and said already

    The programs after it work on what it makes.
    """
    context = LookContext(directory)
    try:
        for command in commands[:1]:
            program = programs()[command.program].from_flags(command.arguments)
            if values:
                program.check()
            program.look(context)
    except RelionlabError as error:
        return _named_shortly(str(error), directory), ()
    return "", tuple(_named_shortly(text, directory) for text in context.doubts)


def quickly_read(context: Context, *names: str) -> bool:
    """Say whether files are there, and small enough to be read for a look."""
    places = [context.path(name) for name in names]
    return all(place.is_file() and place.stat().st_size <= MOST_BYTES for place in places)


def spread(items: Sequence[T], most: int = MOST_IMAGES) -> list[T]:
    """Return at most so many items, the first and the last among them."""
    places = np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).astype(int)) if len(items) else []
    return [items[int(place)] for place in places]


def tell_of_faults(
    context: Context, faults: Iterable[tuple[str, RelionlabError]], *, looked_at: int, what: str
) -> None:
    """Warn of images that cannot be worked on, and raise the first one's error if none of those that were looked at can."""
    found = list(faults)
    if found and len(found) == looked_at:
        raise found[0][1]
    if found:
        are = f"{len(found)} of the {looked_at} {what} looked at cannot be used and will be left out"
        context.warn(f"{are}: {found[0][1]}")


def _named_shortly(text: str, directory: Path) -> str:
    """Return a text in which the project's files are named as in its lists."""
    return text.replace(f"{directory}/", "")
