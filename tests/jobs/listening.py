"""A context for tests: it works inline and keeps what is said."""

from __future__ import annotations

from pathlib import Path

from relionlab.errors import AbortedError
from relionlab.jobs.context import PlainContext
from relionlab.settings import settings


class Listening(PlainContext):
    """Keeps what is said, warned and reported; stops after so many reports."""

    def __init__(self, directory: Path, stop_after: int = 9999, **more: object) -> None:
        super().__init__(directory, settings(**{"executor": "inline", **more}), quiet=True)
        self.said: list[str] = []
        self.warned: list[str] = []
        self.reports: list[tuple[float, float, str]] = []
        self.stop_after = stop_after

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def progress(self, done: float, total: float, what: str) -> None:
        self.reports.append((done, total, what))

    def stop_if_asked(self) -> None:
        if len(self.reports) >= self.stop_after:
            raise AbortedError("asked")
