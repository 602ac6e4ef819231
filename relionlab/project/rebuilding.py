"""Making a pipeline from what the job directories themselves hold, when the pipeline file is lost or damaged."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from relionlab.errors import ParameterError, PipelineError, ProjectError, StarError
from relionlab.jobs.job_star import JobFile, read_job_file
from relionlab.params import Dialect
from relionlab.project.markers import marked_state
from relionlab.project.node_kinds import process_of_folder
from relionlab.project.pipeline import Pipeline, Process
from relionlab.project.pipeline_file import JOB_PIPELINE_FILE, PIPELINE_FILE, read_pipeline

_BOOKKEEPING = {"job.star", "run.job", JOB_PIPELINE_FILE, PIPELINE_FILE}


def rebuilt_pipeline(directory: Path) -> Pipeline:
    """Return the pipeline of the job directories in a folder.

    The newest backup of the pipeline is the ground; jobs whose directory is gone leave it, jobs that it does not know
    join it from their own job_pipeline.star or job.star. States come from the exit markers; a job without one is taken
    for finished if it has written anything.

    Raises ProjectError if the folder does not exist or has no job directories.
    """
    if not directory.is_dir():
        raise ProjectError(f"{directory} does not exist; expected the folder of a project.")
    places = {place.relative_to(directory).as_posix(): place for place in _job_directories(directory)}
    if not places:
        raise ProjectError(
            f"{directory} has no job directories like Class2D/job001, so no pipeline can be made from it."
        )
    pipeline = _ground(places, _dialect(places))
    pipeline = pipeline.without([process.name for process in pipeline.processes if process.name not in places])
    for name, place in sorted(places.items(), key=lambda item: Process(item[0], "", "").number):
        if name not in pipeline:
            pipeline = _joined(pipeline, name, place)
        pipeline = pipeline.with_state(name, _state(place))
    for alias, name in _aliases(directory, places).items():
        if alias not in pipeline:
            pipeline = pipeline.with_alias(name, alias)
    return replace(pipeline, counter=pipeline.next_number)


def _job_directories(directory: Path) -> list[Path]:
    found = directory.glob("[!.]*/job[0-9][0-9][0-9]*")
    return [place for place in found if place.is_dir() and not place.is_symlink() and place.parent.name != "Trash"]


def _dialect(places: dict[str, Path]) -> Dialect:
    count = Counter(found.dialect for place in places.values() if (found := _file(place)) is not None)
    return count.most_common(1)[0][0] if count else "3.1"


def _ground(places: dict[str, Path], dialect: Dialect) -> Pipeline:
    best = Pipeline().convert(dialect)
    for place in places.values():
        with suppress(PipelineError):
            backup = read_pipeline(place / PIPELINE_FILE) if (place / PIPELINE_FILE).exists() else best
            if len(backup.processes) > len(best.processes):
                best = backup
    return best


def _joined(pipeline: Pipeline, name: str, place: Path) -> Pipeline:
    part = Pipeline()
    with suppress(PipelineError):
        part = read_pipeline(place / JOB_PIPELINE_FILE)
    file = _file(place)
    if name in part:
        process = part.process(name)
        return pipeline.with_process(process, inputs=part.inputs_of(name), outputs=part.outputs_of(name))
    if file is None:  # the folder's name still tells the type
        return pipeline.with_process(Process(name, process_of_folder(place.parent.name), "scheduled"))
    process = Process(name, file.job.label(), "scheduled")
    return pipeline.with_process(process, inputs=file.job.inputs(), outputs=file.job.outputs(f"{name}/"))


def _file(place: Path) -> JobFile | None:
    try:
        return read_job_file(place)
    except (StarError, ParameterError):
        return None


def _state(place: Path) -> str:
    wrote = any(entry.name not in _BOOKKEEPING for entry in place.iterdir())
    return marked_state(place) or ("finished" if wrote else "scheduled")


def _aliases(directory: Path, places: dict[str, Path]) -> dict[str, str]:
    by_place = {place.resolve(): name for name, place in places.items()}
    links = [link for link in directory.glob("[!.]*/*") if link.is_symlink()]
    return {
        link.relative_to(directory).as_posix(): by_place[link.resolve()] for link in links if link.resolve() in by_place
    }
