"""The end of a log that grows: what was written since the last look, and nothing read twice."""

from __future__ import annotations

from pathlib import Path

FIRST_BYTES = 200_000
"""How much of a long log is read at the first look."""


class LogTail:
    """The last lines of a file to which a program adds.

    Of a line that is written over with carriage returns (a progress bar) the last state counts.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = -1
        self._rest = ""

    def look(self) -> list[str]:
        """Return the lines that have come since the last look; the first time the last ones, after which all."""
        try:
            size = self.path.stat().st_size
            if size < self._at:  # the job was started anew
                self._at, self._rest = -1, ""
            if size == self._at:
                return []
            start = max(size - FIRST_BYTES, 0) if self._at < 0 else self._at
            with self.path.open("rb") as file:
                file.seek(start)
                data = file.read(size - start)
        except OSError:
            return []
        text = self._rest + data.decode("utf-8", errors="replace")
        if self._at < 0 and start > 0:
            text = text.partition("\n")[2]
        self._at = start + len(data)
        *lines, self._rest = text.split("\n")
        return [_last_state(line) for line in lines]

    @property
    def pending(self) -> str:
        """The line that is being written, as it stands: a progress bar, as a rule."""
        return _last_state(self._rest)


def _last_state(line: str) -> str:
    return line.rstrip("\r").rpartition("\r")[2].rstrip()
