"""Jobs side by side: what differs in their parameters, what came out, what it looks like.

CompareView(project, ["Class2D/job003", "Class2D/job004"])
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from relionlab.errors import RelionlabError
from relionlab.project import JobDirectory, Project
from relionlab.widgets.parts.buttons import Message, attempt
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.pipeline.link_line import Link, LinkLine
from relionlab.widgets.pipeline.row_table import RowTable
from relionlab.workflows.compare import Comparison, compare

_ADD = "Add a job …"
_SCREEN_DPI = 80
_drawing = threading.Lock()  # Matplotlib draws one picture at a time


class CompareView(w.VBox):
    """A comparison that jobs are added to and taken from.

    names     of the jobs to begin with
    on_job    called with the name of a job that is clicked
    on_names  called with the names of the jobs whenever others are compared
    """

    def __init__(
        self,
        project: Project,
        names: Sequence[str] = (),
        *,
        on_job: Callable[[str], Any] | None = None,
        on_names: Callable[[list[str]], Any] | None = None,
    ) -> None:
        self.project = project
        self.names: list[str] = []
        self._on_job, self._on_names = on_job, on_names
        self.message = Message()
        self._add = w.Dropdown(layout=w.Layout(width="260px", flex="0 0 auto"))
        self._alike = w.Button(
            description="All of this type",
            tooltip="Add all finished jobs of the first one's type",
            layout=w.Layout(width="auto", flex="0 0 auto"),
        )
        self._all = w.ToggleButton(
            description="All parameters",
            tooltip="Also those in which they do not differ",
            layout=w.Layout(width="130px"),
        )
        self._chosen = LinkLine()
        self._parameters, self._results = RowTable([""]), RowTable([""])
        self._pictures = w.HBox([], layout=w.Layout(flex_flow="row wrap", grid_gap="8px"))
        self._drawn: dict[tuple[str, str], w.Widget] = {}
        self._reading: threading.Thread | None = None
        self._tables = w.VBox(
            [_heading("Parameters that differ"), self._parameters, _heading("Results"), self._results, self._pictures]
        )
        again = w.Button(
            description="Read again",
            tooltip="Look again what came out of the jobs",
            layout=w.Layout(width="auto", flex="0 0 auto"),
        )
        again.on_click(lambda _button: attempt(self.refresh, self.message))
        tools = w.HBox([self._add, self._alike, self._all, again, self.message])
        super().__init__([style_sheet(), tools, self._chosen, self._tables])
        self.add_class("rl-compare")
        self._chosen.on("follow", self.remove)
        self._add.observe(self._picked, "value")
        self._alike.on_click(lambda _button: self.add_alike())
        self._all.observe(lambda _change: self.refresh(), "value")
        self.show(names)

    # --- which jobs ---------------------------------------------------------------------------------------------------

    def show(self, names: Sequence[str]) -> None:
        """Compare these jobs."""
        self.names = list(dict.fromkeys(names))
        self.refresh()
        if self._on_names is not None:
            self._on_names(self.names)

    def add(self, name: str) -> None:
        """Add a job."""
        self.show([*self.names, name])

    def remove(self, name: str) -> None:
        """Take a job out of the comparison."""
        self.show([other for other in self.names if other != name])

    def add_alike(self) -> None:
        """Add all finished jobs of the first one's type."""
        folder = self.names[0].partition("/")[0] if self.names else ""
        alike = [
            p.name for p in self.project.pipeline.processes if p.name.startswith(f"{folder}/") and p.state == "finished"
        ]
        self.show([*self.names, *alike])

    @property
    def comparison(self) -> Comparison:
        """The comparison of the jobs that are shown."""
        return compare([JobDirectory(self.project, name) for name in self.names])

    # --- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the jobs again."""
        pipeline = self.project.pipeline
        self.names = [name for name in self.names if name in pipeline]
        aliases = {p.name: (p.alias or "").rpartition("/")[2] for p in pipeline.processes}
        self._offer(aliases)
        links = [
            Link(name, f"{name}{f' ({aliases[name]})' if aliases[name] else ''} ×", tip="Take it out")
            for name in self.names
        ]
        self._chosen.show([("Compared", links)])
        enough = len(self.names) > 1
        self._tables.layout.display = "" if enough else "none"
        if not enough:
            self.message.say("Add jobs: two or more are shown side by side.")
            return
        self.message.say(f"Reading what came out of {len(self.names)} jobs …")
        self._reading = threading.Thread(
            target=lambda: attempt(self._fill, self.message), name="relionlab-compare", daemon=True
        )
        self._reading.start()

    def wait(self) -> None:
        """Return when what came out of the jobs has been read and is shown; their pictures may follow."""
        if self._reading is not None:
            self._reading.join()

    def _fill(self) -> None:
        chosen = list(self.names)
        found = compare([JobDirectory(self.project, name) for name in chosen])
        if chosen != self.names:
            return  # others were chosen meanwhile, and are being read
        self.message.say("")
        names = [
            alias.rpartition("/")[2] if alias != name else name
            for alias, name in zip(found.names(), self.names, strict=True)
        ]
        self._parameters.columns = ["Parameter", "", *names]
        self._results.columns = ["Result", "", *names]
        shown = found.parameters if self._all.value else found.differing
        self._parameters.empty = "They have the same parameters."
        self._parameters.show([(row.key, _cells(row)) for row in shown])
        self._results.show([(row.label, _cells(row)) for row in found.results])
        states = next(row.values for row in found.results if row.label == "State")
        self._show_pictures(names, states)

    def _offer(self, aliases: dict[str, str]) -> None:
        options = [(_ADD, "")]
        options += [
            (f"{name}{f' ({alias})' if alias else ''}", name)
            for name, alias in reversed(aliases.items())
            if name not in self.names
        ]
        if self._add.options != tuple(options):
            self._add.options = options
        self._add.value = ""

    def _picked(self, change: Any) -> None:
        if change["new"]:
            self.add(change["new"])

    def _show_pictures(self, titles: Sequence[str], states: Sequence[str]) -> None:
        """Show a picture of each job's results; those not drawn before are drawn in a thread."""
        boxes = []
        new = []
        for name, title, state in zip(self.names, titles, states, strict=True):
            if (name, state) not in self._drawn:
                self._drawn[name, state] = w.VBox([_heading(title), _told("drawing …")])
                self._drawn[name, state].layout = w.Layout(flex="1 1 260px", max_width="440px", min_width="0")
                new.append((name, state))
            boxes.append(self._drawn[name, state])
        self._pictures.children = tuple(boxes)
        if new:
            threading.Thread(target=self._draw, args=(new,), name="relionlab-compare", daemon=True).start()

    def _draw(self, jobs: Sequence[tuple[str, str]]) -> None:
        for name, state in jobs:
            box = self._drawn[name, state]
            drawn = _told("not run yet") if state == "scheduled" else _picture(JobDirectory(self.project, name))
            box.children = (box.children[0], drawn)


def _picture(job: JobDirectory) -> w.Widget:
    """Return the most telling picture of what came out of a job."""
    from relionlab.display.render import to_png
    from relionlab.workflows.outcome import outcome

    try:
        shown = outcome(job).pictures
        if not shown:
            return _told("no picture")
        with _drawing:
            drawn = to_png(shown[0].make(), dpi=_SCREEN_DPI)
    except (RelionlabError, OSError) as error:
        return _told(str(error))
    except Exception as error:  # noqa: BLE001 - results of any program, in any state: the others are still compared
        return _told(f"No picture ({type(error).__name__}).")
    return w.Image(value=drawn, format="png", layout=w.Layout(max_width="100%", align_self="flex-start"))


def _told(text: str) -> w.HTML:
    return w.HTML(f'<span class="rl-muted">{html.escape(text)}</span>')


def _cells(row: Any) -> list[Any]:
    looks = ["strong" if row.differs else ""] * len(row.values)
    if row.label == "State":
        looks = ["state"] * len(row.values)
    return [row.label, [row.unit, "muted"], *([value, look] for value, look in zip(row.values, looks, strict=True))]


def _heading(text: str) -> w.HTML:
    return w.HTML(f'<div class="rl-heading">{html.escape(text)}</div>')
