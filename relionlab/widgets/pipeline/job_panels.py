"""The panels of a job's page beside its monitor: parameters, files, note."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.errors import RelionlabError
from relionlab.jobs.foreign import ForeignJob
from relionlab.params import to_text
from relionlab.project import JobDirectory
from relionlab.project.removal import spoken_bytes
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.copying import CopyButton
from relionlab.widgets.pipeline.row_table import RowTable
from relionlab.workflows.compare import parameter_rows

MOST_FILES = 400
_BOOKKEEPING = ("default_pipeline.star", "job_pipeline.star", "progress.json")


class ParametersPanel(w.VBox):
    """The parameters of a job: those that differ from their defaults, or all."""

    def __init__(self, directory: JobDirectory) -> None:
        self._which = w.ToggleButtons(
            options=("changed", "all"), style={"button_width": "80px"}, tooltips=("Only what is not the default", "All")
        )
        self._table = RowTable(
            ["Parameter", ">Value", "", "Default", "Name"], empty="All parameters have their defaults."
        )
        try:
            self._job: Any = directory.job
        except (RelionlabError, OSError) as error:
            super().__init__([w.HTML(f'<div class="rl-muted">{html.escape(str(error))}</div>')])
            return
        foreign = isinstance(self._job, ForeignJob)
        told = (
            ""
            if not foreign
            else f"relionlab has no form for {self._job.label()}: the values are RELION's, as they are."
        )
        copy = CopyButton(text=f"from relionlab.jobs import {type(self._job).__name__}\n\n{self._job!r}")
        head = [w.HTML(f'<span class="rl-muted">{html.escape(told)}</span>')] if foreign else [self._which, copy]
        super().__init__([w.HBox(head), self._table])
        if foreign:
            self._which.value = "all"
        self._which.observe(lambda _change: self._draw(), "value")
        self._draw()

    def _draw(self) -> None:
        rows = []
        for name, (label, unit, value) in parameter_rows(self._job).items():
            default = "" if isinstance(self._job, ForeignJob) else to_text(self._job.default(name))
            changed = value != default
            if changed or self._which.value == "all":
                rows.append(
                    (name, [label, [value, "strong" if changed else ""], unit, [default, "muted"], [name, "muted"]])
                )
        self._table.show(rows)


class FilesPanel(w.VBox):
    """The files of a job: what it makes for others, what it takes, and all else in its directory; a click shows one."""

    def __init__(self, directory: JobDirectory, *, on_file: Callable[[Path], Any]) -> None:
        self.directory = directory
        self._outputs = RowTable(
            ["Makes", "Kind", ">Size"], tip="Show this file", empty="It makes no file that other jobs take."
        )
        self._inputs = RowTable(
            ["Takes", "Kind", ">Size"], tip="Show this file", empty="It takes no file of another job."
        )
        self._others = RowTable(["Other files", "Changed", ">Size"], tip="Show this file", empty="No other files.")
        super().__init__([self._outputs, self._inputs, self._others])
        for table in (self._outputs, self._inputs, self._others):
            table.on("open", lambda key: on_file(directory.project.directory / key))
        self.refresh()

    def refresh(self) -> None:
        """Look again."""
        outputs = self.directory.outputs
        self._outputs.show([self._node(node.path, node.kind) for node in outputs])
        self._inputs.show([self._node(node.path, node.kind) for node in self.directory.inputs])
        known = {node.path for node in outputs}
        found = []
        with suppress(OSError):
            entries = sorted(self.directory.path.iterdir(), key=lambda path: path.name)
            found = [
                path for path in entries if path.is_file() and path.name not in _BOOKKEEPING and path.name[0] != "."
            ]
        others = [path for path in found if f"{self.directory.name}/{path.name}" not in known]
        rows = [self._file(path) for path in others[:MOST_FILES]]
        if len(others) > MOST_FILES:
            rows.append(("", [[f"and {len(others) - MOST_FILES:,} more", "muted"], "", ""]))
        self._others.show(rows)

    def _node(self, path: str, kind: str) -> tuple[str, list[Any]]:
        place = self.directory.project.directory / path
        size: Any = ["not there", "wrong"]
        with suppress(OSError):
            size = spoken_bytes(place.stat().st_size)
        return path, [path, [kind, "muted"], size]

    def _file(self, path: Path) -> tuple[str, list[Any]]:
        size, when = "", ""
        with suppress(OSError):
            stat = path.stat()
            size, when = spoken_bytes(stat.st_size), time.strftime("%F %H:%M", time.localtime(stat.st_mtime))
        return f"{self.directory.name}/{path.name}", [path.name, [when, "muted"], size]


class NotePanel(w.VBox):
    """The note of a job: what it ran, and what its people wrote; text is added at the end, as RELION's note editor does."""

    def __init__(self, directory: JobDirectory) -> None:
        self.directory = directory
        self._text = w.HTML()
        self._entry = w.Textarea(
            placeholder="What you want to remember about this job", layout=w.Layout(width="100%", height="90px")
        )
        self._message = Message()
        add = button("Add", "Write this at the end of note.txt", self.add, message=self._message, style="primary")
        super().__init__([self._entry, w.HBox([add, self._message]), self._text])
        self.refresh()

    def add(self) -> None:
        """Add what was typed to the note."""
        if self._entry.value.strip():
            self.directory.note(self._entry.value.strip())
            self._entry.value = ""
            self._message.say("Added to note.txt.")
        self.refresh()

    def refresh(self) -> None:
        """Show the note as it is now."""
        note = self.directory.notes().strip()
        shown = (
            f'<div class="rl-code">{html.escape(note)}</div>' if note else '<div class="rl-muted">No note yet.</div>'
        )
        if self._text.value != shown:
            self._text.value = shown
