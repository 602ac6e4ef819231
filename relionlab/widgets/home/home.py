"""The home page of a project: its jobs at the left, what is open at the right, new jobs by name or stage.

    Home()              # the folder of the notebook
    Home("betagal")     # another one; a RELION project, or a folder that becomes one

Nothing is written into a folder until something is asked for: looking at a RELION project leaves it as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.errors import PipelineError, ProjectError, RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.registry import job_type
from relionlab.project import JobDirectory, Project
from relionlab.project.continuing import fresh_copy
from relionlab.project.pipeline_file import PIPELINE_FILE
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.home.ahead import compile_ahead, load_libraries
from relionlab.widgets.home.memory import HomeMemory
from relionlab.widgets.home.pages import VIEWS, Pages, job_entry
from relionlab.widgets.home.showing import close_deserted, keep_all, remember
from relionlab.widgets.home.side import FoldingSide
from relionlab.widgets.home.start_page import StartPage
from relionlab.widgets.home.tabs import Tabs, close_whole
from relionlab.widgets.home.top_line import TopLine
from relionlab.widgets.parts.buttons import Message, attempt
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.watching import Watch, look_after
from relionlab.widgets.pipeline.job_actions import Wanted
from relionlab.widgets.pipeline.job_list import JobList
from relionlab.widgets.pipeline.palette import Palette, job_type_entries
from relionlab.widgets.pipeline.showing import viewer
from relionlab.workflows.job_rows import JobRow, JobRows, counts
from relionlab.workflows.suggested import begun, usual
from relionlab.workflows.tuning import tuning_job

_START = "start:"
_WIDE = ("view:tune:", "view:pick:", "view:correct:", "view:mask:", "view:surface:")
"""Pages on which pictures and what changes them are to be seen at once."""
_NUMBERS_SECONDS = 0.5  # of each look, for the numbers that are not known yet

_SHEET = Path(__file__).with_name("home.css").read_text(encoding="utf-8")


class Home(w.VBox):
    """The one page of the lab.

    project  a project, or its folder; ``None``: the present folder
    period   seconds between two looks at the project

    It is an Opener: any widget in it opens others as tabs.
    """

    def __init__(self, project: Project | str | Path | None = None, *, period: float = 1.5) -> None:
        folder = project.directory if isinstance(project, Project) else Path(project or ".")
        self.folder = folder.expanduser().absolute()
        self.project: Project | None = None
        self.rows: JobRows | None = None
        self._shown: list[JobRow] = []
        self._restoring = False
        self._watch: Watch | None = None
        self._ahead: Watch | None = None
        self.message = Message()
        actions: dict[str, tuple[str, Callable[[], Any]]] = {
            "New job": ('Choose a job type by stage or name (Ctrl-F or "/")', self.open_palette),
            "Flowchart": ("All jobs as a graph", lambda: self.open_page("graph:")),
            "Compare": ("Jobs side by side", lambda: self.open_page("compare:")),
            "Sweeps": ("Parameters tried over several values", lambda: self.open_page("sweep:")),
            "Trash": ("Deleted jobs", lambda: self.open_page("trash:")),
        }
        self.top = TopLine(actions, message=self.message)
        self.list = JobList()
        self.list.on("open", lambda name: attempt(lambda: self._show_job(name), self.message))
        self.list.on("hide", lambda name: attempt(lambda: self.hide(name), self.message))
        self.tabs = Tabs(on_change=self._tabs_changed)
        self.tabs.bar.on("seen", lambda _place: close_deserted())
        self.palette = Palette()
        self.palette.on("choice", lambda key: attempt(lambda: self._chosen(key), self.message))
        self.side = FoldingSide(self.list)
        right = w.VBox([self.message, self.tabs])
        right.add_class("rl-right-side")
        self._body = w.HBox([self.side, right])
        self._body.add_class("rl-body")
        sheet = w.HTML(f"<style>{_SHEET}</style>", layout=w.Layout(display="block", height="0", margin="0"))
        super().__init__([style_sheet(), sheet, self.top, self._body, self.palette])
        self.add_class("rl-home")
        keep_all()  # what was typed last in a page that was loaded again is to be found here
        look_after(load_libraries)
        self.memory = HomeMemory.of(self.folder)
        self.pages = Pages(self, self.memory.forms)
        self._enter()
        self._watch = Watch(self._look, period=period)
        remember(self)

    # --- opening ------------------------------------------------------------------------------------------------------

    @property
    def opened(self) -> Project:
        """The project; raises ProjectError while the folder is none."""
        if self.project is None:
            raise ProjectError(f"{self.folder} is no project yet: begin with one of the choices under 'Start here'.")
        return self.project

    def open(self, title: str = "", make: Callable[[], w.Widget] | None = None) -> w.Widget:
        """Show the widget that ``make`` returns as a tab of this title; what is open under it already is shown instead."""
        if make is None:  # ipywidgets' own `open`, which tells the page of a widget as it is made
            super().open()
            return self
        return self.tabs.add(f"free:{title}", title, make)

    def open_page(self, key: str) -> w.Widget:
        """Show one of the home's own pages, by its key; see :mod:`relionlab.widgets.home.pages`."""
        _ = self.opened
        title, make = self.pages.page(key)
        return self.tabs.add(key, title, make)

    def open_file(self, path: str | Path) -> w.Widget:
        """Show a file, or what a job directory holds, in the viewer that fits it; named from the project's folder."""
        place = self.folder / path
        name = place.relative_to(self.folder).as_posix() if place.is_relative_to(self.folder) else str(place)
        if self.project is not None:
            return self.open_page(f"file:{name}")
        return self.open(name, lambda: viewer(place, opener=self))

    def open_job(self, name: str) -> w.Widget:
        """Show the page of a job, by its name or alias."""
        return self.open_page(f"job:{self.opened.job(name).name}")

    def look_at_job(self, name: str) -> w.Widget:
        """Show the page of a job in the one tab for looking around: the next job takes its place unless something is done in it."""
        key = f"job:{self.opened.job(name).name}"
        return self.tabs.add(key, *self.pages.page(key), preview=True)

    def open_form(self, job: Job | type[Job]) -> w.Widget:
        """Show the form of a new job that begins with these values."""
        start = job() if isinstance(job, type) else job
        return self.open_page(self.pages.key_of_form(start))

    def open_new(self, kind: type[Job]) -> w.Widget:
        """Show the form of a new job of this type, with the inputs and values that are usual after what was done."""
        project = self._made_project()
        form = self.open_form(begun(project, kind))
        assert isinstance(form, JobForm)
        form.fill_as_usual(lambda: usual(project, kind))
        return form

    def open_folder(self, folder: str | Path) -> None:
        """Go to another project, or to a folder that is to become one."""
        place = Path(folder).expanduser().absolute()
        if place.name == PIPELINE_FILE:
            place = place.parent
        if not place.is_dir():
            raise ProjectError(f"{place} is no folder: give one that is there.")
        self.keep()
        with self.tabs.lock:
            self._restoring = True  # until _enter is through: what is closed here is there again when one comes back
            for key in sorted(self.tabs.tabs, key=self.tabs.current.__eq__):  # that in front last: none is made
                self.tabs.close_tab(key)
            self.folder, self.project, self.rows = place, None, None
            self.memory = HomeMemory.of(place)
            self.pages = Pages(self, self.memory.forms)
            self._enter()

    def open_palette(self) -> None:
        """Show what can be opened."""
        self._offer()
        self.palette.shown = True

    def want(self, directory: JobDirectory, wanted: Wanted) -> w.Widget:
        """Do what a job's page asks of another one."""
        if wanted == "clone":
            return self.open_form(fresh_copy(directory.job))
        if wanted == "sweep":
            return self.open_page(self.pages.key_of_form(directory.job, "sweep"))
        return self.open_page(f"{wanted}:{directory.name}")

    def started(self, key: str, directory: JobDirectory) -> None:
        """Show the job that a form has started, in place of the form."""
        self.refresh()
        self.open_job(directory.name)
        if directory.name.startswith("ManualPick/") and directory.state != "scheduled":
            self.open_page(f"view:pick:{directory.name}")  # as RELION does: to run it is to pick
        self.tabs.close_tab(key)

    def tune(self, key: str, job: AutoPick) -> w.Widget:
        """Open thresholds to be dragged for the AutoPick job of a form, in place of the form; the job is scheduled."""
        directory = tuning_job(job, self.opened)
        self.refresh()
        shown = self.open_page(f"view:tune:{directory.name}")
        self.tabs.close_tab(key)
        return shown

    def hide(self, name: str) -> None:
        """Leave a job out of the list, or put it back; the job stays as it is."""
        hidden = [other for other in self.memory.hidden if other != name]
        self.memory.hidden = hidden if name in self.memory.hidden else [*hidden, name]
        self.list.hidden = self.memory.hidden
        self.keep()

    # --- looking ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Look at the project now."""
        with self.tabs.lock:
            self._refresh()

    def keep(self) -> None:
        """Remember what is open, and what is typed in its forms, for the next time that the project is opened."""
        if self._restoring or self.project is None:
            return
        with self.tabs.lock:
            for key in self.tabs.tabs:
                widget = self.tabs.widget(key)
                if key.startswith(("form:", "continue:")) and widget is not None:
                    self.pages.take_values(key, widget)
            self.memory.tabs = [key for key in self.tabs.tabs if not key.startswith(("free:", _START))]
            self.memory.current, self.memory.preview = self.tabs.current, self.tabs.preview
            self.pages.forget(set(self.memory.tabs))
            self.memory.keep()

    def close(self) -> None:
        """Stop watching, and take the page away with all that is open in it; jobs go on."""
        if self._watch is not None:
            self.keep()
            self._watch.stop(wait=False)
            self._watch = None
            for part in self.children:
                close_whole(part)
        super().close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _enter(self) -> None:
        """Open the project of the folder, if there is one, and what was open in it; else the first page."""
        self.top.show(self.folder, None)
        self.list.hidden = self.memory.hidden
        with suppress(ProjectError):
            try:
                self.project = Project.open(self.folder)
                self.rows = JobRows(self.project)
            except PipelineError as error:
                self._offer_rebuilding(str(error))
        if self.project is None and any(self.folder.glob("*/job[0-9][0-9][0-9]*/job.star")):
            self._offer_rebuilding("This folder has jobs, but no pipeline that can be read.")
        self.side.layout.display = "none" if self.project is None else ""
        self.refresh()
        self._restore()
        if not self.tabs.tabs:
            if self.project is None or not self.project.pipeline.processes:
                self._open_start()
            elif self._shown:
                attempt(lambda: self.look_at_job(self._shown[0].name), self.message)
        self._offer()

    def _offer_rebuilding(self, text: str) -> None:
        def rebuild() -> None:
            Project.rebuild(self.folder)
            self.open_folder(self.folder)

        self.top.say(
            f"{text} The pipeline can be made anew from the job directories; the old file is kept.", "Rebuild", rebuild
        )

    def _open_start(self) -> None:
        def make() -> StartPage:
            return StartPage(self.folder, on_job=self._begin, on_open=self.open_folder, project=self._made_project)

        self.tabs.add(_START, "Start here", make)

    def _made_project(self) -> Project:
        """Return the project of the folder, made now if there is none."""
        if self.project is None:
            self.project = Project.create(self.folder)
            self.rows = JobRows(self.project)
            self.side.layout.display = ""
            self.refresh()
        return self.project

    def _begin(self, job: Job) -> None:
        self._made_project()
        self.open_form(job)
        self.tabs.close_tab(_START)

    def _restore(self) -> None:
        """Put back the tabs that were open; each is made when it is shown."""
        self._restoring = True
        try:
            if self.project is not None:
                for key in self.memory.tabs:
                    with suppress(RelionlabError, OSError, ValueError):
                        self.tabs.prepare(key, *self.pages.page(key))
            keys = list(self.tabs.tabs)
            self.tabs.preview = self.memory.preview if self.memory.preview in keys else ""
            if keys:
                self.tabs.show(self.memory.current if self.memory.current in keys else keys[-1])
        finally:
            self._restoring = False

    def _tabs_changed(self) -> None:
        key = self.tabs.current
        self.list.current = _job_of(key)
        self.side.stand_beside(wide=key.startswith(_WIDE))
        page = self.tabs.widget(key)
        if key.startswith(("job:", "graph:", "trash:")) and page is not None:
            attempt(page.refresh, self.message)
        self.keep()

    def _show_job(self, name: str) -> None:
        self.message.say("")
        if self.tabs.current == f"job:{name}":  # clicked again, as by a double click
            self.tabs.keep(self.tabs.current)
        self.look_at_job(name)

    def _chosen(self, key: str) -> None:
        kind, _, rest = key.partition(":")
        if kind == "new":
            self.open_new(job_type(rest))
        elif kind == "start":
            self._open_start()
        else:
            self.open_page(key)

    def _offer(self) -> None:
        self.palette.offer([*job_type_entries(), *VIEWS, *(job_entry(row) for row in self._shown)])

    def _refresh(self) -> None:
        if self.project is None or self.rows is None:
            self.top.show(self.folder, None)
            return
        try:
            rows = self.rows.read()
        except PipelineError as error:
            self._offer_rebuilding(str(error))
            return
        self._shown = rows
        self.list.show(rows)
        self.top.show(self.folder, self.project, running=counts(rows).get("running", 0))
        self.top.look_at_lock(self.project)
        for row in rows:  # an alias may be new
            self.tabs.rename(f"job:{row.name}", self.pages.title_of_job(row.name, row.alias))
        known = {row.name for row in rows}
        for key in [key for key in self.tabs.tabs if (name := _job_of(key)) and name not in known]:
            self.tabs.close_tab(key)

    def _look(self) -> bool:
        with suppress(Exception):  # a look that fails is followed by another one
            with self.tabs.lock:
                self._refresh()
                page = self.tabs.widget(self.tabs.current)
                if self.tabs.current.startswith(("job:", "graph:")) and page is not None:
                    page.refresh()
                self.keep()
            self._look_up_numbers()
        return True

    def _look_up_numbers(self) -> None:
        """Read numbers of jobs for a moment, newest first, then show them; the rest follows with the next looks."""
        if self.rows is None:
            return
        until = time.monotonic() + _NUMBERS_SECONDS
        missing = self.rows.missing(self._shown)
        for name in missing:
            self.rows.look_up(name)
            if time.monotonic() > until:
                break
        if missing:
            self.refresh()
        elif self._ahead is None:
            self._ahead = Watch(compile_ahead)  # it takes seconds, in which this thread goes on looking


def _job_of(key: str) -> str:
    """Return the job that a tab is about, by the tab's key; "" if it is about none, or about one that is not there yet."""
    return key.rpartition(":")[2] if key.startswith(("job:", "view:")) else ""
