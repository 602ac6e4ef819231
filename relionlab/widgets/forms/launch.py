"""The foot of a form: alias and note of the new job, and the buttons that start, schedule, continue, stop and copy it."""

from __future__ import annotations

from typing import Any, Protocol

import ipywidgets as w

from relionlab.project import ENDED
from relionlab.widgets.forms.more_iterations import MoreIterations
from relionlab.widgets.parts.buttons import Message, button


class Launcher(Protocol):
    """What the buttons call: the methods of a form."""

    def run(self) -> Any:
        """Start a new job."""
        ...

    def schedule(self) -> Any:
        """Add a new job and start nothing."""
        ...

    def start_scheduled(self) -> Any:
        """Start the job that was scheduled."""
        ...

    def continue_job(self) -> Any:
        """Go on with the job of this form."""
        ...

    def abort(self) -> Any:
        """Ask the job of this form to stop."""
        ...

    def open_clone(self) -> Any:
        """Open a form of a new job with these values."""
        ...

    def set(self, **values: Any) -> None:
        """Change values."""
        ...


class Launch(w.VBox):
    """Buttons that call a form's public methods, and what is told of the job to come.

    alias, note  of the job that Run or Schedule makes
    """

    def __init__(self, form: Launcher, *, message: Message) -> None:
        self._form = form
        self._iterations_of = ""

        def made(label: str, tip: str, method: Any, icon: str, style: str = "", width: str = "104px") -> w.Button:
            return button(label, tip, method, message=message, icon=icon, style=style, width=width)

        self.run = made("Run", "Make a new job with these values and start it", form.run, "play", "primary")
        tip = "Make a new job and start nothing; its inputs may be outputs that another job has still to make"
        self.schedule = made("Schedule", tip, form.schedule, "calendar")
        self.start = made("Start", "Start the job that was scheduled", form.start_scheduled, "play", "primary")
        self.abort = made("Abort", "Ask the job to stop after its present step", form.abort, "stop")
        self.go_on = made("Continue", "Go on from the last iteration", form.continue_job, "step-forward")
        tip = "Open a form of a new job with the values of this one"
        self.clone = made("Clone", tip, form.open_clone, "clone")
        self.alias = w.Text(placeholder="alias, if you like", tooltip="A second name of the job, to find it by")
        self.note = w.Text(
            placeholder="note: why this job (kept in its note.txt)", tooltip="Kept in the job's note.txt"
        )
        self.alias.layout.width, self.note.layout = "150px", w.Layout(flex="1 1 200px", width="auto")
        self.more = MoreIterations(lambda total: form.set(**{self._iterations_of: total}))
        self._second = w.HBox([self.start, self.go_on, self.more, self.abort, self.clone])
        self._first = w.HBox([self.run, self.schedule, self.alias, self.note])
        self._offered: list[w.Button] = []
        super().__init__([self._first, self._second])
        self.add_class("rl-launch")

    def offer(self, made: w.Button) -> None:
        """Put one more button beside Run; it needs values that make a job, as Run does."""
        self._offered.append(made)
        made.disabled = self.run.disabled
        self._first.children = (self.run, self.schedule, *self._offered, self.alias, self.note)

    def follow(self, state: str | None, *, wrong: bool, wrong_to_continue: bool) -> None:
        """Enable the buttons that make sense for a job in this state.

        wrong              the values do not make a job
        wrong_to_continue  those that may change on continuing do not either
        """
        for each in (self.run, self.schedule, *self._offered):
            each.disabled = wrong
        self.run.description = "Run" if state is None else "Run new"
        self.abort.disabled = state != "running"
        done_all = self.more.layout.display == "" and self.more.extra.value == 0
        self.go_on.disabled = state not in ENDED or wrong_to_continue or done_all
        self.go_on.tooltip = "Give more iterations first" if done_all else "Go on from the last iteration"
        for widget, shown in (
            (self._second, state is not None),
            (self.start, state == "scheduled"),
            (self.go_on, state in ENDED),
            (self.abort, state == "running"),
        ):
            widget.layout.display = "" if shown else "none"

    def follow_iterations(self, name: str | None, done: int | None, total: Any) -> None:
        """Show how far the job came, and to how many iterations (parameter ``name``) it shall be continued."""
        self._iterations_of = name or ""
        self.more.follow(done if name else None, total)
