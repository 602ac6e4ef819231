"""Which process does a job or holds a lock, and whether it is still there.

A process is named by machine, number and start time: the number alone is given to another process sooner or later.
"""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessRecord:
    """One process of one machine.

    pid      its number
    host     its machine
    started  when it started, in the system's own ticks since boot; 0 where the system does not tell
    since    wall-clock time at which the record was made, in seconds since 1970
    """

    pid: int
    host: str
    started: int
    since: float

    @classmethod
    def of(cls, pid: int) -> ProcessRecord:
        """Return the record of a process on this machine."""
        return cls(pid=pid, host=socket.gethostname(), started=_start_ticks(pid), since=time.time())

    @property
    def here(self) -> bool:
        """Whether the process belongs to this machine, so that its life can be checked."""
        return self.host == socket.gethostname()

    def alive(self) -> bool | None:
        """Say whether the process still runs; ``None`` if that cannot be known from this machine."""
        if not self.here:
            return None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _state(self.pid) != "Z" and (not self.started or _start_ticks(self.pid) == self.started)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"

    def to_json(self) -> str:
        """Return the record as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> ProcessRecord | None:
        """Return the record in a JSON text, ``None`` if there is none."""
        try:
            found = json.loads(text)
            return cls(int(found["pid"]), str(found["host"]), int(found["started"]), float(found["since"]))
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write the record to a file."""
        path.write_text(self.to_json() + "\n")

    @classmethod
    def read(cls, path: Path) -> ProcessRecord | None:
        """Read the record in a file, ``None`` if there is none."""
        try:
            return cls.from_json(path.read_text())
        except OSError:
            return None


def _stat(pid: int) -> list[str]:
    try:
        # The command's name is in brackets and may hold blanks and brackets itself.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else ""


def _start_ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else 0
