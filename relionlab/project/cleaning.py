"""Deleting jobs to the Trash and back, and cleaning finished jobs of what is no longer needed.

As in RELION, nothing is removed for good: files and jobs move to ``Trash/`` under the same path, until that is emptied.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from relionlab.errors import JobStateError, ProjectError
from relionlab.project.alias import link_alias
from relionlab.project.markers import NO_HARSH_CLEAN
from relionlab.project.node_entries import enter_nodes, remove_nodes
from relionlab.project.node_kinds import process_number
from relionlab.project.pipeline_file import read_pipeline, write_pipeline

if TYPE_CHECKING:
    from relionlab.project.job_directory import JobDirectory
    from relionlab.project.pipeline import Pipeline
    from relionlab.project.project import Project

TRASH = "Trash"
DELETED_FILE = "deleted_pipeline.star"

_ITERATION = re.compile(r"^run(?:_ct(\d+))?_it(\d{3})_")
_IN_SUBDIRECTORIES = "*/**/*"

# Patterns of intermediate files by process number, as RELION 3.1 cleans: nobody takes them as an input.
GENTLE: dict[int, tuple[str, ...]] = {
    1: ("*/**/*.com", "*/**/*.err", "*/**/*.out", "*/**/*.log"),
    2: ("gctf*.out", "gctf*.err", _IN_SUBDIRECTORIES),
    4: ("*/**/*.spi",),
    5: ("*/**/*_extract.star",),
    15: ("*masked.mrc",),
    20: ("*/**/*_FCC_cc.mrc", "*/**/*_FCC_w0.mrc", "*/**/*_FCC_w1.mrc"),
    21: ("*/**/*_wAcc_optics-group*.mrc", "*/**/*_xyAcc_optics-group*.mrc", "*/**/*_fit.star", "*/**/*_fit.eps"),
}
# Patterns of files that other jobs could take as inputs, and that can be made again.
HARSH: dict[int, tuple[str, ...]] = {
    1: (_IN_SUBDIRECTORIES,),
    5: (_IN_SUBDIRECTORIES,),
    14: ("subtracted.*",),
    19: ("analyse_component???_bin???.mrc",),
    20: ("*/**/*_shiny.mrcs", "*/**/*_shiny.star"),
}
_REFINEMENTS = (8, 9, 10, 18, 19)


def delete(job: JobDirectory, *, with_users: bool = False) -> list[str]:
    """Move a job to the Trash and take it out of the pipeline; return the names of the jobs that went.

    with_users  take the jobs that use its files along, and theirs

    Raises JobStateError if one of them runs.
    """
    project, pipeline = job.project, job.project.pipeline
    names = [job.name, *(pipeline.users(job.name) if with_users else ())]
    running = [name for name in names if project.job(name).state == "running"]
    if running:
        raise JobStateError(f"{', '.join(running)} is running: abort it before deleting.")
    part = pipeline.only(names)
    remove_nodes(project.directory, pipeline, names)
    for name in names:
        if (project.directory / name).is_dir():
            write_pipeline(project.directory / name / DELETED_FILE, part)
    project.change(f"deleteJob: {job.name}/", lambda p: p.without(names))
    for process in part.processes:
        link_alias(project.directory, process.name, None, old=process.alias)
        if (project.directory / process.name).is_dir():
            _move(project.directory, Path(process.name), project.directory / TRASH)
    return names


def undelete(project: Project, name: str) -> list[str]:
    """Bring a job back from the Trash, with those that were deleted with it; return their names.

    Raises ProjectError if it is not there.
    """
    trash = project.directory / TRASH
    place = trash / name.strip("/") / DELETED_FILE
    if not place.exists():
        there = sorted(path.parent.relative_to(trash).as_posix() for path in trash.glob(f"*/job*/{DELETED_FILE}"))
        raise ProjectError(f"{name} is not in {trash}; there: {', '.join(there) or 'nothing'}.")
    part = read_pipeline(place)
    back = [process for process in part.processes if (trash / process.name).is_dir()]

    def grow(pipeline: Pipeline) -> Pipeline:
        for process in back:
            if process.alias and process.alias in pipeline:
                process = replace(process, alias=None)
            inputs, outputs = part.inputs_of(process.name), part.outputs_of(process.name)
            pipeline = pipeline.with_process(process, inputs=inputs, outputs=outputs)
        return pipeline

    pipeline = project.change(f"undeleteJob: {name}/", grow)
    for process in back:
        _move(trash, Path(process.name), project.directory)
        (project.directory / process.name / DELETED_FILE).unlink(missing_ok=True)
        link_alias(project.directory, process.name, pipeline.process(process.name).alias)
    names = [process.name for process in back]
    enter_nodes(project.directory, pipeline, names)
    return names


def empty_trash(project: Project) -> int:
    """Remove what is in the Trash for good; return how many bytes that frees."""
    size = size_of_trash(project)
    shutil.rmtree(project.directory / TRASH, ignore_errors=True)
    return size


def size_of_trash(project: Project) -> int:
    """Return how many bytes lie in the Trash."""
    files = (project.directory / TRASH).rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file() and not path.is_symlink())


def clean(job: JobDirectory, *, harsh: bool = False, pretend: bool = False) -> list[Path]:
    """Move files of a finished job that are no longer needed to the Trash; return them.

    harsh    also those that other jobs could use, unless a file NO_HARSH_CLEAN in the directory forbids it
    pretend  only say which

    A file that is in the pipeline is never touched. Raises JobStateError if the job is not finished.
    """
    if job.state != "finished":
        raise JobStateError(f"{job.name} is {job.state}: only finished jobs can be cleaned.")
    if harsh and (job.path / NO_HARSH_CLEAN).exists():
        harsh = False
    files = _superfluous(job, harsh=harsh)
    if not pretend:
        for path in files:
            _move(job.project.directory, path.relative_to(job.project.directory), job.project.directory / TRASH)
    return files


def _superfluous(job: JobDirectory, *, harsh: bool) -> list[Path]:
    number = process_number(job.type)
    patterns = GENTLE.get(number, ()) + (HARSH.get(number, ()) if harsh else ())
    found = {path for pattern in patterns for path in job.path.glob(pattern) if path.is_file()}
    if number in _REFINEMENTS:
        found |= set(_earlier_iterations(job.path))
    listed = {node.path for node in job.project.pipeline.nodes}
    relative = {path: path.relative_to(job.project.directory).as_posix() for path in found}
    return sorted(path for path in found if relative[path] not in listed)


def _earlier_iterations(directory: Path) -> list[Path]:
    """Return the files of all iterations but the last one of the last continuation."""
    dated = [
        ((int(found.group(1) or 0), int(found.group(2))), path)
        for path in directory.iterdir()
        if (found := _ITERATION.match(path.name))
    ]
    last = max((when for when, _ in dated), default=(0, 0))
    return [path for when, path in dated if when < last]


def _move(source: Path, path: Path, target: Path) -> None:
    place = target / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        shutil.rmtree(place)
    shutil.move(source / path, place)
