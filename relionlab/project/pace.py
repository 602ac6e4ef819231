"""How long a job will still take, by the pace that it has gone so far."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from relionlab.project.progress import Progress

_ITERATION = re.compile(r"_it(\d+)_optimiser\.star$")
WINDOW = 600.0
"""Seconds over which the pace is taken: later iterations are slower or faster than the first ones."""


@dataclass
class Pace:
    """Remembers how far a job was when, and says how long it will still take.

    ``seen`` holds (when in seconds since 1970, how much was done), oldest first.
    """

    seen: list[tuple[float, float]] = field(default_factory=list)

    def saw(self, told: Progress, *, when: float | None = None) -> None:
        """Take note of how far the job is."""
        when = told.updated or time.time() if when is None else when
        if self.seen and told.done < self.seen[-1][1]:
            self.seen.clear()  # started anew
        if not self.seen or told.done > self.seen[-1][1]:
            self.seen.append((when, told.done))
        while len(self.seen) > 2 and self.seen[-1][0] - self.seen[0][0] > WINDOW:
            self.seen.pop(0)

    def learn(self, directory: Path) -> None:
        """Take the pace so far from when the iterations' files were written: for a job that was not watched from its start."""
        found = {path: _ITERATION.search(path.name) for path in directory.glob("*_it*_optimiser.star")}
        self.seen = sorted((path.stat().st_mtime, float(match[1])) for path, match in found.items() if match)

    def seconds_left(self, told: Progress, *, now: float | None = None) -> float | None:
        """Return the seconds left, ``None`` as long as nothing has moved."""
        if len(self.seen) < 2 or told.total <= 0:
            return None
        (began, before), (last, done) = self.seen[0], self.seen[-1]
        if done <= before or last <= began:
            return None
        each = (last - began) / (done - before)
        since = (time.time() if now is None else now) - last
        return max((told.total - done) * each - min(since, each), 0.0)


def spoken(seconds: float) -> str:
    """Return a time as people say it: "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
