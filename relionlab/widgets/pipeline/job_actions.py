"""What can be done with a job: run, continue, clone, alias, mark, clean, delete; each says first what will go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import ipywidgets as w

from relionlab.errors import JobStateError, ParameterError, RelionlabError
from relionlab.jobs.foreign import ForeignJob
from relionlab.project import ENDED, JobDirectory
from relionlab.project.removal import cleaning, deletion, forbid_harsh_cleaning, forbids_harsh_cleaning
from relionlab.widgets.parts.buttons import Message, attempt
from relionlab.widgets.pipeline.asking import Answer, Question

Wanted = Literal["clone", "continue", "sweep", "compare", "graph"]
_MOST_NAMES = 6


class JobActions(w.VBox):
    """The buttons of a job.

    on_wanted   called with what another page has to do ("clone", "continue", "sweep", "compare", "graph")
    on_changed  called after the job was changed, deleted or started
    """

    def __init__(
        self,
        directory: JobDirectory,
        *,
        on_wanted: Callable[[Wanted], Any],
        on_changed: Callable[[], Any],
    ) -> None:
        self.directory = directory
        self._changed = on_changed
        self.message = Message()
        self.question = Question(self.message)
        self._run = self._button("Run", "Start the job with its parameters as they are", self.run)
        self._continue = self._button(
            "Continue", "Go on from the last iteration, with some parameters changed", lambda: on_wanted("continue")
        )
        self._clone = self._button("Clone", "A form with the same values, for a new job", lambda: on_wanted("clone"))
        self._sweep = self._button(
            "Sweep", "The same job over several values of a parameter", lambda: on_wanted("sweep")
        )
        compare = self._button("Compare", "Side by side with other jobs", lambda: on_wanted("compare"))
        graph = self._button("Branch", "The flowchart of what led here and what came of it", lambda: on_wanted("graph"))
        alias = self._button("Alias …", "Give the job a name of your own", self.ask_alias)
        self._mark = self._button("Mark as …", "Declare it finished, failed or aborted", self.ask_mark)
        self._clean = self._button("Clean …", "Move intermediate files to the Trash", self.ask_clean)
        self._delete = self._button("Delete …", "Move the job to the Trash", self.ask_delete)
        bar = w.HBox(
            [
                self._run,
                self._continue,
                self._clone,
                self._sweep,
                compare,
                graph,
                alias,
                self._mark,
                self._clean,
                self._delete,
            ],
            layout=w.Layout(flex_flow="row wrap"),
        )
        bar.add_class("rl-actions")
        super().__init__([bar, self.question, self.message])
        self.refresh(directory.process.state)

    def refresh(self, state: str) -> None:
        """Offer what can be done in this state."""
        _show(self._run, state == "scheduled" or (state in ("failed", "aborted") and not self._continues()))
        _show(self._continue, state in ENDED and self._continues())
        for made in (self._clone, self._sweep):
            made.disabled = not self._own_type()
        self._clean.disabled = state != "finished"
        self._mark.disabled = state == "scheduled"
        self._delete.disabled = state == "running"

    # --- what the buttons do -----------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start the job."""
        self.directory.start(again=self.directory.state != "scheduled")
        self.message.say("Started.")
        self._changed()

    def ask_alias(self) -> None:
        """Ask for the alias."""
        present = (self.directory.alias_name or "").rpartition("/")[2]
        text = w.Text(value=present, placeholder="letters, digits, dots, dashes", layout=w.Layout(width="320px"))
        set_alias = Answer(
            "Set", "Give the job this alias", lambda: self._act(self.directory.alias, text.value or None)
        )
        self.question.ask(f"Alias of {self.directory.name} (empty: none)", [set_alias], text)

    def ask_mark(self) -> None:
        """Ask as what the job is to be marked."""
        answers = [
            Answer(state, f"Mark the job as {state}", lambda state=state: self._act(self.directory.mark, state))
            for state in ENDED
            if state != self.directory.state
        ]
        text = f"{self.directory.name} is {self.directory.state}. Mark it as the following, whatever its program said:"
        self.question.ask(text, answers)

    def ask_delete(self) -> None:
        """Say what goes with the job, and ask."""
        alone = deletion(self.directory)
        text = f"Delete {alone}? It goes to the project's Trash and can be brought back."
        answers = [Answer("Delete", "Move this job to the Trash", lambda: self._act(self.directory.delete), "danger")]
        if alone.users:
            text += f" {_some(alone.users)} {'use' if len(alone.users) > 1 else 'uses'} its files, directly or through others."
            with_users = Answer(
                f"Delete it and {len(alone.users)} more",
                "Move the job, and all that was made from it, to the Trash",
                lambda: self._act(self.directory.delete, with_users=True),
                "danger",
            )
            answers = [
                Answer("Delete it alone", "Move this job only to the Trash", answers[0].act, "danger"),
                with_users,
            ]
        self.question.ask(text, answers)

    def ask_clean(self) -> None:
        """Say what cleaning moves, gently or harshly, and ask."""
        gentle, harsh = cleaning(self.directory), cleaning(self.directory, harsh=True)
        text = f"Clean {self.directory.name}? To the Trash go {gentle}: intermediate files that no job takes."
        answers = []
        if gentle.files:
            answers.append(
                Answer("Clean", "Move intermediate files to the Trash", lambda: self._act(self.directory.clean))
            )
        if harsh.files > gentle.files:
            text += f" Harshly: {harsh}, also what other jobs could use and what can be made again"
            text += f" (used by {_some(harsh.users)})." if harsh.users else "."
            answers.append(
                Answer(
                    "Clean harshly",
                    "Also files that other jobs could use",
                    lambda: self._act(self.directory.clean, harsh=True),
                    "danger",
                )
            )
        kept = forbids_harsh_cleaning(self.directory)
        if kept:
            text += " Its file NO_HARSH_CLEAN keeps from harsh cleaning, here and in RELION, what other jobs could use."
        tip = (
            "Remove the file NO_HARSH_CLEAN"
            if kept
            else "Put a file NO_HARSH_CLEAN into it, which RELION heeds as well"
        )
        label = "Allow harsh cleaning" if kept else "Never clean it harshly"
        answers.append(Answer(label, tip, lambda: self.keep_from_harsh_cleaning(keep=not kept)))
        self.question.ask(text, answers)

    def keep_from_harsh_cleaning(self, *, keep: bool = True) -> None:
        """Keep what other jobs could use from being cleaned away, or let it go again."""
        forbid_harsh_cleaning(self.directory, forbid=keep)
        self.message.say("It is never cleaned harshly from now on." if keep else "It may be cleaned harshly again.")

    # --- inside ---------------------------------------------------------------------------------------------------------

    def _act(self, act: Callable[..., Any], *values: Any, **options: Any) -> None:
        found = act(*values, **options)
        moved = isinstance(found, list)
        self.message.say(f"{len(found)} moved to the Trash." if moved else "Done.")
        self._changed()

    def _own_type(self) -> bool:
        try:
            return not isinstance(self.directory.job, ForeignJob)
        except (JobStateError, ParameterError, RelionlabError, OSError):
            return False

    def _continues(self) -> bool:
        return self._own_type() and any(p.on_continue for p in self.directory.job.parameters().values())

    def _button(self, label: str, tip: str, act: Callable[[], Any]) -> w.Button:
        made = w.Button(description=label, tooltip=tip, layout=w.Layout(width="auto"))
        made.on_click(lambda _button: attempt(act, self.message))
        return made


def _show(widget: w.Widget, on: bool) -> None:  # noqa: FBT001
    widget.layout.display = "" if on else "none"


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
