"""Buttons that call one method and say what went wrong, and the line of text in which that is said."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.errors import RelionlabError
from relionlab.project import JobDirectory


class Message(w.HTML):
    """A line below the buttons."""

    def say(self, text: str, *, wrong: bool = False) -> None:
        """Show a text, ``wrong``: in the colour of errors; "" empties the line."""
        kind = "rl-problem" if wrong else "rl-muted"
        self.value = f'<div class="{kind}">{html.escape(text)}</div>' if text else ""

    def say_end(self, job: JobDirectory) -> None:
        """Say how a job has ended."""
        state = job.state
        self.say(f"{job.name} is {state}. {job.message}".strip(), wrong=state == "failed")


def button(
    label: str,
    tip: str,
    method: Callable[[], Any],
    *,
    message: Message,
    icon: str = "",
    style: str = "",
    width: str = "110px",
) -> w.Button:
    """Return a button that calls one method; the error that it may raise is shown in ``message``."""
    made = w.Button(description=label, tooltip=tip, icon=icon, button_style=style, layout=w.Layout(width=width))

    def pressed(_button: w.Button) -> None:
        try:
            method()
        except RelionlabError as error:
            message.say(str(error), wrong=True)

    made.on_click(pressed)
    return made
