"""The form of a job, made from its declaration: tabs, units, sliders, explanations, checks, and what to do with it.

    form = JobForm(Class2D(nr_classes=20), project=project)

Every button calls one public method: ``run``, ``abort``, ``continue_job``. What the form holds is ``form.job``.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.errors import JobStateError, ParameterError
from relionlab.params import Declared
from relionlab.project import JobDirectory, Project
from relionlab.project.continuing import CONTINUE_KEY
from relionlab.widgets.forms.field import Field
from relionlab.widgets.forms.files import files_for
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.copying import CopyButton
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.watching import Watch
from relionlab.workflows.stages import done_before

LEVELS = ("basic", "advanced", "developer")
_ENDED = ("finished", "failed", "aborted")


class JobForm(w.VBox):
    """The form of a job type, or of any declaration.

    job      a job with the values to begin with, or a job type (its defaults)
    project  where Run puts the job, and whose files the fields offer; without one the form only makes ``job``
    level    "basic", "advanced" or "developer": which parameters are shown
    """

    def __init__(self, job: Declared | type[Declared], *, project: Project | None = None, level: str = "basic") -> None:
        start = job() if isinstance(job, type) else job
        self.declared = type(start)
        self.project = project
        self.directory: JobDirectory | None = None
        self._listeners: list[Callable[[JobDirectory], None]] = []
        self._values: dict[str, Any] = dict(start)
        self._unreadable: dict[str, str] = {}
        self._watch: Watch | None = None
        self.fields = {
            name: Field(self.declared, name, on_change=self._field_changed, files=files_for(parameter, project))
            for name, parameter in self.declared.parameters().items()
        }
        self._build(level)
        super().__init__(self._parts)
        self.add_class("rl-form")
        self.fill(start)

    # --- what it holds ------------------------------------------------------------------------------------------

    @property
    def job(self) -> Any:
        """The job with the values of the form; raises ParameterError if a value cannot be read."""
        if self._unreadable:
            raise ParameterError(f"{self.declared.__name__}: " + " ".join(self._unreadable.values()))
        return self.declared(**self._values)

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words; empty if nothing is."""
        applies = self._last_readable().applies
        return [text for name, text in self._unreadable.items() if applies(name)] + [
            text for text in self._last_readable().problems() if self._name_in(text) not in self._unreadable
        ]

    def fill(self, job: Declared) -> None:
        """Show the values of a job."""
        self._values, self._unreadable = dict(job), {}
        for name, field in self.fields.items():
            field.write(self._values[name])
        self._check()

    def set(self, **values: Any) -> None:
        """Change some values, as if they had been typed."""
        self.fill(self._last_readable().changed(**values))

    def offer_files(self) -> None:
        """Look again which files of the project the fields can offer."""
        for field in self.fields.values():
            field.offer(files_for(field.parameter, self.project))

    # --- what the buttons do -------------------------------------------------------------------------------------

    def run(self) -> JobDirectory:
        """Add the job to the project and start it, in a process of its own."""
        if self.project is None:
            raise JobStateError("This form has no project to run in: make it with JobForm(job, project=project).")
        self._follow(self.project.run(self.job))
        assert self.directory is not None
        return self.directory

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
        """Have a function called with the job directory whenever a job is started."""
        self._listeners.append(listener)

    # --- how it is made -------------------------------------------------------------------------------------------

    def _build(self, level: str) -> None:
        title = self.declared.title or self.declared.__name__
        self._title = w.HTML(f'<span class="rl-title">{html.escape(title)}</span>', layout=w.Layout(flex="1 1 auto"))
        self._level = w.ToggleButtons(options=LEVELS, value=level, style={"button_width": "90px"})
        self._explain = w.ToggleButton(
            description="Explain", tooltip="Show what each parameter means", layout=w.Layout(width="90px")
        )
        tabs = self.declared.tabs()
        self._pages = {tab: [self.fields[name] for name in names] for tab, names in tabs.items()}
        self._tabs = w.Tab(
            [
                w.VBox([field.row for field in fields], layout=w.Layout(padding="4px 2px"))
                for fields in self._pages.values()
            ],
            titles=tuple(self._pages),
        )
        self._message = Message()
        self._code = w.HTML()
        self._copy = CopyButton()
        self._run = button(
            "Run", "Start the job in the project", self.run, message=self._message, icon="play", style="primary"
        )
        self._abort = button(
            "Abort", "Ask the job to stop after its present step", self.abort, message=self._message, icon="stop"
        )
        self._continue = button(
            "Continue", "Go on from the last iteration", self.continue_job, message=self._message, icon="step-forward"
        )
        shown = [self._run, self._abort, self._continue] if self.project is not None else []
        buttons = w.HBox([*shown, self._copy], layout=w.Layout(margin="6px 0 2px 0"))
        head = w.HBox([self._title, self._explain, self._level])
        self._parts = [style_sheet(), head, self._tabs, self._message, buttons, self._code]
        self._level.observe(self._reveal, "value")
        self._explain.observe(self._reveal, "value")
        self._reveal()

    def _reveal(self, _change: Any = None) -> None:
        levels = LEVELS[: LEVELS.index(self._level.value) + 1]
        shown = {
            tab: [f.reveal(levels=levels, explain=self._explain.value) for f in fields]
            for tab, fields in self._pages.items()
        }
        children = dict(zip(self._pages, self._page_boxes(), strict=True))
        visible = tuple(tab for tab, any_shown in shown.items() if any(any_shown))
        if self._tabs.titles != visible:
            index = self._tabs.selected_index or 0
            self._tabs.children = tuple(children[tab] for tab in visible)
            self._tabs.titles = visible
            self._tabs.selected_index = min(index, len(visible) - 1) if visible else None

    def _page_boxes(self) -> list[w.VBox]:
        if not hasattr(self, "_boxes"):
            self._boxes = list(self._tabs.children)
        return self._boxes

    # --- what happens ---------------------------------------------------------------------------------------------

    def _field_changed(self, name: str) -> None:
        try:
            self._values[name] = self.fields[name].read()
            self._unreadable.pop(name, None)
        except ParameterError as error:
            self._unreadable[name] = str(error)
        self._check()

    def _check(self) -> None:
        """Show what is wrong beside each field, grey out what does not apply, and write the job as code."""
        readable = self._last_readable()
        problems = self.problems()
        by_name: dict[str, str] = {}
        for text in problems:
            name = self._name_in(text)
            by_name[name] = f"{by_name[name]} {text}" if name in by_name else text
        for name, field in self.fields.items():
            field.enable(applies=readable.applies(name))
            field.show_problem(by_name.get(name, ""))
        count = len(problems)
        elsewhere = by_name.pop("", "")
        tabs = [tab for tab, names in self.declared.tabs().items() if not by_name.keys().isdisjoint(names)]
        where = f" (tab {', '.join(tabs)})" if tabs else ""  # it may be one that is not in view
        told = f"{count} {'value needs' if count == 1 else 'values need'} a correction before the job can run{where}. {elsewhere}"
        self._message.say(told if count else "", wrong=True)
        self._code.value = f'<div class="rl-code">{html.escape(repr(readable))}</div>'
        self._copy.text = f"from relionlab.jobs import {self.declared.__name__}\n\n{readable!r}"
        self._buttons()

    def _buttons(self) -> None:
        state = self.directory.state if self.directory is not None else None
        problems = self.problems()
        self._run.disabled = bool(problems)
        self._abort.disabled = state != "running"
        self._continue.disabled = state not in _ENDED or any(self._may_change(self._name_in(t)) for t in problems)

    def _may_change(self, name: str) -> bool:
        return name in self.fields and self.declared.parameters()[name].on_continue

    def _follow(self, directory: JobDirectory, told: str = "") -> None:
        """Show which job the buttons are about, and keep looking at its state while it runs."""
        self.directory = directory
        self._buttons()
        self._message.say(told or f"Started as {directory.name}.")
        if self._watch is not None:
            self._watch.stop()
        self._watch = Watch(self._look)
        for listener in self._listeners:
            listener(directory)

    def _look(self) -> bool:
        state = self._own_job().state
        self._buttons()  # after the state was read: what has ended by then is not looked at again
        if state not in _ENDED:
            return True
        self._message.say_end(self._own_job())
        return False

    def _own_job(self) -> JobDirectory:
        if self.directory is None:
            raise JobStateError("This form has not started a job yet: press Run first.")
        return self.directory

    def _last_readable(self) -> Declared:
        return self.declared(**self._values)

    def _name_in(self, problem: str) -> str:
        """Return which field a problem is about: the first whose name stands in it in brackets."""
        found = [(problem.find(f"({name})"), name) for name in self.fields if f"({name})" in problem]
        return min(found)[1] if found else ""
