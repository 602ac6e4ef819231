"""The top line of the home page: which project, in whose dialect, how much room there is, what runs; and what is amiss."""

from __future__ import annotations

import html
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.project import Project
from relionlab.project.removal import spoken_bytes
from relionlab.widgets.parts.buttons import Message, attempt

_LITTLE_BYTES = 5e9
_LONG_SECONDS = 15.0
"""RELION's own changes take milliseconds: a lock that is older is worth a word."""
_DIALECTS = {"3.1": "RELION 3.1", "4": "RELION 4", "5": "RELION 5"}


class TopLine(w.VBox):
    """Name, folder, dialect, room on the disk, running jobs; below, only when there is one, what is amiss.

    actions  label -> tip and what it calls, as buttons at the right
    """

    def __init__(self, actions: Mapping[str, tuple[str, Callable[[], Any]]], *, message: Message) -> None:
        self._message = message
        self._told = w.HTML(layout=w.Layout(flex="1 1 auto", min_width="0"))
        buttons = []
        for label, (tip, act) in actions.items():
            made = w.Button(description=label, tooltip=tip, layout=w.Layout(width="auto", flex="0 0 auto"))
            made.on_click(lambda _button, act=act: attempt(act, message))
            buttons.append(made)
        if buttons:
            buttons[0].button_style = "primary"
        self._amiss = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._cure = w.Button(layout=w.Layout(width="auto", flex="0 0 auto"))
        self._cure.on_click(lambda _button: attempt(self._heal, message))
        self._act: Callable[[], Any] | None = None
        self._warning = w.HBox([self._amiss, self._cure], layout=w.Layout(display="none"))
        self._warning.add_class("rl-warning")
        super().__init__([w.HBox([self._told, *buttons]), self._warning])
        self.add_class("rl-top")

    def show(self, folder: Path, project: Project | None, *, running: int = 0) -> None:
        """Tell of a folder, and of the project in it if there is one."""
        parts = [f'<span class="rl-title">{html.escape(folder.name or str(folder))}</span>', html.escape(str(folder))]
        if project is not None:
            pipeline = project.pipeline
            older = pipeline.dialect == "3.1" and pipeline.version is None and len(pipeline.processes) > 0
            parts.append("RELION 2 or 3.0" if older else _DIALECTS[pipeline.dialect])
        with suppress(OSError):
            free = shutil.disk_usage(folder).free
            words = f"{spoken_bytes(free)} free"
            parts.append(f'<span class="rl-problem">{words}</span>' if free < _LITTLE_BYTES else words)
        state = f'<span class="rl-state rl-state-running">{running} running</span> ' if running else ""
        told = f'<div class="rl-top-line">{parts[0]} {state}<span class="rl-muted">{" · ".join(parts[1:])}</span></div>'
        if self._told.value != told:
            self._told.value = told

    def look_at_lock(self, project: Project) -> None:
        """Say if a lock was left behind, and offer to break it; one that is held for a moment is nobody's concern."""
        holder = project.lock_holder()
        if holder is None:
            self.say("")
            return
        stale = holder.stale(project.directory)
        if stale:
            text = f"A program left the project's lock behind when it died: {holder}. Until it is broken no job can be added or changed."
            self.say(text, "Break the lock", project.break_lock)
        elif stale is None and time.time() - holder.since > _LONG_SECONDS:
            text = f"The project is locked by {holder}. If you know that this program is gone, break the lock."
            self.say(text, "Break the lock", lambda: project.break_lock(force=True))
        elif time.time() - holder.since > _LONG_SECONDS:
            self.say(f"The project is locked by {holder}, which is still at work; changes wait for it.")
        else:
            self.say("")

    def say(self, text: str, cure: str = "", act: Callable[[], Any] | None = None) -> None:
        """Show what is amiss and a button that mends it; "" takes it away."""
        shown = f"<div>{html.escape(text)}</div>" if text else ""
        if self._amiss.value != shown:
            self._amiss.value = shown
            self._warning.layout.display = "" if text else "none"
            self._cure.description = cure
            self._cure.layout.display = "" if cure else "none"
        self._act = act

    def _heal(self) -> None:
        if self._act is not None:
            self._act()
            self.say("")
