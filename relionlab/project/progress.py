"""What a running job tells about itself: how far it is, who runs it, and why it ended.

Two files in the job directory, each written whole: ``progress.json``, and ``.process.json``, whose time of change
is renewed while the job lives (its heartbeat), so that a job that was killed is recognised, also from another machine.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from relionlab.project.process_record import ProcessRecord

PROGRESS_FILE = "progress.json"
PROCESS_FILE = ".process.json"
HEARTBEAT_SECONDS = 10.0
SILENCE_SECONDS = 300.0
"""A job on another machine is taken for dead after so long without a heartbeat; generous, as clocks and NFS lag."""


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    done, total  as (3, 25)
    what         of what: "iterations"
    updated      when this was written, in seconds since 1970
    message      why the job ended, in a sentence; empty while all is well
    """

    done: float = 0.0
    total: float = 0.0
    what: str = ""
    updated: float = 0.0
    message: str = ""

    @property
    def fraction(self) -> float:
        """The share that is done, 0 to 1."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else 0.0

    def write(self, directory: Path) -> None:
        """Write it to the job directory."""
        path = directory / PROGRESS_FILE
        aside = path.with_name(f".{PROGRESS_FILE}.{os.getpid()}")
        aside.write_text(json.dumps(asdict(self)) + "\n")
        aside.replace(path)

    @classmethod
    def read(cls, directory: Path) -> Progress | None:
        """Read it from a job directory, ``None`` if the job has told nothing."""
        try:
            found = json.loads((directory / PROGRESS_FILE).read_text())
            return cls(**{name: found[name] for name in cls.__dataclass_fields__})
        except (OSError, ValueError, KeyError, TypeError):
            return None


class Heartbeat:
    """Keeps ``.process.json`` fresh as long as this process lives; a context manager."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / PROCESS_FILE
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        ProcessRecord.of(os.getpid()).write(self._path)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):  # a full disk or a hiccup of NFS must not end the job
                os.utime(self._path)


def death(directory: Path) -> str | None:
    """Return how it shows that the process of a job is gone, in a sentence; ``None`` if it lives or nobody can tell."""
    record = ProcessRecord.read(directory / PROCESS_FILE)
    if record is None:
        return None
    alive = record.alive()
    beat = _time_of(directory / PROCESS_FILE)
    if _time_of(directory / "job.star") > beat:
        return None  # RELION has started the job anew since: the record is of an earlier run
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(beat))
    cure = "Continue the job: it goes on from its last finished step."
    if alive is False:
        return (
            f"The job's {record} ended without saying why; its last sign of life was at {when}. It was killed (by "
            f"somebody, for want of memory, or by the queue) or the machine was restarted. {cure}"
        )
    if alive is None and time.time() - beat > SILENCE_SECONDS:
        return f"The job's {record} has given no sign of life since {when}: it or its machine is gone. {cure}"
    return None


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
