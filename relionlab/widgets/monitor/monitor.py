"""The monitor of a job: state and time left, results as they arrive, log; at its end what came out and what follows.

    JobMonitor(project.job("Class2D/job003"))

It reads the job's directory and nothing else, from a thread of its own: the kernel stays free, and after a restart of
the kernel the same line shows the same job again. Which results are shown is chosen by what the directory holds.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ipywidgets as w

from relionlab.display.newest.kinds import KINDS
from relionlab.errors import RelionlabError
from relionlab.jobs.base import Job
from relionlab.jobs.refinement.rounds import is_three_dimensional, rounds
from relionlab.project import ENDED, JobDirectory
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.monitor.end_panel import EndPanel, PictureTab
from relionlab.widgets.monitor.live_classes import LiveClasses
from relionlab.widgets.monitor.live_course import LiveAngles, LiveCourse
from relionlab.widgets.monitor.live_micrographs import LiveMicrographs
from relionlab.widgets.monitor.live_view import LiveView
from relionlab.widgets.monitor.log_panel import LogPanel
from relionlab.widgets.monitor.status import JobStatus
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.widgets.parts.watching import Watch

_LOOK_SECONDS = 0.8
"""How long one look may go on with what is waiting, step by step; then state and log come first again."""
_PAUSE = 0.01
_COVERED = {"Convergence", "Class averages", "Signal to noise", "Viewing directions", "Fourier shell correlation"}
"""Pictures of the end that the live tabs show already."""


class JobMonitor(w.VBox):
    """Shows how a job goes, until it has ended, and then what came out.

    source      a job directory; or a form: then the job that the form starts, also the next one
    period      seconds between two looks
    on_next     called with the job of a "next" button; by default its form is opened
    on_started  called with a job that was started here, as by "Stop here and select"; by default its monitor is opened
    opener      where widgets are opened; by default below the monitor
    """

    _watch: Watch | None = None
    _late = False

    def __init__(
        self,
        source: JobDirectory | JobForm,
        *,
        period: float = 1.0,
        on_next: Callable[[Job], None] | None = None,
        on_started: Callable[[JobDirectory], None] | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.period = period
        self.directory: JobDirectory | None = None
        self.on_next = on_next or self.open_form
        self.on_started = on_started or self.open_monitor
        self.status, self.log_panel = JobStatus(), LogPanel()
        self.end = EndPanel(on_next=self.on_next)
        self.views: list[LiveView] = []
        self._looking = threading.Lock()
        self._begun: JobDirectory | None = None
        self._pages: list[w.Widget] = []
        self._results = w.VBox()
        self._new_tabs()
        self._drawer = Drawer()
        self.opener: Opener = opener or self._drawer
        super().__init__([style_sheet(), _sheet(), self.status, self.end, self._results, self.log_panel, self._drawer])
        self.add_class("rl-monitor")
        if isinstance(source, JobForm):
            source.on_start(self.follow)
            source = source.directory  # type: ignore[assignment]
        if source is not None:
            self.follow(source)

    # --- what can be done with it -----------------------------------------------------------------------------------

    def follow(self, directory: JobDirectory) -> None:
        """Watch this job from now on."""
        if self._watch is not None:
            self._watch.stop(
                wait=False
            )  # a look at the job before may still be going on; the kernel does not wait for it
        self.directory = directory
        self._watch = Watch(self.look, period=self.period)

    @property
    def watches(self) -> bool:
        """Whether it still looks: a job that has ended is not looked at any more."""
        return self._watch is not None and self._watch.alive

    def stop(self) -> None:
        """Stop watching; what is shown stays."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def close(self) -> None:
        """Take the widget away; a look that is going on is given up, and nobody waits for it."""
        self.directory = None
        if self._watch is not None:
            self._watch.stop(wait=False)
        super().close()

    def abort(self) -> None:
        """Ask the job to stop after its present step; the second time end its process."""
        self.status.abort()

    def open_form(self, job: Job) -> None:
        """Open the form of a job, in the project of this one."""
        assert self.directory is not None
        project = self.directory.project
        self.opener.open(f"New {type(job).__name__}", lambda: JobForm(job, project=project))

    def open_monitor(self, directory: JobDirectory) -> None:
        """Open the monitor of another job."""
        if directory != self.directory:
            make = partial(JobMonitor, directory, on_next=self.on_next, opener=self.opener)
            self.opener.open(directory.name, make)
        else:
            self.follow(directory)

    # --- looking ----------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Read what is new and show it; returns whether the job may still change."""
        with self._looking:
            return self.directory is not None and self._look(self.directory)

    def _look(self, directory: JobDirectory) -> bool:
        if directory is not self._begun:
            self._begin(directory)
        state = "running"
        try:
            state = directory.state
            self.log_panel.look(last=_last_words(directory, state))
            self.status.show(state, self.log_panel.recent())
            self._choose_views(directory)
            self._look_at_results(state)
            if state in ENDED:
                self._show_end(directory)
        except Exception as error:  # noqa: BLE001 - a file in the making, a directory that was just removed: the next look may do
            known = isinstance(error, OSError | RelionlabError)
            self.status.told.say(str(error) if known else f"This look was in vain ({type(error).__name__}: {error}).")
            return directory.path.is_dir() and state not in ENDED
        return state in ("running", "scheduled") or self._something_waits()

    def _begin(self, directory: JobDirectory) -> None:
        """Show nothing of the job before."""
        self._begun = directory
        self.views = []
        self._tabs.close()
        self._new_tabs()
        self.end.hide()
        self.end.outcome = None
        self.status.follow(directory)
        self.log_panel.follow(directory.path)

    def _look_at_results(self, state: str) -> None:
        """Let each view read in small steps, in turns, as long as there is time."""
        began = time.monotonic()
        waiting = list(self.views)
        for view in self.views:
            if isinstance(view, LiveClasses):
                view.refresh(state)
        while waiting and self._begun is self.directory and time.monotonic() - began < _LOOK_SECONDS:
            waiting = [view for view in waiting if view.look()]
            time.sleep(_PAUSE)
        self._late = bool(waiting)
        titles = tuple(str(page.title) for page in self._pages)
        if titles != self._tabs.titles:  # a run tells only by its first curve whether it has half-maps
            self._tabs.titles = titles

    def _something_waits(self) -> bool:
        """Say whether results are still to be read: of a job that ended long ago there may be many."""
        return self._late

    def _choose_views(self, directory: JobDirectory) -> None:
        """Make the views that suit what the directory holds, as soon as that can be seen."""
        if self.views:
            return
        path = directory.path
        if rounds(path):
            three = is_three_dimensional(path)
            course = LiveCourse(path, three=three)
            self.views = [
                LiveClasses(directory, three=three, on_started=self.on_started),
                course,
                *([LiveAngles(path)] if three else []),
            ]
            pages: list[w.Widget] = [self.views[0], course, course.curves, *self.views[2:]]
            self._show_pages(pages)
        elif path.parent.name in KINDS:
            self.views = [LiveMicrographs(path)]
            self._show_pages(list(self.views))

    def _show_end(self, directory: JobDirectory) -> None:
        """Judge the job, once, and add the pictures that the live tabs do not show."""
        if self.end.outcome is not None:
            return
        covered = _COVERED if self._pages else set()
        found = self.end.judge(directory)
        if directory is not self.directory:  # closed meanwhile, or another job is followed
            return
        self._show_pages([*self._pages, *(PictureTab(one) for one in found.pictures if one.title not in covered)])
        Watch(lambda: self._suggest(directory))  # of maps it takes some seconds, for which nothing else shall wait

    def _suggest(self, directory: JobDirectory) -> bool:
        if self.directory is directory:
            self.end.suggest(directory)
        return False

    # --- tabs -------------------------------------------------------------------------------------------------------

    def _new_tabs(self) -> None:
        """Begin without pages; a Tab that had some and has none for a while forgets which is in front."""
        self._pages = []
        self._tabs = w.Tab()
        self._tabs.observe(self._turned, "selected_index")
        self._results.children = ()

    def _show_pages(self, pages: list[w.Widget]) -> None:
        self._pages = pages
        self._tabs.children = tuple(pages)
        self._tabs.titles = tuple(str(page.title) for page in pages)
        if not pages:
            return
        if self._tabs.selected_index is None:
            self._tabs.selected_index = 0
        self._results.children = (self._tabs,)
        self._turned(None)

    def _turned(self, _change: object) -> None:
        for place, page in enumerate(self._pages):
            front = place == self._tabs.selected_index
            if isinstance(page, LiveView):
                page.shown = front
                if front and (self._watch is None or not self._watch.alive):  # the job has ended: nobody looks any more
                    Watch(partial(self._look_at, page), period=_PAUSE)
            elif isinstance(page, PictureTab) and front:
                page.draw()

    def _look_at(self, page: LiveView) -> bool:
        with self._looking:  # never two at once: a job's first look may just have begun
            try:
                return page.look()
            except (RelionlabError, OSError) as error:
                self.status.told.say(str(error))
                return False


def _last_words(directory: JobDirectory, state: str) -> str:
    return directory.message if state in ("failed", "aborted") else ""


def _sheet() -> w.HTML:
    sheet = Path(__file__).with_name("monitor.css").read_text(encoding="utf-8")
    return w.HTML(
        f"<style>{sheet}</style>", layout=w.Layout(display="block", height="0", margin="0", overflow="hidden")
    )
