"""A line of links: the jobs that another one was made from, and those that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import traitlets

from relionlab.widgets.parts.page_files import joined, page_script
from relionlab.widgets.parts.state_dots import DOTS
from relionlab.widgets.parts.telling import TellingWidget


@dataclass(frozen=True)
class Link:
    """One link: what is told when it is followed, its text, the state of the job (for its dot) and a tip."""

    key: str
    text: str
    state: str = ""
    tip: str = ""


class LinkLine(TellingWidget):
    """Shows groups of links, as "Made from: CtfFind/job003 · Used by: Extract/job005"; tells "follow" with a link's key."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = DOTS + joined(Path(__file__).with_suffix(".css"))

    groups = traitlets.List().tag(sync=True)
    """Per group: heading and links."""

    def show(self, groups: Sequence[tuple[str, Sequence[Link]]]) -> None:
        """Show these groups; a group without links says "nothing"."""
        shown = [[heading, [asdict(link) for link in links]] for heading, links in groups]
        if shown != self.groups:
            self.groups = shown
