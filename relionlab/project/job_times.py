"""When a job began and ended, by what its directory tells: also for RELION's own jobs."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from relionlab.project.markers import EXIT_MARKERS
from relionlab.project.notes import NOTE_FILE

_BEGAN = re.compile(r"\+\+\+\+ Executing new job on (\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4})")
_PARAMETER_FILES = ("job.star", "run.job")
_MOST_NOTES = 20_000  # characters of note.txt that are looked at, from its end


@dataclass(frozen=True)
class JobTimes:
    """Seconds since 1970; ``None`` where the directory does not tell.

    began  the last start that note.txt records
    ended  when the marker of its end was left
    made   when its parameters were written
    """

    began: float | None = None
    ended: float | None = None
    made: float | None = None

    @property
    def latest(self) -> float | None:
        """The time to be shown in a list: end, else begin, else when it was made."""
        return self.ended or self.began or self.made

    @property
    def seconds(self) -> float | None:
        """How long the job took, if both its begin and its end are known."""
        if self.began is None or self.ended is None or self.ended < self.began:
            return None
        return self.ended - self.began


def job_times(directory: Path) -> JobTimes:
    """Return when the job in this directory began and ended; all unknown where there is no directory."""
    ended = [found for name in EXIT_MARKERS.values() if (found := _changed(directory / name)) is not None]
    made = [found for name in _PARAMETER_FILES if (found := _changed(directory / name)) is not None]
    return JobTimes(_began(directory / NOTE_FILE), max(ended, default=None), min(made, default=None))


def _changed(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _began(note: Path) -> float | None:
    with suppress(OSError, ValueError):
        found = _BEGAN.findall(note.read_text(errors="replace")[-_MOST_NOTES:])
        if found:
            return time.mktime(time.strptime(found[-1]))
    return None
