"""One execution of a job: its directory, its state, its log, and what can be done with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relionlab.errors import JobStateError, NodeError, ParameterError, ProjectError
from relionlab.jobs.base import Job, Node
from relionlab.jobs.foreign import ForeignJob
from relionlab.jobs.job_star import JobFile, read_job_file, write_job
from relionlab.project import notes
from relionlab.project.alias import checked_alias, link_alias
from relionlab.project.continuing import continued_job
from relionlab.project.ending import conclude
from relionlab.project.markers import ABORT_NOW, mark, marked_state
from relionlab.project.node_entries import enter_nodes, remove_nodes
from relionlab.project.pipeline import Pipeline, Process
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE, PROGRESS_FILE, Progress, death
from relionlab.project.queueing import submit, withdraw

if TYPE_CHECKING:
    from relionlab.project.project import Project

OUTPUT_FILE = "run.out"
ERROR_FILE = "run.err"
ENDED = ("finished", "failed", "aborted")
"""The states of a job that will not change by itself any more."""

# The processes that this one started, by job directory: kept so that they are reaped and do not stay as zombies.
_children: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class JobDirectory:
    """A job in a project. Everything is read from the disk when it is asked for.

    project  where it lies
    name     "Class2D/job003"
    """

    project: Project
    name: str

    # --- looking ------------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The directory."""
        return self.project.directory / self.name

    @property
    def process(self) -> Process:
        """The job's row in the pipeline."""
        return self.project.pipeline.process(self.name)

    @property
    def type(self) -> str:
        """The job's type as the pipeline names it, "relion.class2d"."""
        return self.process.label

    @property
    def alias_name(self) -> str | None:
        """The alias, as "Class2D/round1", ``None`` if there is none."""
        return self.process.alias

    @property
    def job(self) -> Job:
        """The job with its parameters, from job.star or run.job; raises JobStateError if the directory has neither."""
        return self.job_file.job

    @property
    def job_file(self) -> JobFile:
        """The job with its parameters, and what else its file says."""
        if not self.path.is_dir():
            raise JobStateError(
                f"The directory {self.path} is missing, though the pipeline lists {self.name}: "
                "put it back, or take the job out of the pipeline with delete()."
            )
        if not any((self.path / name).exists() for name in ("job.star", "run.job")):
            raise JobStateError(f"{self.path} has no job.star and no run.job, so the job's parameters are not known.")
        return read_job_file(self.path)

    @property
    def state(self) -> str:
        """How the job stands: "scheduled", "running", "finished", "failed" or "aborted".

        A job that the pipeline has as running is looked at more closely: its exit marker counts, and a process that is
        gone without a word makes it "failed".
        """
        state = self.process.state
        if state != "running":
            return state
        return marked_state(self.path) or ("failed" if death(self.path) else "running")

    @property
    def message(self) -> str:
        """Why the job failed or was aborted, in a sentence; empty for all others."""
        state = self.state
        if state not in ("failed", "aborted"):
            return ""
        told = Progress.read(self.path)
        if told is not None and told.message:
            return told.message
        lines = [line for line in self.warnings().splitlines() if line.strip()]
        return death(self.path) or (lines[-1].strip() if lines else "The job left no message: see run.out and run.err.")

    @property
    def outputs(self) -> list[Node]:
        """The files that the job makes or will make, as the pipeline has them."""
        return self.project.pipeline.outputs_of(self.name)

    def output(self, part: str) -> str:
        """Return the last of the job's output files whose name has this part, relative to the project."""
        names = [node.path for node in self.outputs if part in node.path.rpartition("/")[2]]
        if not names:
            raise NodeError(f"{self.name} has no output named *{part}*; it has {self.outputs}.")
        return max(names)

    @property
    def inputs(self) -> list[Node]:
        """The files that the job takes, as the pipeline has them."""
        return self.project.pipeline.inputs_of(self.name)

    def log(self) -> str:
        """Return run.out, empty if there is none; where the job failed or was aborted, a last line says why."""
        text, message = self._text(OUTPUT_FILE), self.message
        return f"{text.rstrip()}\n{self.state}: {message}\n".lstrip() if message else text

    def warnings(self) -> str:
        """Return run.err, empty if there is none."""
        return self._text(ERROR_FILE)

    def progress(self) -> Progress | None:
        """Return how far the job is, ``None`` if it has told nothing (RELION's own jobs do not)."""
        return Progress.read(self.path)

    def notes(self) -> str:
        """Return note.txt: the command lines, and what the user wrote."""
        return notes.read_notes(self.path)

    # --- running ------------------------------------------------------------------------------------------------

    def start(self, *, again: bool = False, command: Sequence[str] | None = None) -> JobDirectory:
        """Start the job in a process of its own, which goes on when this one ends.

        again    start it also if it is finished, overwriting its results
        command  what to run instead of ``relionlab run JOBDIR``

        Raises JobStateError if it runs already, is finished, or waits for a job that is not finished; NodeError if an
        input is not there.
        """
        self._check_start(again=again)
        self._claim()
        run = tuple(command or (sys.executable, "-P", "-m", "relionlab", "run", f"{self.name}/"))
        try:
            if getattr(self.job, "do_queue", False):
                submit(self.job, self.path, project=self.project.directory, command=run)
            else:
                self._launch(run)
        except (OSError, JobStateError) as error:
            conclude(self, "failed", f"The job's process could not be started: {error}.")
            raise
        return self

    def wait(self, timeout: float | None = None, *, poll: float = 0.1) -> str:
        """Wait until the job has ended and return its state; ``timeout`` in seconds, after which "running" comes back."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.state == "running" or self._is_being_run():
            if deadline is not None and time.monotonic() > deadline:
                return self.state
            time.sleep(poll)
        if self.process.state == "running":
            self.project.refresh()
        return self.state

    def abort(self, *, kill: bool = False) -> JobDirectory:
        """Ask the job to stop: it ends its present step, leaves what it can be continued from, and becomes "aborted".

        kill  end its process at once instead of asking; take a job that was handed to a queue out of it

        Raises JobStateError if it does not run.
        """
        if self.state != "running":
            raise JobStateError(f"{self.name} is {self.state}, so it cannot be aborted; only a running job can.")
        (self.path / ABORT_NOW).touch()
        record = ProcessRecord.read(self.path / PROCESS_FILE)
        if kill:
            if (record is None or not record.here) and getattr(self.job, "do_queue", False):
                conclude(self, "aborted", f"The job was taken out of the queue ({withdraw(self.job, self.path)}).")
                return self
            if record is None or not record.here:
                raise JobStateError(
                    f"{self.name} is done by {record or 'a program that does not say who it is'}: end it there. "
                    "It has been asked to stop."
                )
            with suppress(ProcessLookupError):
                os.kill(record.pid, signal.SIGTERM)
        return self

    def continue_with(self, **changes: Any) -> JobDirectory:
        """Go on from the last finished step of a job that has ended, with some parameters changed, and start it.

        Raises ParameterError for a parameter that may not change on continuing, JobStateError if the job runs or has
        not run yet.
        """
        return self.ready_to_continue(**changes).start(again=True)

    def ready_to_continue(self, **changes: Any) -> JobDirectory:
        """Write what :meth:`continue_with` starts, and start nothing."""
        if self.state in ("running", "scheduled"):
            raise JobStateError(f"{self.name} is {self.state}: only a job that has ended can be continued.")
        file = self.job_file
        job, goes_on = continued_job(
            file.job, self.path, project=self.project.directory, changes=changes, finished=self.state == "finished"
        )
        if self.process.state == "running":
            self.project.refresh()
        dialect = self.project.pipeline.dialect
        write_job(self.path / "job.star", job, dialect=dialect, is_continue=goes_on, is_tomo=file.is_tomo)
        planned = job.outputs(f"{self.name}/")
        # What the interrupted run was to make, and under the continued one's names never will.
        void = [node.path for node in self.outputs if not (self.project.directory / node.path).exists()]
        self.project.change(
            f"continueJob: {self.name}/",
            lambda pipeline: pipeline.without_outputs(self.name, void).with_outputs(self.name, planned),
        )
        return self

    # --- keeping the books ----------------------------------------------------------------------------------------

    def note(self, text: str) -> JobDirectory:
        """Add a text to note.txt."""
        notes.note_text(self.path, text)
        return self

    def alias(self, name: str | None) -> JobDirectory:
        """Give the job another name as well, or with ``None`` take it away; spaces become underscores."""
        process = self.process
        alias = checked_alias(name, self.name.rpartition("/")[0]) if name else None
        pipeline = self.project.pipeline
        if alias and alias in pipeline and pipeline.process(alias).name != self.name:
            raise ParameterError(f"The alias {alias} is taken by {pipeline.process(alias).name}: choose another one.")
        remove_nodes(self.project.directory, pipeline, [self.name])
        link_alias(self.project.directory, self.name, alias, old=process.alias)
        changed = self.project.change(f"setAliasJob: {self.name}/", lambda p: p.with_alias(self.name, alias))
        enter_nodes(self.project.directory, changed, [self.name])
        return self

    def mark(self, state: str) -> JobDirectory:
        """Declare the job "finished", "failed" or "aborted", whatever its program said.

        Raises JobStateError if its process is alive: abort it first.
        """
        if state not in ENDED:
            raise ParameterError(f"A job can be marked as 'finished', 'failed' or 'aborted', not as {state!r}.")
        record = ProcessRecord.read(self.path / PROCESS_FILE)
        if self.state == "running" and record is not None and record.alive():
            raise JobStateError(f"{self.name} is being run by {record}: abort it before marking it.")
        conclude(self, state, f"Marked as {state} by hand.")
        return self

    def delete(self, *, with_users: bool = False) -> list[str]:
        """Move the job to the project's Trash; see :func:`relionlab.project.cleaning.delete`."""
        from relionlab.project.cleaning import delete

        return delete(self, with_users=with_users)

    def clean(self, *, harsh: bool = False, pretend: bool = False) -> list[Path]:
        """Move files that are no longer needed to the Trash; see :func:`relionlab.project.cleaning.clean`."""
        from relionlab.project.cleaning import clean

        return clean(self, harsh=harsh, pretend=pretend)

    # --- for the other modules of this package ------------------------------------------------------------------

    def set_state(self, state: str, outputs: Sequence[Node] = ()) -> None:
        """Write the state, and files that were made, into the pipeline; leave the backups."""
        purpose = f"runJob: {self.name}/"
        pipeline = self.project.change(
            purpose, lambda p: p.with_state(self.name, state).with_outputs(self.name, outputs)
        )
        self.project.save_part(self.name, pipeline)
        enter_nodes(self.project.directory, pipeline, [self.name])

    def _text(self, name: str) -> str:
        try:
            return (self.path / name).read_text(errors="replace")
        except OSError:
            return ""

    def _check_start(self, *, again: bool) -> None:
        state = self.state
        if state == "running":
            raise JobStateError(f"{self.name} is running already: wait for it or abort it.")
        if state == "finished" and not again:
            raise JobStateError(
                f"{self.name} is finished: continue it with continue_with(), add a new job, "
                "or give again=True to overwrite its results."
            )
        job = self.job
        if isinstance(job, ForeignJob):
            job.commands(f"{self.name}/")  # says that relionlab cannot run it, and what to do
        job.check()
        self._check_inputs()

    def _claim(self) -> None:
        """Make the job running, for one of those who start it at the same time."""

        def claim(pipeline: Pipeline) -> Pipeline:
            if pipeline.process(self.name).state == "running" and self.state == "running":
                raise JobStateError(f"{self.name} is running already: somebody else has just started it.")
            mark(self.path, None)
            for name in (PROGRESS_FILE, PROCESS_FILE):
                (self.path / name).unlink(missing_ok=True)
            return pipeline.with_state(self.name, "running")

        self.project.save_part(self.name, self.project.change(f"runJob: {self.name}/", claim))

    def _check_inputs(self) -> None:
        pipeline = self.project.pipeline
        for node in self.inputs:
            maker = pipeline.maker(node.path)
            if maker is not None and maker != self.name:
                state = JobDirectory(self.project, maker).state
                if state in ("scheduled", "running"):
                    raise JobStateError(
                        f"{self.name} needs {node.path}, which {maker} makes, and that is {state}: wait."
                    )
            if not (self.project.directory / node.path).exists() and maker != self.name:
                raise NodeError(f"{self.name} needs {node.path}, which is not there: choose another file.")

    def _launch(self, command: Sequence[str]) -> None:
        environment = dict(os.environ)
        package = str(Path(__file__).resolve().parents[2])
        paths = [package, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(paths))
        with (self.path / OUTPUT_FILE).open("ab") as out, (self.path / ERROR_FILE).open("ab") as err:
            child = subprocess.Popen(
                list(command),
                cwd=self.project.directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,  # so that closing the terminal or the kernel does not end it
            )
        # The child writes the same record: whoever comes first, a job that dies at once is recognised.
        ProcessRecord.of(child.pid).write(self.path / PROCESS_FILE)
        _children[self.path] = child

    def _is_being_run(self) -> bool:
        """Say whether the process is still there, if only to write down how the job ended."""
        child = _children.get(self.path)
        if child is not None:
            if child.poll() is None:
                return True
            _children.pop(self.path, None)
        record = ProcessRecord.read(self.path / PROCESS_FILE)
        return bool(record is not None and record.alive())


def job_directory_at(directory: str | Path) -> JobDirectory:
    """Return the job of a path ("Class2D/job003/", also an alias), with the project around it.

    Raises ProjectError if the path is no job directory of a project.
    """
    from relionlab.project.project import Project

    place = Path(directory).resolve()
    if not place.is_dir():
        raise ProjectError(f"The job directory {directory} is missing; expected one like Class2D/job003/ in a project.")
    project = Project.open(place.parent.parent)
    return project.job(f"{place.parent.name}/{place.name}")
