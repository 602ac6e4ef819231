"""The log of a job: run.out and run.err as they grow, each line with its severity, those that are known with what to do."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import anywidget
import traitlets

from relionlab.project.job_directory import ERROR_FILE, OUTPUT_FILE
from relionlab.project.log_tail import LogTail
from relionlab.widgets.parts.page_files import page_script
from relionlab.workflows.log_hints import LogLine, read_line

MOST = 600
"""Lines that are kept in the page; the files hold them all."""


class LogPanel(anywidget.AnyWidget):
    """Follows a job's log, with filters for warnings and errors and a search."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("log_panel.css")

    entries = traitlets.List().tag(sync=True)
    """Per line: text, severity ("plain", "warning", "error") and hint."""
    height = traitlets.Unicode("190px").tag(sync=True)
    """Height of the box."""
    tall = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether the box is made taller."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=MOST)
        self._tails: tuple[LogTail, LogTail] | None = None
        self._shown: list[LogLine] = []

    def follow(self, directory: Path) -> None:
        """Show the log in this directory from now on."""
        self._lines.clear()
        self._tails = (LogTail(directory / OUTPUT_FILE), LogTail(directory / ERROR_FILE))

    def look(self, *, last: str = "") -> None:
        """Read what is new; ``last`` is a line that stands at the end, as why the job failed."""
        if self._tails is None:
            return
        out, err = self._tails
        self._lines.extend(read_line(text) for text in out.look())
        self._lines.extend(read_line(text, from_errors=True) for text in err.look() if text.strip())
        lines = list(self._lines)
        if out.pending.strip():
            lines.append(LogLine(out.pending))
        if last and not any(last in one.text for one in lines[-3:]):
            lines.append(LogLine(last, "error", read_line(last, from_errors=True).hint))
        if lines != self._shown:
            self._shown = lines
            self.entries = [{"text": one.text, "severity": one.severity, "hint": one.hint} for one in lines]

    def recent(self) -> tuple[list[str], str]:
        """Return the lines kept and the one that is being written, by which RELION's jobs tell how far they are."""
        pending = self._tails[0].pending if self._tails else ""
        return [line.text for line in self._lines], pending
