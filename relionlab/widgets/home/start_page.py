"""The first page of an empty folder: a few big choices, each of which leads straight to a filled form."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.project import Project
from relionlab.widgets.home.choice_grid import Choice, ChoiceGrid
from relionlab.widgets.home.memory import recent_projects
from relionlab.widgets.parts.buttons import Message, attempt
from relionlab.widgets.parts.watching import Watch
from relionlab.widgets.pipeline.row_table import RowTable
from relionlab.workflows.found_data import found_data, import_job, relion_projects
from relionlab.workflows.practice import KINDS, Practice, start_practice

_HAVE = {
    "movies": ("I have movies", "Motion correction comes first"),
    "micrographs": ("I have micrographs", "CTF estimation and picking come first"),
    "particles": ("I have particles", "2D classes come first"),
}


class StartPage(w.VBox):
    """Where a project begins.

    folder     in which it will lie
    on_job     called with the Import job that was chosen; the project has been made by then
    on_open    called with the folder of a project to be opened
    project    called to get the project, which is made if there is none yet
    """

    def __init__(
        self,
        folder: Path,
        *,
        on_job: Callable[[Any], Any],
        on_open: Callable[[Path], Any],
        project: Callable[[], Project],
    ) -> None:
        self.folder = folder
        self._on_job, self._on_open, self._project = on_job, on_open, project
        self.message = Message()
        self.choices = ChoiceGrid()
        self.choices.on("choice", lambda key: attempt(lambda: self.choose(key), self.message))
        self._more = w.VBox([])
        self._watch: Watch | None = None
        head = w.HTML(
            '<div class="rl-start-title">Start here</div><div class="rl-muted">'
            f"The project will lie in {html.escape(str(folder))}. It is a RELION project: RELION can go on with it at any time.</div>"
        )
        super().__init__([head, self.choices, self.message, self._more])
        self.add_class("rl-start")
        self.refresh()

    def refresh(self) -> None:
        """Look again what the folder holds."""
        self.found = found_data(self.folder)
        choices = []
        for kind, (title, line) in _HAVE.items():
            alike = [data for data in self.found if data.kind == kind]
            told = f"Found: {alike[0]}" if alike else "None found in this folder: the form asks where they are"
            choices.append(Choice(kind, title, line, told, strong=bool(alike)))
        choices.append(
            Choice("practice", "Practice data", "Simulated here, with known truth", "A few seconds to a minute")
        )
        choices.append(
            Choice(
                "open",
                "Open a RELION project",
                "RELION 2 to 5, or one of relionlab",
                "Nothing in it is changed by looking",
            )
        )
        self.choices.show(choices)

    def choose(self, key: str) -> None:
        """Go where a choice leads."""
        self.message.say("")
        self._more.children = ()
        if key in _HAVE:
            self._project()
            self._on_job(import_job(key, self.folder))  # type: ignore[arg-type]
        elif key == "practice":
            self._ask_practice()
        elif key == "open":
            self._ask_folder()
        elif key.startswith("practice:"):
            self.practise(key.removeprefix("practice:"))

    def practise(self, kind: str) -> None:
        """Simulate practice data, and lead to their Import form when they are there."""
        practice = start_practice(self._project(), kind)
        bar = w.FloatProgress(min=0, max=1, layout=w.Layout(width="360px"))
        told = w.HTML('<span class="rl-muted">&nbsp; simulating …</span>')
        self._more.children = (w.HBox([bar, told]),)
        if self._watch is not None:
            self._watch.stop()
        self._watch = Watch(lambda: self._look(practice, bar, told), period=0.3)

    def close(self) -> None:
        """Stop watching the simulation (it goes on), and take the page away."""
        if self._watch is not None:
            self._watch.stop(wait=False)
        super().close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _look(self, practice: Practice, bar: w.FloatProgress, told: w.HTML) -> bool:
        if practice.done:
            self._more.children = ()
            attempt(lambda: self._on_job(practice.job()), self.message)
            return False
        if practice.failed:
            self._more.children = ()
            self.message.say(practice.failed, wrong=True)
            return False
        progress = practice.progress()
        if progress is not None and progress.total:
            bar.value = progress.fraction
            told.value = f'<span class="rl-muted">&nbsp; {progress.done:,.0f} of {progress.total:,.0f} {progress.what} simulated</span>'
        return True

    def _ask_practice(self) -> None:
        grid = ChoiceGrid()
        grid.show([Choice(f"practice:{kind}", kind.capitalize(), line, "") for kind, line in KINDS.items()])
        grid.on("choice", lambda key: attempt(lambda: self.choose(key), self.message))
        self._more.children = (w.HTML('<div class="rl-heading">What do you want to practise with?</div>'), grid)

    def _ask_folder(self) -> None:
        near = [path for path in relion_projects(self.folder) if path != self.folder]
        lately = [path for path in recent_projects() if path not in near and path != self.folder]
        table = RowTable(
            ["Project", ""], tip="Open this project", empty="No projects were found near here: type the folder."
        )
        table.show(
            [(str(path), [str(path), ["in this folder", "muted"]]) for path in near]
            + [(str(path), [str(path), ["opened lately", "muted"]]) for path in lately]
        )
        table.on("open", lambda key: attempt(lambda: self._on_open(Path(key)), self.message))
        entry = w.Text(placeholder="Folder that holds default_pipeline.star", layout=w.Layout(width="520px"))
        go = w.Button(description="Open", button_style="primary", layout=w.Layout(width="90px"))
        go.on_click(lambda _button: attempt(lambda: self._on_open(self._typed(entry.value)), self.message))
        self._more.children = (w.HTML('<div class="rl-heading">Which project?</div>'), w.HBox([entry, go]), table)

    def _typed(self, text: str) -> Path:
        path = Path(text.strip()).expanduser()
        return path if path.is_absolute() else self.folder / path
