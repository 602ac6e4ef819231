"""The palette: all that can be opened, by stage of the workflow or by a few letters (Ctrl-F or "/")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import traitlets

from relionlab.jobs.registry import job_types
from relionlab.jobs.workflow_stages import STAGES, stage_of
from relionlab.widgets.parts.page_files import page_script
from relionlab.widgets.parts.telling import TellingWidget


@dataclass(frozen=True)
class PaletteEntry:
    """One thing that can be opened.

    key    what is told when it is chosen, as "new:relion.class2d"
    title  "Class2D"
    line   what it is for, in a line
    group  under which heading it stands; entries of "" are found by searching alone
    words  further words by which it is found
    """

    key: str
    title: str
    line: str
    group: str
    words: str = ""


class Palette(TellingWidget):
    """A list to choose from, over the page; tells "choice" with the key of what was chosen."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("palette.css")

    entries = traitlets.List().tag(sync=True)
    """What there is, each with key, title, line, group and words."""
    shown = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether it lies over the page."""

    def offer(self, entries: Sequence[PaletteEntry]) -> None:
        """Offer these."""
        found = [asdict(entry) for entry in entries]
        if found != self.entries:
            self.entries = found


def job_type_entries() -> list[PaletteEntry]:
    """Return an entry for each job type that can be run, by stage, with its one-line explanation."""
    known = job_types()
    ordered = [label for stage in STAGES for label in stage.types if label in known]
    ordered += [label for label in known if label not in ordered]
    entries = []
    for label in ordered:
        declared = known[label]
        line = (declared.__doc__ or "").strip().splitlines()[0]
        words = f"{declared.title} {label} new job"
        entries.append(PaletteEntry(f"new:{label}", declared.folder, line, stage_of(label), words))
    return entries
