"""What the user's own finished jobs took, against what was foretold: by that the next foretelling is corrected."""

from __future__ import annotations

import math
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from relionlab.errors import RelionlabError
from relionlab.jobs.job_star import read_job_file
from relionlab.jobs.work import Facts, work_of
from relionlab.project import Project
from relionlab.project.markers import marked_state
from relionlab.project.notes import read_notes
from relionlab.project.progress import Progress
from relionlab.workflows.machine_speed import core_speed, machine_name, read_json, write_json

_TIMES_FILE = "job_times.json"
_KEPT = 200  # jobs of all projects together
_LOOKED_AT, _OF_A_TYPE = 12, 4  # newest finished jobs of a project, and of one type
_EXECUTING = re.compile(r"\+{4} Executing new job on (.+)")
_SUCCESS = "RELION_JOB_EXIT_SUCCESS"
_OTHER_TYPE, _OTHER_PROJECT, _OLDER = 0.25, 0.5, 0.85
_DOUBT = 0.5  # weight of knowing nothing
_LONG = 20.0  # seconds: shorter jobs tell less
_UNKNOWN_SPREAD, _LEAST_SPREAD = math.log(1.7), math.log(1.2)


@dataclass(frozen=True)
class Taken:
    """How long a finished job took.

    type      "relion.class2d"
    foretold  seconds that the declared work alone gives on this machine
    actual    seconds
    job       the job directory
    """

    type: str
    foretold: float
    actual: float
    job: str

    @property
    def ratio(self) -> float:
        """Logarithm of how many times longer it took."""
        return math.log(self.actual / self.foretold)


@dataclass(frozen=True)
class Correction:
    """By what a foretold time is multiplied.

    factor  the most likely
    spread  logarithm of by how much it may be wrong, either way
    jobs    finished jobs of the same type on which it rests
    """

    factor: float
    spread: float
    jobs: int


def seconds_taken(directory: Path) -> float | None:
    """Return how long a job took that relionlab ran once, from note.txt to its exit marker; ``None`` if that is not known.

    A folder that was copied keeps these times only if the times of its files were kept; else progress.json counts.
    """
    notes = read_notes(directory)
    starts = _EXECUTING.findall(notes)
    if len(starts) != 1 or "relionlab " not in notes:
        return None
    try:
        start = time.mktime(time.strptime(starts[0].strip()))
        ends = [(directory / _SUCCESS).stat().st_mtime]
    except (ValueError, OSError):
        return None
    told = Progress.read(directory)
    if told is not None and told.updated:
        ends.append(told.updated)
    found = min(ends) if max(ends) - min(ends) > max(60.0, 0.5 * (min(ends) - start)) else max(ends)
    return found - start if 0 < found - start < 30 * 86400 else None


def times_of(project: Project, type_label: str = "") -> list[Taken]:
    """Return the times of the newest finished jobs of a project, newest first, with some more of a type."""
    finished = [process for process in reversed(project.pipeline.processes) if process.state == "finished"]
    kept = finished[:_LOOKED_AT]
    kept += (
        [one for one in finished[_LOOKED_AT:] if one.label.startswith(type_label)][:_OF_A_TYPE] if type_label else []
    )
    found = (taken_by(project, one.name) for one in kept)
    return [one for one in found if one is not None]


def taken_by(project: Project, name: str) -> Taken | None:
    """Return what a job took; ``None`` if it is not finished, or its time or its work is not known."""
    return _taken(str(project.directory), name, _changed(project.directory / name / _SUCCESS))


def correction(type_label: str, project: Project) -> Correction:
    """Return the correction for jobs of a type: from those of its type most, from all that this machine did somewhat."""
    own = times_of(project, type_label)
    known = {one.job for one in own}
    return corrected_by(own, [one for one in _remember(own) if one.job not in known], type_label)


def corrected_by(own: list[Taken], others: list[Taken], type_label: str) -> Correction:
    """Return the correction that follows from jobs of the project, and of other projects; newest first."""
    weighted = _weighted(own, type_label, 1.0) + _weighted(others, type_label, _OTHER_PROJECT)
    total = sum(weight for weight, _ in weighted)
    mean = sum(weight * ratio for weight, ratio in weighted) / (total + _DOUBT)
    variance = sum(weight * (ratio - mean) ** 2 for weight, ratio in weighted) + _DOUBT * _UNKNOWN_SPREAD**2
    spread = math.sqrt(variance / (total + _DOUBT))
    same = sum(one.type == type_label for one in (*own, *others))
    return Correction(math.exp(mean), min(max(spread, _LEAST_SPREAD), math.log(2.5)), same)


def _weighted(times: list[Taken], type_label: str, whole: float) -> list[tuple[float, float]]:
    found = []
    for age, one in enumerate(times):
        weight = whole * _OLDER**age * min(one.actual / _LONG, 1.0)
        found.append((weight if one.type == type_label else weight * _OTHER_TYPE, one.ratio))
    return found


def _remember(own: list[Taken]) -> list[Taken]:
    """Return what all projects' jobs took on this machine, newest first, with these among them."""
    kept = read_json(_TIMES_FILE)
    mine: dict[str, list[float | str]] = {}
    with suppress(AttributeError):
        mine = dict(kept.get(machine_name(), {}))
    before = dict(mine)
    for one in reversed(own):
        mine[one.job] = [one.type, one.foretold, one.actual]
    mine = dict(list(mine.items())[-_KEPT:])
    if mine != before:
        write_json(_TIMES_FILE, {**kept, machine_name(): mine})
    found = []
    for job, values in reversed(mine.items()):
        with suppress(ValueError, TypeError):
            label, foretold, actual = values
            found.append(Taken(str(label), float(foretold), float(actual), job))
    return found


@lru_cache(maxsize=1024)
def _taken(directory: str, name: str, _changed_at: int) -> Taken | None:
    place = Path(directory) / name
    actual = seconds_taken(place) if marked_state(place) == "finished" else None
    if actual is None:
        return None
    try:
        job = read_job_file(place).job
        work = work_of(job, Facts(Path(directory)))
    except (RelionlabError, OSError):
        return None
    if work is None:
        return None
    return Taken(type(job).type_label, work.seconds(core_speed()), max(actual, 0.5), str(place))


def _changed(place: Path) -> int:
    try:
        return place.stat().st_mtime_ns
    except OSError:
        return 0
