"""A question before something goes: it says what will happen, and each answer is a button."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as w

from relionlab.widgets.parts.buttons import Message, attempt


@dataclass(frozen=True)
class Answer:
    """One answer: what stands on its button, what it does in words, what it calls, and how the button looks."""

    label: str
    tip: str
    act: Callable[[], Any]
    style: str = ""


class Question(w.VBox):
    """The place where a question is asked; empty as long as there is none."""

    def __init__(self, message: Message) -> None:
        super().__init__([])
        self._message = message
        self.add_class("rl-question")

    def ask(self, text: str, answers: Sequence[Answer], *extra: w.Widget) -> None:
        """Ask; "Cancel" is always an answer. ``extra``: entries that belong to the question."""
        told = w.HTML(f'<div class="rl-asked">{html.escape(text)}</div>')
        buttons = [self._button(answer) for answer in (*answers, Answer("Cancel", "Leave all as it is", lambda: None))]
        self.children = (told, *extra, w.HBox(buttons))

    def shut(self) -> None:
        """Take the question away."""
        self.children = ()

    def _button(self, answer: Answer) -> w.Button:
        made = w.Button(
            description=answer.label, tooltip=answer.tip, button_style=answer.style, layout=w.Layout(width="auto")
        )

        def pressed(_button: w.Button) -> None:
            self.shut()
            attempt(answer.act, self._message)

        made.on_click(pressed)
        return made
