"""A line of links: the jobs that another one was made from, and those that use it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from relionlab.widgets.parts.state_dots import DOTS


@dataclass(frozen=True)
class Link:
    """One link: what is told when it is followed, its text, the state of the job (for its dot) and a tip."""

    key: str
    text: str
    state: str = ""
    tip: str = ""


class LinkLine(anywidget.AnyWidget):
    """Shows groups of links, as "Made from: CtfFind/job003 · Used by: Extract/job005"."""

    _esm = Path(__file__).with_name("link_line.js")
    _css = DOTS + Path(__file__).with_name("link_line.css").read_text(encoding="utf-8")

    groups = traitlets.List().tag(sync=True)
    """Per group: heading and links."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self._listeners: list[Callable[[str], None]] = []
        self.on_msg(self._heard)

    def show(self, groups: Sequence[tuple[str, Sequence[Link]]]) -> None:
        """Show these groups; a group without links says "nothing"."""
        shown = [[heading, [asdict(link) for link in links]] for heading, links in groups]
        if shown != self.groups:
            self.groups = shown

    def on_follow(self, listener: Callable[[str], None]) -> None:
        """Have a function called with the key of a link that is followed."""
        self._listeners.append(listener)

    def _heard(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if content.get("kind") == "follow":
            for listener in self._listeners:
                listener(str(content["key"]))
