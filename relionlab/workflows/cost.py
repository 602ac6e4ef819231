"""What a job will cost before it runs: minutes, memory, disk, and whether they will do.

    estimate(job, project).words     # "about 3–6 min · 0.8 GB of 22 GB free · writes 40 MB · 2,040 particles, …"

Only headers and counts of the inputs are read. The memory is that of the planners that the programs themselves ask;
the time is the declared work (:mod:`relionlab.jobs.work`) at the speed of this machine, corrected by what the user's own
finished jobs took.
"""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from relionlab.engine.memory import available_memory
from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.work import Facts, Work, work_of
from relionlab.project import Project
from relionlab.settings import settings, usable_cores
from relionlab.workflows.job_times import Correction, correction
from relionlab.workflows.machine_speed import core_speed

_SHARE_OF_DISK = 0.9
_BUSY = 0.75  # load per core from which others are in the way
_UNITS = ((86400, "days"), (3600, "h"), (60, "min"))


@dataclass(frozen=True)
class Cost:
    """What a job will cost.

    seconds   most likely; ``None``: not known
    bytes     of memory at the peak; ``None``: not known
    words     all of it in one line
    fastest, slowest  seconds between which it will probably end
    disk      bytes that it will write; ``None``: not known
    warnings  why it will not do: memory, disk
    """

    seconds: float | None
    bytes: int | None
    words: str
    fastest: float | None = None
    slowest: float | None = None
    disk: int | None = None
    warnings: tuple[str, ...] = ()


def estimate(job: Job, project: Project) -> Cost:
    """Return what a job will cost in a project; raises nothing: what is not known is said in ``words``."""
    wanted = settings()
    try:
        work = work_of(job, Facts(project.directory, wanted))
    except (RelionlabError, OSError) as error:
        return Cost(None, None, f"Time and memory are not known: {_reason(error)}.")
    if work is None:
        return Cost(None, None, "Takes as long as you work in it.")
    if getattr(job, "do_queue", False):
        return _on_a_cluster(work)
    return _cost(work, correction(type(job).type_label, project), project.directory)


def span_in_words(fastest: float, slowest: float) -> str:
    """Return a span of time as one says it: "about 3–6 min"."""
    middle = math.sqrt(max(fastest, 0.1) * max(slowest, 0.1))
    unit, name = next(((unit, name) for unit, name in _UNITS if middle > 1.5 * unit), (1, "s"))
    low, high = (_round(seconds / unit) for seconds in (fastest, slowest))
    return f"about {high} {name}" if low == high else f"about {low}–{high} {name}"


def size_in_words(size: float) -> str:
    """Return a number of bytes as one says it: "0.8 GB", "40 MB"."""
    if size >= 0.1 * 2**30:
        amount = size / 2**30
        return f"{amount:.1f} GB" if amount < 10 else f"{amount:.0f} GB"
    return f"{max(round(size / 2**20), 1)} MB"


def _cost(work: Work, corrected: Correction, directory: Path) -> Cost:
    seconds = work.seconds(core_speed()) * corrected.factor
    least, most = work.spread
    spread = math.exp(corrected.spread)
    fastest, slowest = seconds * least / spread, seconds * most * spread
    free, room = available_memory(), shutil.disk_usage(directory).free
    warnings = _warnings(work, free, room)
    parts = [span_in_words(fastest, slowest)]
    if work.peak is not None:
        parts.append(f"{size_in_words(work.peak)} of {size_in_words(free)} free")
    if work.disk:
        parts.append(f"writes {size_in_words(work.disk)}")
    if work.words:
        parts.append(work.words)
    if not corrected.jobs:
        parts.append("no job of this kind has run here yet, so the time is a rough guess")
    if _is_busy():
        parts.append("longer while this machine is as busy as now")
    return Cost(seconds, work.peak, " · ".join(parts), fastest, slowest, work.disk, warnings)


def _on_a_cluster(work: Work) -> Cost:
    memory = f"{size_in_words(work.peak)} of memory" if work.peak else "memory not known"
    words = f"{memory} on the queue's machine, whose speed is not known here · {work.words}"
    return Cost(None, work.peak, words, disk=work.disk)


def _warnings(work: Work, free: int, room: int) -> tuple[str, ...]:
    found = []
    if work.doubt:
        found.append(work.doubt)
    elif work.peak is not None and work.peak > free:
        found.append(
            f"It needs about {size_in_words(work.peak)} of memory, and {size_in_words(free)} are free: close other programs,"
            " use fewer threads, a smaller box, or fewer classes."
        )
    if work.disk is not None and work.disk > _SHARE_OF_DISK * room:
        found.append(
            f"It will write about {size_in_words(work.disk)}, and {size_in_words(room)} are free on the project's disk: make room"
            " first (Clean takes away what is no longer needed)."
        )
    return tuple(found)


def _is_busy() -> bool:
    """Say whether others compute on this machine now."""
    return os.getloadavg()[0] > _BUSY * usable_cores()


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def _round(amount: float) -> str:
    """Return two digits at the most: 3, 4.5, 12, 40."""
    if amount < 1:
        return f"{max(amount, 0.1):.1f}".rstrip("0").rstrip(".")
    if amount < 5:
        return f"{round(2 * amount) / 2:g}"
    if amount < 20:
        return f"{round(amount):g}"
    return f"{round(amount / 5) * 5:g}" if amount < 100 else f"{round(amount / 10) * 10:g}"
