"""Buttons that call one method and say what went wrong, and the line of text in which that is said."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.errors import RelionlabError
from relionlab.io.disk import file_trouble
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


def in_words(error: RelionlabError | OSError) -> str:
    """Return what an error means to whoever pressed a button: of the file system's, what is to be done."""
    if isinstance(error, OSError) and error.errno is not None:
        return file_trouble(error, Path(error.filename or ".").absolute().parent, then="try again")
    return str(error)


def attempt(act: Callable[[], Any], message: Message) -> Any:
    """Do something; what goes wrong is said in the message, also what nobody thought of: the page stays."""
    try:
        return act()
    except (RelionlabError, OSError) as error:
        message.say(in_words(error), wrong=True)
    except Exception as error:  # noqa: BLE001 - a page that dies silently is worse than an odd message
        message.say(f"That did not work ({type(error).__name__}: {error}).", wrong=True)
    return None


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
    """Return a button that calls one method; what goes wrong is said in ``message``."""
    made = w.Button(description=label, tooltip=tip, icon=icon, button_style=style, layout=w.Layout(width=width))
    made.on_click(lambda _button: attempt(method, message))
    return made
