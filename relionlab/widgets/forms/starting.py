"""What a form does with its job: run, schedule, continue, abort, and keep looking at what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relionlab.errors import JobStateError, ParameterError
from relionlab.params import Declared
from relionlab.project import ENDED, JobDirectory, Project
from relionlab.project.continuing import CONTINUE_KEY, iterations_done, iterations_field
from relionlab.widgets.forms.field import Field
from relionlab.widgets.forms.inputs_look import InputsLook
from relionlab.widgets.forms.launch import Launch
from relionlab.widgets.parts.buttons import Message
from relionlab.widgets.parts.watching import Watch
from relionlab.workflows.stages import done_before


class Starting:
    """The part of a form that deals with job directories.

    directory  the job that the form has started, scheduled or was made of; ``None`` before
    """

    declared: type[Declared]
    project: Project | None
    fields: dict[str, Field]
    job: Any
    problems: Callable[[], list[str]]
    _values: dict[str, Any]
    _unreadable: dict[str, str]
    _look_found: InputsLook
    _launch: Launch
    _message: Message
    _last_readable: Callable[[], Any]
    _name_in: Callable[[str], str]

    def _begin(self, directory: JobDirectory | None) -> None:
        self.directory = directory
        self._listeners: list[Callable[[JobDirectory], None]] = []
        self._watch: Watch | None = None
        self._told = ""
        if directory is not None:
            self._entitle()
            if directory.state == "running":
                self._told = f"{directory.name} is running."
                self._watch = Watch(self._look)

    # --- what the buttons do -------------------------------------------------------------------------------------

    def run(self) -> JobDirectory:
        """Add the job to the project and start it, in a process of its own."""
        self._follow(self._own_project().run(self.job, **self._alias()), noted=True)
        return self._own_job()

    def schedule(self) -> JobDirectory:
        """Add the job to the project and start nothing; its inputs may be files that another job has still to make."""
        added = self._own_project().add(self.job, **self._alias())
        self._follow(added, f"{added.name} is scheduled: start it when its inputs are there.", noted=True)
        return added

    def start_scheduled(self) -> JobDirectory:
        """Start the job that was scheduled; raises JobStateError if an input is still to be made."""
        job = self._own_job()
        job.start()
        self._follow(job)
        return job

    def abort(self) -> None:
        """Ask the running job to stop."""
        self._own_job().abort()

    def continue_job(self) -> None:
        """Continue the job from its last iteration, with those values of the form that may change then.

        What else was changed in the form stays as the job had it, and the form says so. Raises ParameterError if a
        value that may change cannot be read.
        """
        directory = self._own_job()
        wrong = [text for name, text in self._unreadable.items() if self._may_change(name)]
        if wrong:
            raise ParameterError(" ".join(wrong))
        before = directory.job
        start = self.declared.fields_by_key().get(CONTINUE_KEY)  # left empty: from the last iteration
        changed = [
            name
            for name in self.fields
            if self._values[name] != getattr(before, name) and (name != start or self._values[name])
        ]
        kept = [self.declared.parameters()[name].label for name in changed if not self._may_change(name)]
        continued = directory.continue_with(**{name: self._values[name] for name in changed if self._may_change(name)})
        told = f" As before, because a continued job keeps it: {', '.join(kept)}. Run makes a new job." if kept else ""
        self._follow(continued, f"Continued as {directory.name}.{told}")

    def ensure_started(self) -> JobDirectory:
        """Return the job that this form has started; start it if that has not been done.

        A form that was made anew, after a restart of the kernel, finds the project's job with the same values again.
        """
        if self.directory is None and self.project is not None:
            found = done_before(self.project, self.job)
            if found is not None:
                self._follow(found, f"{found.name} has these values already. Run makes a new job.")
        return self.directory or self.run()

    def on_start(self, listener: Callable[[JobDirectory], None]) -> None:
        """Have a function called with the job directory whenever a job is started or scheduled."""
        self._listeners.append(listener)

    # --- what becomes of it ----------------------------------------------------------------------------------------

    def _buttons(self) -> None:
        """Enable the buttons that make sense now."""
        state = self.directory.state if self.directory is not None else None
        problems = self.problems()
        if self.directory is not None and state in ENDED:
            job = self._last_readable()
            name = iterations_field(job)
            done = iterations_done(self.directory.path) if name else None
            self._launch.follow_iterations(name, done, getattr(job, name) if name else None)
        self._launch.follow(
            state,
            wrong=bool(problems or self._look_found.problems),
            wrong_to_continue=any(self._may_change(self._name_in(text)) for text in problems),
        )

    def _follow(self, directory: JobDirectory, told: str = "", *, noted: bool = False) -> None:
        """Show which job the buttons are about, and keep looking at its state while it runs."""
        self.directory = directory
        if noted and self._launch.note.value.strip():
            directory.note(self._launch.note.value.strip())
        if noted:
            self._launch.note.value = self._launch.alias.value = ""
        self._entitle()
        self._buttons()
        self._told = told or f"Started as {directory.name}."
        self._message.say(self._told)
        if self._watch is not None:
            self._watch.stop()
        self._watch = Watch(self._look)
        for listener in self._listeners:
            listener(directory)

    def _look(self) -> bool:
        state = self._own_job().state
        self._buttons()  # after the state was read: what has ended by then is not looked at again
        if state == "scheduled":
            return False
        if state not in ENDED:
            self._say_progress()
            return True
        self._message.say_end(self._own_job())
        return False

    def _say_progress(self) -> None:
        """Say how far the running job is, unless something has to be corrected."""
        told = self._own_job().progress()
        if told is not None and told.total > 0 and not (self.problems() or self._look_found.problems):
            self._message.say(f"{self._told} {told.done:,.0f} of {told.total:,.0f} {told.what}.")

    def _entitle(self) -> None:
        raise NotImplementedError

    def _alias(self) -> dict[str, str]:
        alias = self._launch.alias.value.strip()
        return {"alias": alias} if alias else {}

    def _may_change(self, name: str) -> bool:
        return name in self.fields and self.declared.parameters()[name].on_continue

    def _own_job(self) -> JobDirectory:
        if self.directory is None:
            raise JobStateError("This form has not started a job yet: press Run first.")
        return self.directory

    def _own_project(self) -> Project:
        if self.project is None:
            raise JobStateError("This form has no project to run in: make it with JobForm(job, project=project).")
        return self.project
