"""A few big choices beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets


@dataclass(frozen=True)
class Choice:
    """One choice: what is told when it is taken, its title, what it leads to, what speaks for it; ``strong`` stands out."""

    key: str
    title: str
    line: str
    told: str
    strong: bool = False


class ChoiceGrid(anywidget.AnyWidget):
    """Shows choices as big buttons; ``on_choice`` hears the key of the one that is taken."""

    _esm = Path(__file__).with_name("choice_grid.js")
    _css = Path(__file__).with_name("choice_grid.css")

    choices = traitlets.List().tag(sync=True)
    """Per choice: key, title, line, told, strong."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._listeners: list[Callable[[str], None]] = []
        self.on_msg(self._heard)

    def show(self, choices: Sequence[Choice]) -> None:
        """Show these choices."""
        self.choices = [asdict(choice) for choice in choices]

    def on_choice(self, listener: Callable[[str], None]) -> None:
        """Have a function called with the key of the choice that is taken."""
        self._listeners.append(listener)

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if content.get("kind") == "choice":
            for listener in self._listeners:
                listener(str(content["key"]))
