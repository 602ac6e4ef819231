"""Which outputs of a project's jobs fit a parameter, newest first, with what there is to know to choose among them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import InputError
from relionlab.jobs.input_checks import kind_fits
from relionlab.jobs.input_facts import facts_or_none
from relionlab.jobs.process_types import PROCESS_TYPES
from relionlab.params import Parameter
from relionlab.project.pipeline import Pipeline, Process
from relionlab.project.pipeline_file import PIPELINE_FILE
from relionlab.project.project import Project

MOST = 300
_MOST_READ = 50
_BRACES = re.compile(r"(.*)\{([^}]*)\}(.*)")


@dataclass(frozen=True)
class InputChoice:
    """One file that a parameter could take, or a name that it takes instead of a file.

    path   as it is written into the parameter
    job    the job that makes it, as "Class2D/job006"; "" if no job does
    alias  that job's alias without its folder, "" without one
    state  that job's state: a "scheduled" one will make the file
    age    seconds since the file was written, ``None`` where it is not there
    """

    path: str
    job: str = ""
    alias: str = ""
    state: str = ""
    age: float | None = None

    @property
    def origin(self) -> str:
        """Who made it and when, in words: "round1, 3 hours ago", "not made yet (scheduled)"."""
        if self.job and self.age is None:
            return ", ".join(filter(None, (self.alias, f"not made yet ({self.state})")))
        return ", ".join(
            filter(
                None,
                (
                    self.alias,
                    self.state if self.state == "running" else "",
                    "" if self.age is None else age_in_words(self.age),
                ),
            )
        )

    def holds(self, directory: Path) -> str:
        """Return what the file holds ("1,742 particles, 3.54 Å/px"), "" if that is not known."""
        facts = facts_or_none(directory / self.path)
        return facts.words if facts is not None else ""


def input_choices(parameter: Parameter, project: Project | None) -> list[InputChoice]:
    """Return the outputs of the parameter's kind, newest job first, or else the files that match its pattern.

    Outputs of scheduled and running jobs are among them. Names that the parameter takes instead of a file come before.
    """
    found = [InputChoice(name) for name in _names(parameter)]
    if project is not None:
        made = list(_outputs(parameter, project)) if parameter.node else []
        found += made or _lying_about(parameter, project)
    return list({choice.path: choice for choice in found}.values())[:MOST]


def matching_files(pattern: str, folder: Path) -> list[tuple[str, str]]:
    """Return the files of a folder that match a pattern ("*.{star,mrcs}"), each with its age in words, by name.

    Of a pattern of files in folders ("*/*.tif") the wildcards for this folder are returned, with their number of files.
    """
    if "/" in pattern:
        wildcards = [one.rpartition("/")[2] for one in alternatives(pattern)]
        counted = [(one, sum(1 for _ in folder.glob(one))) for one in wildcards]
        return [(f"{folder}/{one}", f"{count:,} files") for one, count in counted if count]
    files = {path for one in alternatives(pattern) for path in folder.glob(one)}
    shown = sorted(path for path in files if path.is_file() and not path.name.startswith("."))[:MOST]
    return [(str(path), age_in_words(_age(path) or 0.0)) for path in shown]


def planned_outputs(project: Project) -> frozenset[str]:
    """Return the files that scheduled and running jobs are to make and that are not there yet."""
    pipeline = project.pipeline
    waiting = {process.name for process in pipeline.processes if process.state in ("scheduled", "running")}
    made = (path for maker, path in pipeline.outputs if maker in waiting)
    return frozenset(path for path in made if not (project.directory / path).exists())


def age_in_words(seconds: float) -> str:
    """Return how long ago something was: "just now", "5 minutes ago", "yesterday", "12 days ago"."""
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // size)
        if count:
            return "yesterday" if (unit, count) == ("day", 1) else f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def alternatives(pattern: str) -> list[str]:
    """Return the wildcards that "*.{star,mrcs}" stands for."""
    found = _BRACES.fullmatch(pattern)
    return [f"{found[1]}{part}{found[3]}" for part in found[2].split(",")] if found else [pattern]


def _names(parameter: Parameter) -> list[str]:
    with suppress(InputError):  # a setting that names nothing is said when a job is run, not by every form
        return list(parameter.names()) if parameter.names else []
    return []


def _outputs(parameter: Parameter, project: Project) -> Iterator[InputChoice]:
    pipeline = project.pipeline
    kinds = {node.path: node.kind for node in pipeline.nodes}
    makers = {path: maker for maker, path in pipeline.outputs}
    processes = {process.name: process for process in pipeline.processes}
    wanted = parameter.node or ""
    fitting = [path for path, kind in kinds.items() if kind == wanted or kind.startswith(f"{wanted}.")]
    for path in sorted(fitting, key=lambda path: _rank(path, makers, processes)):
        process = processes.get(makers.get(path, ""))
        age = _age(project.directory / path)
        if age is None and (process is None or process.state not in ("scheduled", "running")):
            continue  # cleaned away, or never made by a job that failed
        yield _choice(path, process, age)


def _rank(path: str, makers: dict[str, str], processes: dict[str, Process]) -> tuple[int, str]:
    process = processes.get(makers.get(path, ""))
    return (-process.number if process is not None else 1, path)


def _choice(path: str, process: Process | None, age: float | None) -> InputChoice:
    if process is None:
        return InputChoice(path, age=age)
    alias = (process.alias or "").rpartition("/")[2]
    return InputChoice(path, process.name, alias, process.state, age)


def _age(path: Path) -> float | None:
    try:
        return max(0.0, time.time() - path.stat().st_mtime)
    except OSError:
        return None


def _lying_about(parameter: Parameter, project: Project) -> list[InputChoice]:
    """Return the files that match a parameter's pattern, and hold what it expects."""
    found = _matching(parameter.pattern, project) if parameter.pattern else []
    if parameter.node is None:
        return found
    seen = ((choice, facts_or_none(project.directory / choice.path)) for choice in found[:_MOST_READ])
    return [choice for choice, facts in seen if facts is not None and kind_fits(parameter, facts)]


def _matching(pattern: str, project: Project) -> list[InputChoice]:
    """Return files of the project folder, and, where the pattern says more than a suffix, those in job directories.

    A pattern of files in folders ("*/*.tif") stands for wildcards, one for each folder of data.
    """
    folder, pipeline = project.directory, project.pipeline
    if "/" in pattern:
        return [InputChoice(wild) for wild in _wildcards(pattern, folder)]
    near = sorted(path for one in alternatives(pattern) for path in folder.glob(one))
    inside = []
    if not pattern.startswith("*."):
        inside = [path for one in alternatives(pattern) for path in folder.glob(f"*/job*/{one}")]
        inside.sort(key=lambda path: (_job_number(path), path.name), reverse=True)
    files = [path for path in [*near, *inside] if path.is_file() and not _is_own(path)]
    return [_choice(project.relative(path), _maker(path, folder, pipeline), _age(path)) for path in files[:MOST]]


def _wildcards(pattern: str, folder: Path) -> Iterator[str]:
    """Yield a wildcard for each suffix in each folder that holds such files; folders of jobs are left out."""
    taken = {kind.folder for kind in PROCESS_TYPES}
    suffixes = [Path(one).suffix for one in alternatives(pattern)]
    for place in sorted(path for path in folder.iterdir() if path.is_dir() and path.name not in taken):
        if place.name.startswith(".") or place.name == "Trash":
            continue
        for inner in [place, *sorted(path for path in place.iterdir() if path.is_dir())]:
            present = {Path(entry.name).suffix for entry in os.scandir(inner)}
            yield from (f"{inner.relative_to(folder)}/*{suffix}" for suffix in suffixes if suffix in present)


def _is_own(path: Path) -> bool:
    """Say whether a file is the project's or the system's own, which nobody takes as an input."""
    return path.name.startswith(".") or path.name == PIPELINE_FILE


def _job_number(path: Path) -> int:
    digits = re.search(r"\d+", path.parent.name)
    return int(digits.group()) if digits else 0


def _maker(path: Path, folder: Path, pipeline: Pipeline) -> Process | None:
    name = path.parent.relative_to(folder).as_posix()
    return pipeline.process(name) if name.count("/") == 1 and name in pipeline else None
