"""``note.txt``: the command lines of a job as RELION records them, and what the user writes below."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

NOTE_FILE = "note.txt"


def note_commands(directory: Path, commands: Iterable[object]) -> None:
    """Record that these command lines are being executed now, in RELION's form."""
    lines = "\n".join(str(command) for command in commands)
    text = f"\n ++++ Executing new job on {time.asctime()}\n ++++ with the following command(s): \n{lines}\n ++++ \n"
    _append(directory, text)


def note_text(directory: Path, text: str) -> None:
    """Add what the user has to say."""
    _append(directory, text.rstrip("\n") + "\n")


def read_notes(directory: Path) -> str:
    """Return all notes of a job, empty if there are none."""
    try:
        return (directory / NOTE_FILE).read_text(errors="replace")
    except OSError:
        return ""


def _append(directory: Path, text: str) -> None:
    with (directory / NOTE_FILE).open("a") as stream:
        stream.write(text)
