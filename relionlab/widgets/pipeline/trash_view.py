"""The Trash: deleted jobs, to be brought back or removed for good."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.display.words import many
from relionlab.project import Project
from relionlab.project.cleaning import size_of_trash
from relionlab.project.removal import spoken_bytes
from relionlab.project.trash import deleted_jobs, loose_files
from relionlab.widgets.parts.buttons import Message, attempt
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.pipeline.asking import Answer, Question
from relionlab.widgets.pipeline.row_table import RowTable


class TrashView(w.VBox):
    """What lies in a project's Trash.

    on_changed  called after jobs were brought back
    """

    def __init__(self, project: Project, *, on_changed: Callable[[], Any] | None = None) -> None:
        self.project = project
        self._on_changed = on_changed
        self.message = Message()
        self.question = Question(self.message)
        self._told = w.HTML()
        self.table = RowTable(
            ["Job", "Alias", "Deleted", "Comes back with"], selectable=True, empty="No deleted jobs lie in the Trash."
        )
        back = self._back = w.Button(
            description="Bring back", tooltip="Put the ticked jobs back", layout=w.Layout(width="auto")
        )
        back.on_click(lambda _button: attempt(self.bring_back, self.message))
        empty = self._empty_all = w.Button(
            description="Empty the Trash …", tooltip="Remove all of it for good", layout=w.Layout(width="auto")
        )
        empty.on_click(lambda _button: attempt(self.ask_empty, self.message))
        super().__init__([style_sheet(), self._told, self.table, w.HBox([back, empty, self.message]), self.question])
        self.add_class("rl-trash")
        self.refresh()

    def refresh(self) -> None:
        """Look again what is there."""
        jobs, loose = deleted_jobs(self.project), loose_files(self.project)
        self.table.show(
            [
                (
                    job.name,
                    [
                        job.name,
                        (job.alias or "").rpartition("/")[2],
                        time.strftime("%F %H:%M", time.localtime(job.deleted)),
                        [", ".join(job.together), "muted"],
                    ],
                )
                for job in jobs
            ]
        )
        self.table.selected = [name for name in self.table.selected if name in {job.name for job in jobs}]
        self._back.disabled, self._empty_all.disabled = not jobs, not jobs and not loose
        size = spoken_bytes(size_of_trash(self.project))
        cleaned = f"; {loose:,} files that were cleaned away" if loose else ""
        self._told.value = f'<span class="rl-title">Trash</span> <span class="rl-muted">{size}: {many(len(jobs), "job")}{cleaned}</span>'

    def bring_back(self) -> list[str]:
        """Bring the ticked jobs back, with those that were deleted with them; return their names."""
        found: list[str] = []
        for name in self.table.selected:
            if name not in found:
                found += self.project.undelete(name)
        self.message.say(
            f"Back in the project: {', '.join(found)}." if found else "Tick the jobs that are to come back."
        )
        self.refresh()
        if found and self._on_changed is not None:
            self._on_changed()
        return found

    def ask_empty(self) -> None:
        """Ask before the Trash is emptied."""
        size = spoken_bytes(size_of_trash(self.project))
        answer = Answer("Remove for good", "There is no way back", self._empty, "danger")
        self.question.ask(f"Empty the Trash? {size} are removed for good; nothing of it can be brought back.", [answer])

    def _empty(self) -> None:
        freed = self.project.empty_trash()
        self.message.say(f"{spoken_bytes(freed)} are free again.")
        self.refresh()
