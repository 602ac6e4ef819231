"""What the home page can open, by keys that outlive the kernel: "job:Class2D/job003", "graph", "form:2" …"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from relionlab.errors import ParameterError, RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.importing.job import Import
from relionlab.jobs.job_json import from_json, to_json
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.project import JobDirectory
from relionlab.project.removal import spoken_bytes
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.parts.buttons import attempt
from relionlab.widgets.pipeline.compare import CompareView
from relionlab.widgets.pipeline.graph import PipelineView
from relionlab.widgets.pipeline.job_page import JobPage
from relionlab.widgets.pipeline.job_views import view_of
from relionlab.widgets.pipeline.palette import PaletteEntry
from relionlab.widgets.pipeline.showing import viewer
from relionlab.widgets.pipeline.sweep import SweepView
from relionlab.widgets.pipeline.trash_view import TrashView
from relionlab.workflows.job_rows import JobRow

if TYPE_CHECKING:
    from relionlab.widgets.home.home import Home

_BYTES_PER_SECOND = 25_000_000
"""How much of a STAR file is read and shown in a second by a machine that does other things besides."""

Page = tuple[str, Callable[[], w.Widget]]

VIEWS = (
    PaletteEntry("graph:", "Flowchart", "All jobs as a graph", "", "pipeline graph"),
    PaletteEntry("compare:", "Compare", "Jobs side by side", "", "difference"),
    PaletteEntry("sweep:", "Sweeps", "Parameters tried over several values", ""),
    PaletteEntry("trash:", "Trash", "Deleted jobs, to be brought back", "", "undelete"),
    PaletteEntry("start:", "Start here", "Begin, practise, or open another project", "", "open folder practice"),
)
"""What the palette offers besides jobs, old and new."""


def job_entry(row: JobRow) -> PaletteEntry:
    """Return the line of a job in the palette."""
    told = f"{row.alias} {row.number}".strip() or row.state
    return PaletteEntry(f"job:{row.name}", row.name, told, "", f"{row.state} {row.stage}")


class Pages:
    """Makes the pages of a home page.

    forms  key -> the job in a form that is open, as JSON
    """

    def __init__(self, home: Home, forms: dict[str, str]) -> None:
        self._home = home
        self.forms = forms

    def page(self, key: str) -> Page:
        """Return the title of a page and the function that makes it; raises ParameterError for a key that names none."""
        kind, _, rest = key.partition(":")
        makers: dict[str, Callable[[str], Page]] = {
            "job": self._job,
            "view": self._view,
            "file": self._file,
            "form": self._form,
            "sweep": self._sweep,
            "continue": self._continue,
            "compare": self._compare,
            "graph": self._graph,
            "trash": self._trash,
        }
        if kind not in makers:
            raise ParameterError(f"There is no page {key!r}.")
        return makers[kind](rest)

    def key_of_form(self, job: Job, kind: str = "form") -> str:
        """Return the key of a new form (or sweep) that begins with this job."""
        key = next(f"{kind}:{n}" for n in itertools.count(1) if f"{kind}:{n}" not in self.forms)
        self.forms[key] = to_json(job)
        return key

    def forget(self, open_keys: set[str]) -> None:
        """Forget the forms that are not open any more."""
        for key in [key for key in self.forms if key not in open_keys]:
            del self.forms[key]

    def take_values(self, key: str, form: Any) -> None:
        """Remember what is typed in a form; while something in it cannot be read, what it held before."""
        try:
            text = to_json(form.job)
        except RelionlabError:
            return
        self.forms[key] = text

    @staticmethod
    def title_of_job(name: str, alias: str) -> str:
        """Return what stands on the tab of a job: "Class2D round2" by its alias, else "Class2D job003"."""
        folder, _, own = name.partition("/")
        return f"{folder} {alias or own}"

    # --- the pages ----------------------------------------------------------------------------------------------------

    def _job(self, name: str) -> Page:
        home = self._home
        directory = JobDirectory(home.opened, name)
        alias = (directory.process.alias or "").rpartition("/")[2]

        def make() -> JobPage:
            return JobPage(
                directory,
                opener=home,
                on_job=self._look_at_job,
                on_wanted=lambda wanted: home.want(directory, wanted),
                on_next=home.open_form,
                on_view=lambda key: home.open_page(f"view:{key}:{name}"),
                on_changed=home.refresh,
            )

        return self.title_of_job(name, alias), make

    def _view(self, rest: str) -> Page:
        key, _, name = rest.partition(":")
        directory = JobDirectory(self._home.opened, name)
        view = view_of(directory, key)
        return f"{view.label} · {name.rpartition('/')[2]}", lambda: view.make(self._home)

    def _file(self, name: str) -> Page:
        title, place = name.rpartition("/")[2] or name, self._home.folder / name
        return title, lambda: self._read(title, place)

    def _read(self, title: str, place: Path) -> w.Widget:
        """Return the viewer of a file; of a long list it is said how long that takes."""
        size = place.stat().st_size if place.suffix == ".star" and place.exists() else 0
        if size < _BYTES_PER_SECOND:
            return viewer(place, opener=self._home)
        seconds = round(size / _BYTES_PER_SECOND) + 1
        self._home.message.say(f"Reading {title}: {spoken_bytes(size)}, about {seconds} s …")
        try:
            return viewer(place, opener=self._home)
        finally:
            self._home.message.say("")

    def _form(self, number: str) -> Page:
        key = f"form:{number}"
        job = self._remembered(key)
        return f"New {job.folder}", lambda: self._listened(
            JobForm(job, project=self._home.opened, opener=self._home), key
        )

    def _continue(self, name: str) -> Page:
        directory, key = JobDirectory(self._home.opened, name), f"continue:{name}"

        def make() -> JobForm:
            form = JobForm.of(directory, opener=self._home)
            if key in self.forms:
                form.fill(self._remembered(key))
            return self._listened(form, key)

        return f"Continue {name}", make

    def _sweep(self, number: str) -> Page:
        home = self._home
        job = self._remembered(f"sweep:{number}") if number else None
        title = "Sweeps" if job is None else f"Sweep {job.folder}"
        return title, lambda: SweepView(home.opened, job, opener=home, on_job=self._look_at_job)

    def _compare(self, names: str) -> Page:
        home = self._home
        chosen = [name for name in names.split(",") if name]
        rename = lambda shown: home.tabs.rename(f"compare:{names}", _comparison(shown))  # noqa: E731
        make = lambda: CompareView(home.opened, chosen, on_job=self._look_at_job, on_names=rename)  # noqa: E731
        return _comparison(chosen), make

    def _graph(self, name: str) -> Page:
        home = self._home
        title = f"Branch of {name}" if name else "Flowchart"
        return title, lambda: PipelineView(home.opened, on_job=self._look_at_job, branch=name, rows=home.rows)

    def _trash(self, _rest: str) -> Page:
        return "Trash", lambda: TrashView(self._home.opened, on_changed=self._home.refresh)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _look_at_job(self, name: str) -> None:
        """Show the job of a link; one that is gone is said, for a link has no place to say it."""
        attempt(lambda: self._home.look_at_job(name), self._home.message)

    def _remembered(self, key: str) -> Job:
        if key not in self.forms:
            raise ParameterError(f"The form {key!r} is not remembered.")
        job = from_json(self.forms[key])
        assert isinstance(job, Job)
        return job

    def _listened(self, form: JobForm, key: str) -> JobForm:
        if isinstance(form.job, Import) and form.job.do_other:
            form.show("fn_in_other")  # what there is to be filled in stands on the second page
        elif isinstance(form.job, AutoPick) and form.job.do_log:
            form.show("log_diam_max")  # nothing but the particle's size is to be said
        form.on_start(lambda directory: self._home.started(key, directory))
        if form.declared is AutoPick and form.directory is None:
            tip = "Drag threshold and distance on a few micrographs first; the job is scheduled, and started when they please"
            form.offer("Tune on micrographs", tip, lambda: self._home.tune(key, form.job), icon="sliders")
        return form


def _comparison(names: list[str]) -> str:
    """Return the title of a comparison, which says of what as soon as there is anything."""
    return f"Compare {', '.join(name.rpartition('/')[2] for name in names)}".strip()
