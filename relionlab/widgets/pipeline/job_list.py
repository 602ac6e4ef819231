"""The list of jobs: newest first, live, searched and filtered in the page."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import traitlets

from relionlab.widgets.parts.page_files import joined, page_script
from relionlab.widgets.parts.state_dots import DOTS
from relionlab.widgets.parts.telling import TellingWidget
from relionlab.workflows.job_rows import JobRow

_DAY = 86_400.0


class JobList(TellingWidget):
    """Shows jobs as lines; tells "open" and "hide" with the name of a job."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = DOTS + joined(Path(__file__).with_suffix(".css"))

    rows = traitlets.List().tag(sync=True)
    """Per job: name, title, kind, state, time in words, the number that matters, tip."""
    hidden = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the jobs that are not shown unless asked for."""
    current = traitlets.Unicode("").tag(sync=True)
    """Name of the job whose page is in front."""

    def show(self, rows: Sequence[JobRow]) -> None:
        """Show these jobs; nothing is sent if nothing has changed."""
        now = time.time()
        shown = [_line(row, now) for row in rows]
        if shown != self.rows:
            self.rows = shown


def spoken_time(when: float, now: float) -> str:
    """Return a time as a list tells it: "14:05" today, "Mon 14:05" this week, "3 Jun" this year, else "Jun 2019"."""
    then = time.localtime(when)
    if time.strftime("%F", then) == time.strftime("%F", time.localtime(now)):
        return time.strftime("%H:%M", then)
    if 0 <= now - when < 6 * _DAY:
        return time.strftime("%a %H:%M", then)
    if then.tm_year == time.localtime(now).tm_year:
        return f"{then.tm_mday} {time.strftime('%b', then)}"
    return time.strftime("%b %Y", then)


def _line(row: JobRow, now: float) -> dict[str, str]:
    when = "" if row.time is None else spoken_time(row.time, now)
    whole = "" if row.time is None else time.strftime("%F %H:%M", time.localtime(row.time))
    tip = f"{row.name}{f' ({row.alias})' if row.alias else ''}: {row.state}{f', {row.number}' if row.number else ''}"
    return {
        "name": row.name,
        "title": row.title,
        "kind": row.kind,
        "number": row.number,
        "state": row.state,
        "when": when,
        "tip": f"{tip}{f'; {whole}' if whole else ''}",
    }
