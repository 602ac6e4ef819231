"""The page of a job: what it was made from and what uses it, its monitor and results, parameters, files, note.

JobPage(project.job("Class2D/job003"))
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.errors import PipelineError, ProjectError
from relionlab.jobs.workflow_stages import type_of
from relionlab.project import JobDirectory
from relionlab.project.relatives import Relative, Relatives
from relionlab.widgets.monitor.monitor import JobMonitor
from relionlab.widgets.parts.buttons import attempt
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.widgets.pipeline.job_actions import JobActions, Wanted
from relionlab.widgets.pipeline.job_panels import FilesPanel, NotePanel, ParametersPanel
from relionlab.widgets.pipeline.job_views import JobView, job_views, view_of
from relionlab.widgets.pipeline.link_line import Link, LinkLine
from relionlab.widgets.pipeline.showing import viewer

PANELS = ("Results", "Parameters", "Files", "Note")


class JobPage(w.VBox):
    """One job.

    opener      where files and other jobs are opened; without one, below the page
    on_job      called with the name of a job that is walked to; without it, its page is opened by the opener
    on_wanted   called with what another page has to do: "clone", "continue", "sweep", "compare", "graph"
    on_next     called with a job that usually follows, its inputs filled in
    on_view     called with the key of one of the job's views that is to be opened; without it the opener opens it
    on_changed  called after the job was changed
    """

    def __init__(
        self,
        directory: JobDirectory,
        *,
        opener: Opener | None = None,
        on_job: Callable[[str], Any] | None = None,
        on_wanted: Callable[[Wanted], Any] | None = None,
        on_next: Callable[[Any], Any] | None = None,
        on_view: Callable[[str], Any] | None = None,
        on_changed: Callable[[], Any] | None = None,
    ) -> None:
        self.directory = directory
        self._drawer = None if opener is not None else Drawer()
        self._opener: Opener = opener if opener is not None else self._drawer  # type: ignore[assignment]
        self._on_job, self._on_changed, self._on_next, self._on_view = on_job, on_changed, on_next, on_view
        self._looking = threading.RLock()  # clicks, and a home page's clock
        self._seen: Any = None
        self._offered: list[str] | None = None
        self._title = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self.links = LinkLine()
        self.links.on("follow", self._walk)
        self.views = w.HBox([])
        self.views.add_class("rl-actions")
        self.views.add_class("rl-views")
        self.actions = JobActions(directory, on_wanted=on_wanted or self._nowhere, on_changed=self._changed)
        self._choice = w.ToggleButtons(options=PANELS, style={"button_width": "104px"})
        self._choice.add_class("rl-panels")
        self._choice.observe(lambda _change: self._show_panel(), "value")
        self._panels: dict[str, w.Widget] = {}
        self._place = w.Box([], layout=w.Layout(display="block"))
        head = w.HBox([self._title, self._choice])
        head.add_class("rl-job-head")
        bar = w.HBox([self.views, self.actions], layout=w.Layout(flex_flow="row wrap"))
        bar.add_class("rl-job-bar")
        parts = [style_sheet(), head, self.links, bar, self._place]
        super().__init__([*parts, *([self._drawer] if self._drawer is not None else [])])
        self.add_class("rl-job-page")
        self.refresh()
        self._show_panel()

    # --- looking ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look at the job's place in the pipeline again; the monitor looks at the job itself by its own clock."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        try:
            pipeline = self.directory.project.pipeline
            process = pipeline.process(self.directory.name)
            state = self.directory.state
        except (ProjectError, PipelineError) as error:
            self._title.value = f'<div class="rl-problem">{html.escape(str(error))}</div>'
            return
        monitor = self._panels.get(PANELS[0])
        if state == "running" and isinstance(monitor, JobMonitor) and not monitor.watches:  # it was continued
            monitor.follow(JobDirectory(self.directory.project, self.directory.name))
        seen = (pipeline, process, state)
        if self._seen == seen:
            return
        self._seen = seen
        alias = (process.alias or "").rpartition("/")[2]
        kind = type_of(process.label)
        folder = process.name.partition("/")[0]
        own = f'<span class="rl-muted"> {html.escape(process.label)}</span>' if process.label != kind.label else ""
        self._title.value = (
            f'<span class="rl-title">{html.escape(f"{folder} {alias}" if alias else process.name)}</span> '
            f'<span class="rl-muted">{html.escape(process.name if alias else "")}</span>{own}'
        )
        relatives = Relatives.of(pipeline)
        states = {p.name: p.state for p in pipeline.processes}
        names = {p.name: p.alias for p in pipeline.processes}
        made = [_link(near, names, states) for near in relatives.made_from(process.name)]
        used = [_link(near, names, states) for near in relatives.used_by(process.name)]
        self.links.show([("Made from", made), ("Used by", used)])
        self.actions.refresh(state)
        self._offer_views()

    def open_file(self, path: Path) -> None:
        """Show a file in the viewer that fits it."""
        name = self.directory.project.relative(path)
        attempt(lambda: self._opener.open(name, lambda: viewer(path, opener=self._opener)), self.actions.message)

    def open_view(self, key: str) -> None:
        """Open one of the widgets that fit the job's results, by its key; see :mod:`relionlab.widgets.pipeline.job_views`."""
        if self._on_view is not None:
            self._on_view(key)
            return
        view = view_of(self.directory, key)
        self._opener.open(f"{view.label} of {self.directory.name}", lambda: view.make(self._opener))

    def close(self) -> None:
        """Stop watching and take the page away."""
        with self._looking:
            monitor = self._panels.pop(PANELS[0], None)  # the next refresh must not have it watch again
            if monitor is not None:
                monitor.close()
        super().close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _show_panel(self) -> None:
        name = self._choice.value
        if name not in self._panels:
            made = attempt(lambda: self._make_panel(name), self.actions.message)
            if made is None:
                return
            self._panels[name] = made
            self._place.children = (*self._place.children, made)
        for other, panel in self._panels.items():
            panel.layout.display = "" if other == name else "none"
        refresh = getattr(self._panels[name], "refresh", None)
        if name != PANELS[0] and refresh is not None:
            attempt(refresh, self.actions.message)

    def _make_panel(self, name: str) -> w.Widget:
        if name == "Parameters":
            return ParametersPanel(self.directory)
        if name == "Files":
            return FilesPanel(self.directory, on_file=self.open_file)
        if name == "Note":
            return NotePanel(self.directory)
        if not self.directory.path.is_dir():
            return w.HTML(
                f'<div class="rl-muted">The directory {html.escape(self.directory.name)} is not here: the pipeline lists '
                "the job, but its files were moved or never copied.</div>"
            )
        return JobMonitor(
            self.directory,
            opener=self._opener,
            on_next=self._on_next,
            on_started=self._started if self._on_job else None,
        )

    def _offer_views(self) -> None:
        """Show a button per widget that fits the results; a running job may have none yet."""
        views = attempt(lambda: job_views(self.directory), self.actions.message) or ()
        if [view.key for view in views] == self._offered:
            return
        self._offered = [view.key for view in views]
        self.views.children = tuple(self._view_button(view) for view in views)
        self.views.layout.display = "" if views else "none"

    def _view_button(self, view: JobView) -> w.Button:
        made = w.Button(description=view.label, tooltip=view.tip, icon=view.icon, layout=w.Layout(width="auto"))
        made.on_click(lambda _button: attempt(lambda: self.open_view(view.key), self.actions.message))
        return made

    def _started(self, directory: JobDirectory) -> None:
        """Show the job that was started from the results here."""
        self._changed()
        assert self._on_job is not None
        self._on_job(directory.name)

    def _walk(self, key: str) -> None:
        kind, _, name = key.partition(":")
        if kind == "file":
            self.open_file(self.directory.project.directory / name)
        elif self._on_job is not None:
            self._on_job(name)
        else:
            target = JobDirectory(self.directory.project, name)
            attempt(lambda: self._opener.open(name, lambda: JobPage(target, opener=self._opener)), self.actions.message)

    def _changed(self) -> None:
        self._seen = None
        if self.directory.name in self.directory.project.pipeline:
            self.refresh()
        if self._on_changed is not None:
            self._on_changed()

    def _nowhere(self, wanted: Wanted) -> None:
        """Open the page that is wanted in the drawer, where there is no home page."""
        from relionlab.widgets.pipeline.wanted import wanted_page

        title, make = wanted_page(self.directory, wanted, opener=self._opener)
        self._opener.open(title, make)


def _link(near: Relative, aliases: dict[str, str | None], states: dict[str, str]) -> Link:
    files = ", ".join(node.path.rpartition("/")[2] for node in near.nodes)
    if not near.name:
        path = near.nodes[0].path
        return Link(f"file:{path}", path, tip="A file that no job of the project makes")
    alias = (aliases.get(near.name) or "").rpartition("/")[2]
    text = f"{near.name} ({alias})" if alias else near.name
    return Link(f"job:{near.name}", text, states.get(near.name, ""), f"{files}: show this job")
