"""The end of a job: what came out, whether it is good and why, the pictures that show it, and the jobs that usually follow."""

from __future__ import annotations

import html
from collections.abc import Callable

import ipywidgets as w

from relionlab.display.bokeh_view import BokehView
from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory
from relionlab.widgets.parts.buttons import Message, button
from relionlab.workflows.next_jobs import Suggestion, next_jobs
from relionlab.workflows.outcome import Outcome, Shown, outcome

_MARKS = {"good": "✓ good", "doubtful": "? doubtful", "bad": "✕ bad"}


class EndPanel(w.VBox):
    """Verdict, numbers and next jobs.

    on_next  called with the job of the button that is pressed
    """

    def __init__(self, *, on_next: Callable[[Job], None]) -> None:
        self.on_next = on_next
        self.outcome: Outcome | None = None
        self.suggestions: tuple[Suggestion, ...] = ()
        self._message = Message()
        self._words = w.HTML()
        self._next = w.VBox()
        super().__init__([], layout=w.Layout(display="none"))
        self.add_class("rl-end")

    def judge(self, directory: JobDirectory) -> Outcome:
        """Say what came out of a job that has ended."""
        self.layout.display = ""
        self.children = (self._words, self._next, self._message)
        self._words.value = '<span class="rl-muted">The job has ended: reading what came out …</span>'
        self._next.children = ()
        self.outcome = outcome(directory)
        self._words.value = _words(self.outcome)
        return self.outcome

    def suggest(self, directory: JobDirectory) -> None:
        """Offer the jobs that usually follow."""
        try:
            if directory.state == "failed":
                return
            self._message.say("Working out what usually follows …")
            self.suggestions = next_jobs(directory)
        except (RelionlabError, OSError) as error:
            self._message.say(f"What usually follows could not be worked out: {error}", wrong=True)
            return
        self._next.children = tuple(self._row(one, first=place == 0) for place, one in enumerate(self.suggestions))
        self._message.say("")

    def hide(self) -> None:
        """Show nothing: another job is watched."""
        self.layout.display = "none"

    def _row(self, one: Suggestion, *, first: bool) -> w.HBox:
        tip = f"Open the form of {type(one.job).__name__} with these values filled in"
        style = "primary" if first else ""
        made = button(
            one.label,
            tip,
            lambda: self.on_next(one.job),
            message=self._message,
            icon="arrow-right",
            style=style,
            width="210px",
        )
        reason = w.HTML(
            f'<span class="rl-next-reason">{html.escape(one.reason)}</span>', layout=w.Layout(flex="1 1 auto")
        )
        return w.HBox([made, reason], layout=w.Layout(align_items="center"))


class PictureTab(w.VBox):
    """A picture that is drawn when its tab is in front, once."""

    def __init__(self, shown: Shown) -> None:
        self.title = shown.title
        self._make = shown.make
        self._drawn = False
        self._words = w.HTML('<span class="rl-muted">Drawing …</span>')
        super().__init__([self._words])

    def draw(self) -> None:
        """Draw the picture, or say why it cannot be drawn."""
        if self._drawn:
            return
        self._drawn = True
        try:
            picture = self._make()
            view = BokehView(picture)
        except Exception as error:  # noqa: BLE001 - a picture that cannot be drawn must not take the page with it
            self._words.value = f'<div class="rl-problem">{html.escape(str(error) or type(error).__name__)}</div>'
            return
        self._words.value = f'<span class="rl-muted">{html.escape(picture.caption)}</span>'
        self.children = (view, self._words)


def _words(found: Outcome) -> str:
    numbers = "".join(
        f'<div class="rl-number"><span>{html.escape(one.what)}</span><span>{html.escape(str(one))}</span></div>'
        for one in found.numbers
    )
    advice = f'<div class="rl-words"><b>What to do:</b> {html.escape(found.advice)}</div>' if found.advice else ""
    return (
        f'<div><span class="rl-grade rl-grade-{found.grade}">{_MARKS[found.grade]}</span>'
        f'<span class="rl-title">{html.escape(found.headline)}</span></div>'
        f'<div class="rl-words">{html.escape(found.reason)}</div>{advice}<div class="rl-numbers">{numbers}</div>'
    )
