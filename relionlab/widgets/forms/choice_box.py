"""A box for text with a list below it, whose lines say more than what is written into the box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from relionlab.widgets.parts.page_files import page_script


class ChoiceBox(anywidget.AnyWidget):
    """A text box with a list of choices, opened by its arrow, by the Down key, or by typing where ``eager``.

    A choice is a dictionary: ``id`` (what is told when it is chosen), ``title``, and if wanted ``detail`` (said beside
    it), ``mark`` (a small word in colour, as "scheduled") and ``stay`` (the list stays open: a folder). What the list
    holds is decided in Python: :meth:`on_open` is asked for it, :meth:`on_choose` hears what was chosen.
    """

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("choice_box.css")

    value = traitlets.Unicode("").tag(sync=True)
    """The text in the box."""
    choices = traitlets.List(traitlets.Dict()).tag(sync=True)
    """The lines of the list."""
    note = traitlets.Unicode("").tag(sync=True)
    """What stands below the list: how many there are, or that there are none and why."""
    disabled = traitlets.Bool(default_value=False).tag(sync=True)
    """Greyed out."""
    placeholder = traitlets.Unicode("").tag(sync=True)
    """Shown in an empty box."""
    tip = traitlets.Unicode("").tag(sync=True)
    """Shown on hover; anywidget fails in the page where ipywidgets' own ``tooltip`` is set."""
    label = traitlets.Unicode("").tag(sync=True)
    """What a screen reader calls the box."""
    icon = traitlets.Unicode("▾").tag(sync=True)
    """The sign on the button that opens the list; "" for no button."""
    eager = traitlets.Bool(default_value=False).tag(sync=True)
    """The list opens while one types."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._openers: list[Callable[[], None]] = []
        self._listeners: list[Callable[[str], None]] = []
        self.on_msg(self._told)

    def on_open(self, function: Callable[[], None]) -> None:
        """Have a function called whenever the list is opened, which puts into ``choices`` what there is now."""
        self._openers.append(function)

    def on_choose(self, function: Callable[[str], None]) -> None:
        """Have a function called with the ``id`` of what is chosen."""
        self._listeners.append(function)

    def unfold(self) -> None:
        """Do what opening the list does, except for showing it."""
        for function in self._openers:
            function()

    def choose(self, identity: str) -> None:
        """Choose a line, as a click does."""
        for function in self._listeners:
            function(identity)

    def focus(self) -> None:
        """Put the keyboard into the box."""
        self.send({"event": "focus"})

    def offer(self, choices: Sequence[dict[str, Any]], *, note: str = "") -> None:
        """Show these lines."""
        with self.hold_sync():
            self.choices, self.note = list(choices), note

    def _told(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("event") == "open":
            self.unfold()
        elif content.get("event") == "choose":
            self.choose(str(content.get("id", "")))
