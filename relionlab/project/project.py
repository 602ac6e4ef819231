"""A project: a RELION project folder, and what can be done with its jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from relionlab.errors import InputError, LockedError, NodeError, ParameterError, ProjectError, StarError
from relionlab.jobs.base import Job, Node
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.input_checks import input_problems
from relionlab.jobs.job_star import read_job_file, write_job
from relionlab.params import Dialect
from relionlab.project import lock
from relionlab.project.alias import checked_alias, link_alias
from relionlab.project.job_directory import JobDirectory
from relionlab.project.node_entries import enter_nodes
from relionlab.project.pipeline import Pipeline, Process
from relionlab.project.pipeline_file import JOB_PIPELINE_FILE, PIPELINE_FILE, read_pipeline, write_pipeline

CHANGED_FILE = ".pipeline_has_changed"
"""RELION's graphical interface reads the pipeline again when this file appears."""
GUI_FILE = ".gui_projectdir"
"""RELION's graphical interface does not ask whether this is to be a project when this file is there."""


@dataclass(frozen=True)
class Project:
    """A RELION project folder; nothing is held in memory, so that several programs can work in it at once.

    directory  the folder, absolute
    """

    directory: Path

    # --- opening ------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: str | Path) -> Project:
        """Make a new project, in RELION 3.1's dialect; the folder is made if it is not there.

        Raises ProjectError if the folder is a project already, or cannot be written.
        """
        project = cls(Path(path).absolute())
        if (project.directory / PIPELINE_FILE).exists():
            raise ProjectError(f"{project.directory} is a project already: open it with Project.open.")
        try:
            project.directory.mkdir(parents=True, exist_ok=True)
            (project.directory / GUI_FILE).touch()
        except OSError as error:
            raise ProjectError(
                f"{project.directory} cannot be made or written ({error.strerror}): choose a folder of your own."
            ) from error
        with lock.locked(project.directory, "create"):
            if not (project.directory / PIPELINE_FILE).exists():
                write_pipeline(project.directory / PIPELINE_FILE, Pipeline())
        return project

    @classmethod
    def open(cls, path: str | Path = ".", *, break_stale_lock: bool = False) -> Project:
        """Open a project of RELION 2 to 5 or of relionlab; the folder keeps its dialect.

        break_stale_lock  remove a lock that a program left behind when it died

        Raises ProjectError if the folder is none, PipelineError if its pipeline file is damaged.
        """
        project = cls(Path(path).absolute())
        if not project.directory.is_dir():
            raise ProjectError(f"{project.directory} does not exist; expected the folder of a project.")
        if not (project.directory / PIPELINE_FILE).exists():
            raise ProjectError(
                f"{project.directory} is not a project: it has no {PIPELINE_FILE}. {_advice(project.directory)}"
            )
        if break_stale_lock:
            with suppress(LockedError):  # held by somebody who lives: no reason not to look into the project
                lock.break_lock(project.directory)
        project.pipeline  # noqa: B018 - a damaged file is said now
        return project

    @classmethod
    def around(cls, path: str | Path = ".") -> Project:
        """Open the project that a folder is, or lies in, as that of a notebook.

        Raises ProjectError if there is none.
        """
        place = Path(path).absolute()
        found = next((folder for folder in (place, *place.parents) if (folder / PIPELINE_FILE).exists()), place)
        return cls.open(found)

    @classmethod
    def rebuild(cls, path: str | Path) -> Project:
        """Make the pipeline file of a folder anew from its job directories and their backups, and open it.

        A file that is there is kept beside it as ``default_pipeline.star.old``.
        """
        from relionlab.project.rebuilding import rebuilt_pipeline

        project = cls(Path(path).absolute())
        pipeline = rebuilt_pipeline(project.directory)
        with lock.locked(project.directory, "rebuild"):
            place = project.directory / PIPELINE_FILE
            if place.exists():
                place.rename(place.with_name(f"{PIPELINE_FILE}.old"))
            write_pipeline(place, pipeline)
        return cls.open(path)

    # --- looking ------------------------------------------------------------------------------------------------

    @property
    def pipeline(self) -> Pipeline:
        """The pipeline as the file has it now."""
        return read_pipeline(self.directory / PIPELINE_FILE)

    def jobs(self) -> list[JobDirectory]:
        """Return all jobs, in the order of the pipeline."""
        return [JobDirectory(self, process.name) for process in self.pipeline.processes]

    def job(self, name: str) -> JobDirectory:
        """Return the job of this name, number or alias ("Class2D/job003", "job003", "Class2D/round1")."""
        return JobDirectory(self, self.pipeline.process(name).name)

    def relative(self, path: str | Path) -> str:
        """Return how a file is named in this project's files: relative to it if it lies in it, without "./"."""
        place = Path(os.path.normpath(path))
        if place.is_absolute() and place.is_relative_to(self.directory):
            place = place.relative_to(self.directory)
        return place.as_posix()

    # --- working ------------------------------------------------------------------------------------------------

    def add(self, job: Job, alias: str | None = None) -> JobDirectory:
        """Give a job a directory and a place in the pipeline, as scheduled; nothing is run.

        Raises ParameterError for wrong values, NodeError for an input that neither exists nor is made by a job here.
        """
        job.check()
        job.prepare(self.directory)
        folder = job.process().folder if isinstance(job, ForeignJob) else job.folder
        alias = checked_alias(alias, folder) if alias else None
        made: list[str] = []

        def grow(pipeline: Pipeline) -> Pipeline:
            inputs = self._inputs(job, pipeline)
            if alias and alias in pipeline:
                raise ParameterError(
                    f"The alias {alias} is taken by {pipeline.process(alias).name}: choose another one."
                )
            name = self._make_directory(folder, pipeline.next_number)
            made.append(name)
            is_new = Process(name, job.label(), "scheduled", alias)
            grown = pipeline.with_process(is_new, inputs=inputs, outputs=job.outputs(f"{name}/"))
            write_job(self.directory / name, job, dialect=pipeline.dialect)
            return grown

        try:
            pipeline = self.change(f"addJob: {folder}", grow)
        except BaseException:
            for name in made:
                shutil.rmtree(self.directory / name, ignore_errors=True)
            raise
        name = made[-1]
        self.save_part(name, pipeline)
        enter_nodes(self.directory, pipeline, [name], planned=True)
        if alias:
            link_alias(self.directory, name, alias)
        return JobDirectory(self, name)

    def run(self, job: Job, *, alias: str | None = None, wait: bool = False) -> JobDirectory:
        """Add a job and start it in a process of its own; with ``wait``, come back when it has ended.

        Raises ParameterError for wrong values and InputError for inputs with which it would fail at once, and adds nothing then.
        """
        self._look_at_inputs(job)
        added = self.add(job, alias)
        added.start()
        if wait:
            added.wait()
        return added

    def refresh(self) -> list[JobDirectory]:
        """Write into the pipeline which running jobs have ended, and return them.

        A job whose process is gone without a word becomes a failed one. RELION does the same for its own.
        """
        from relionlab.project.ending import conclude

        running = [process.name for process in self.pipeline.processes if process.state == "running"]
        ended = [job for name in running if (job := JobDirectory(self, name)).state != "running"]
        for job in ended:
            conclude(job, job.state)
        return ended

    def convert(self, dialect: Dialect) -> Project:
        """Rewrite the pipeline and all job.star files for another RELION release, keeping the old pipeline beside it.

        "3.1" raises PipelineError if a job or a file has no counterpart there, and then changes nothing.
        """
        labels = {}
        files = {}
        for job in self.jobs():
            with suppress(StarError, ParameterError):
                files[job.name] = read_job_file(job.path)
                labels[job.name] = files[job.name].job.label()

        def turn(pipeline: Pipeline) -> Pipeline:
            turned = pipeline.convert(dialect, labels=labels)
            place = self.directory / PIPELINE_FILE
            shutil.copyfile(place, place.with_name(f"{PIPELINE_FILE}.{pipeline.dialect}"))
            return turned

        pipeline = self.change(f"convert: {dialect}", turn)
        for name, found in files.items():
            if (self.directory / name / "job.star").exists():
                with suppress(ParameterError):  # a type that 3.1 does not have keeps its job.star
                    write_job(
                        self.directory / name / "job.star",
                        found.job,
                        dialect=dialect,
                        before=found.dialect,
                        is_continue=found.is_continue,
                        is_tomo=found.is_tomo,
                    )
        for name in files:
            self.save_part(name, pipeline)
        return self

    def undelete(self, name: str) -> list[str]:
        """Bring a job back from the Trash; see :func:`relionlab.project.cleaning.undelete`."""
        from relionlab.project.cleaning import undelete

        return undelete(self, name)

    def empty_trash(self) -> int:
        """Remove what is in the Trash for good; see :func:`relionlab.project.cleaning.empty_trash`."""
        from relionlab.project.cleaning import empty_trash

        return empty_trash(self)

    def break_lock(self, *, force: bool = False) -> lock.LockHolder | None:
        """Remove the project's lock if nobody holds it any more; see :func:`relionlab.project.lock.break_lock`."""
        return lock.break_lock(self.directory, force=force)

    def lock_holder(self) -> lock.LockHolder | None:
        """Return who holds the project's lock, ``None`` if it is free."""
        return lock.lock_holder(self.directory)

    # --- for the other modules of this package ------------------------------------------------------------------

    def change(self, purpose: str, function: Callable[[Pipeline], Pipeline]) -> Pipeline:
        """Change the pipeline file under its lock: read, ``function``, write; return the new pipeline."""
        with lock.locked(self.directory, purpose):
            pipeline = function(self.pipeline)
            write_pipeline(self.directory / PIPELINE_FILE, pipeline)
            (self.directory / CHANGED_FILE).touch()
        return pipeline

    def save_part(self, name: str, pipeline: Pipeline) -> None:
        """Leave a job's part of the pipeline, and a backup of the whole, in the job's directory, as RELION does."""
        directory = self.directory / name
        if not directory.is_dir():
            return
        try:
            write_pipeline(directory / JOB_PIPELINE_FILE, pipeline.only([name]))
            write_pipeline(directory / PIPELINE_FILE, pipeline)
        except PermissionError as error:
            raise ProjectError(f"{directory} cannot be written ({error.strerror}): ask its owner.") from error

    def _make_directory(self, folder: str, number: int) -> str:
        while True:
            name = f"{folder}/job{number:03d}"
            try:
                (self.directory / name).mkdir(parents=True)
                return name
            except FileExistsError:  # left over from a pipeline that was lost: never to be overwritten
                number += 1
            except OSError as error:
                raise ProjectError(f"{self.directory / name} cannot be made ({error.strerror}).") from error

    def _look_at_inputs(self, job: Job) -> None:
        """Raise what is wrong with a job's values or inputs, as far as it can be told before it runs."""
        from relionlab.project.input_choices import planned_outputs

        job.check()
        self._inputs(job, self.pipeline)
        found = input_problems(job, self.directory, planned=planned_outputs(self))
        if found:
            raise InputError(f"{type(job).__name__}: " + " ".join(found))

    def _inputs(self, job: Job, pipeline: Pipeline) -> list[Node]:
        nodes = [Node(self.relative(node.path), node.kind) for node in job.inputs()]
        lost = [n.path for n in nodes if pipeline.maker(n.path) is None and not (self.directory / n.path).exists()]
        if lost:
            raise NodeError(
                f"{', '.join(lost)} does not exist in {self.directory}, and no job there makes it: "
                "choose a file of a finished or scheduled job, or import it."
            )
        return nodes


def _advice(directory: Path) -> str:
    if any(directory.glob("*/job[0-9][0-9][0-9]*/job.star")):
        return (
            "It has job directories, however: `relionlab rebuild` makes the pipeline file from them (Project.rebuild)."
        )
    inside = next((parent for parent in directory.parents if (parent / PIPELINE_FILE).exists()), None)
    if inside is not None:
        return f"It lies in the project {inside}: open that."
    return "Make one with Project.create, or give the folder that holds the file."
