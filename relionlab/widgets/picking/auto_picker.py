"""Tuning an AutoPick job by eye: thresholds re-pick on several micrographs while they are dragged, then on all.

    picker = AutoPicker(project.job("AutoPick/job004"))     # or AutoPicker(AutoPick(…), project=project)
    picker.set(threshold_autopick=0.3)
    picker.picks                                            # micrograph -> Picks, as they are shown
    picker.use_for_all()                                    # writes the job and starts it

Maps are computed in a thread, once for each micrograph that is looked at; picks corrected by hand stay whatever the sliders do.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from relionlab.engine.picking import Picks
from relionlab.engine.picking.agreement import Agreement
from relionlab.errors import JobStateError, RelionlabError
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.project import JobDirectory, Project
from relionlab.widgets.parts.buttons import Message
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.widgets.parts.settling import Settling
from relionlab.widgets.picking.auto_panels import Panels
from relionlab.widgets.picking.ctf_panel import CtfPanel
from relionlab.widgets.picking.edit_history import EditHistory
from relionlab.widgets.picking.following import Following
from relionlab.widgets.picking.pick_layers import Edit
from relionlab.widgets.picking.searching import Search
from relionlab.widgets.picking.tuned_view import TunedView
from relionlab.workflows.known_picks import KnownPicks, known_picks, known_sources
from relionlab.workflows.tuning import Estimate, JobTuning, tune, tuning_job

MOST_SHOWN = 4


class AutoPicker(w.VBox):
    """Micrographs side by side, sliders, the histogram of figures of merit, and what is known to compare with.

    job          an AutoPick job, scheduled or done; or the values of one, which is then scheduled in ``project``
    project      where, if ``job`` is not in one yet
    micrographs  how many are shown, spread over the defocus range, or which; four at most
    opener       where what is linked is opened; ``None``: below
    """

    def __init__(
        self,
        job: JobDirectory | AutoPick,
        *,
        project: Project | None = None,
        micrographs: int | Sequence[str] = 3,
        opener: Opener | None = None,
    ) -> None:
        super().__init__([])
        self.add_class("rl-auto")
        self.message = Message()
        self._lock = threading.RLock()
        self._settling = Settling(self._settle)
        self._listeners: list[Callable[[JobDirectory], Any]] = []
        self._drawer = Drawer()
        self.opener = opener or self._drawer
        self.known: KnownPicks | None = None
        self.shown: tuple[str, ...] = ()
        self._curve: tuple[Any, Agreement | None] = (None, None)
        try:
            self._begin(job, project, micrographs)
        except RelionlabError as error:
            self.message.say(str(error), wrong=True)
            self.children = [style_sheet(), self.message]

    # --- what a notebook can ask and do ------------------------------------------------------------------------------

    @property
    def job(self) -> JobDirectory:
        """The AutoPick job that is tuned."""
        return self.tuning.directory

    @property
    def thresholds(self) -> dict[str, Any]:
        """The present thresholds, by their names in the form."""
        return self.panels.sliders.values

    @property
    def picks(self) -> dict[str, Picks]:
        """The picks of the micrographs that are shown, hand edits included; of those whose maps are there."""
        return self.tuning.picks(micrographs=self._ready(), **self.thresholds)

    @property
    def estimate(self) -> Estimate:
        """How many particles all micrographs will give at the present thresholds."""
        return self.tuning.estimate(**self.thresholds)

    @property
    def agreement(self) -> Agreement | None:
        """Precision and recall of the shown micrographs at every threshold; ``None`` if nothing is known of them."""
        if self.known is None:
            return None
        others = {name: value for name, value in self.thresholds.items() if name != self.main}
        key = (self.known, tuple(self._ready()), tuple(others.items()), id(self.tuning))
        if self._curve[0] != key:
            self._curve = key, self.tuning.agreement(self.known.of, micrographs=self._ready(), **self.thresholds)
        return self._curve[1]

    @property
    def main(self) -> str:
        """The form's name of the threshold on the figure of merit."""
        return "log_adjust_thr" if self.tuning.form.do_log else "threshold_autopick"

    def set(self, **thresholds: Any) -> None:
        """Move thresholds, by their names in the form."""
        self.panels.sliders.set(**thresholds)

    def show(self, *micrographs: str) -> None:
        """Show these micrographs, four at most, and compute the maps that are missing."""
        if not 1 <= len(micrographs) <= MOST_SHOWN:
            raise JobStateError(
                f"{len(micrographs)} micrographs are ticked: one to {MOST_SHOWN} are shown side by side."
            )
        for name in micrographs:
            self.tuning.edits(name)  # raises if it is not in the list
        with self._lock:
            self.shown = tuple(micrographs)
            views = self.panels.arrange(len(micrographs))
            for view, name in zip(views, micrographs, strict=True):
                if view.name != name:
                    self._show_in(view, name)
            self.panels.table.chosen = list(micrographs)
            missing = [name for name in micrographs if not self._is_searched(name)]
            for view in views:
                if view.name in missing:
                    view.wait()
        if missing:
            self.search.ask(missing)
        self.repick()

    def step(self, micrograph: str, by: int) -> None:
        """Show the next micrograph of the list (``by`` 1, -1: the one before) that is not shown yet in place of this one."""
        listed = self.tuning.listed
        place = listed.index(micrograph) + by
        while 0 <= place < len(listed) and listed[place] in self.shown:
            place += by
        if 0 <= place < len(listed):
            self.show(*(listed[place] if name == micrograph else name for name in self.shown))

    def show_ctf(self, micrograph: str) -> CtfPanel:
        """Open the power spectrum of a micrograph, beside what its CTF says."""
        run = self.tuning.maps.run
        row = self.tuning.listed.index(micrograph)
        size, path = float(run.micrographs.row_pixel_sizes[row]), self.job.project.directory / micrograph
        panel = CtfPanel(pixels=320)
        self.opener.open(f"CTF of {micrograph.rpartition('/')[2]}", lambda: panel)
        panel.show(path, size, run.micrographs, row=row)
        return panel

    def compare_with(self, known: KnownPicks | None) -> None:
        """Take these as the particles that are really there; ``None``: nothing is known."""
        self.known = known
        self.repick()

    def use_best(self) -> None:
        """Take the threshold at which precision and recall together are best (F1)."""
        found = self.agreement
        if found is None or found.best is None:
            raise JobStateError("No pick is on a known particle: choose what to compare with, or correct the diameter.")
        self.set(**{self.main: float(f"{found.best:.4g}")})

    def count_all(self) -> None:
        """Search all other micrographs as well, so that their picks are counted and not estimated; Stop ends it."""
        self.search.ask([name for name in self.tuning.listed if name not in self.tuning.maps.searched], first=False)

    def compute_maps(self, changes: dict[str, Any]) -> None:
        """Compute new maps with other references, diameters or filters (by their names in the form)."""
        self._open(tune(self.job, chosen=0, **changes), keep=self.thresholds)

    def undo(self) -> None:
        """Take the last edit by hand back."""
        self._turned(self.history.undo())

    def redo(self) -> None:
        """Do the last edit again that was taken back."""
        self._turned(self.history.redo())

    def use_for_all(self) -> JobDirectory:
        """Write the job with the present thresholds, start it on all micrographs, and follow it."""
        started = self.tuning.pick_all(**self.thresholds)
        if started.name != self.job.name:
            searched, values = self.tuning.maps.searched, self.thresholds
            other = tune(started, chosen=0)
            other.maps.searched.update(searched)
            self._open(other, keep=values)
        self.following.follow(started)
        for listener in self._listeners:
            listener(started)
        return started

    def on_start(self, listener: Callable[[JobDirectory], Any]) -> None:
        """Have a function called with the job whenever :meth:`use_for_all` starts one."""
        self._listeners.append(listener)

    def wait(self, seconds: float = 600.0) -> bool:
        """Wait until the maps are there; returns whether they are."""
        return self.search.wait(seconds)

    def repick(self) -> None:
        """Pick again from what is shown, and draw that."""
        with self._lock:
            try:
                self._draw()
            except RelionlabError as error:
                self.message.say(str(error), wrong=True)
                return
            self.message.say("")
            self._settling.stirred()

    def close(self) -> None:
        """Search no more, follow no more, and take the widget away."""
        self.search.stop()
        self.following.stop()
        super().close()

    # --- how it is made ----------------------------------------------------------------------------------------------

    def _begin(self, job: JobDirectory | AutoPick, project: Project | None, micrographs: int | Sequence[str]) -> None:
        if isinstance(job, AutoPick):
            if project is None:
                raise JobStateError("The values of an AutoPick job need a project: AutoPicker(job, project=project).")
            job = tuning_job(job, project)
        self.search = Search(self._search_one, self._searched)
        self.following = Following(lambda _job: self._settling.stirred())
        self._first: int | Sequence[str] = micrographs
        self._open(tune(job, chosen=0))

    def _open(self, tuning: JobTuning, *, keep: dict[str, Any] | None = None) -> None:
        """Show a tuning, with these thresholds if it has them."""
        self.search.stop()
        names = self.shown or self._first
        with self._lock:
            self.tuning = tuning
            self.history = EditHistory(tuning.edits, tuning.edit)
            self.panels = Panels(self)
            self.children = [*self.panels.children, self._drawer]
            self._offer_known()
        if isinstance(names, int):
            names = tuning.maps.spread(min(max(names, 1), MOST_SHOWN))
        if keep:
            self.panels.sliders.set(**{name: value for name, value in keep.items() if name in self.thresholds})
        self.show(*names)

    def _offer_known(self) -> None:
        size = float(self.tuning.maps.run.micrographs.row_pixel_sizes[0])
        listed = self.tuning.listed
        sources = known_sources(self.job.project, listed, pixel_size=size, leave_out=self.job.name)
        self.panels.known.offer(sources)
        self.known = self.panels.known.source

    def known_named(self, label: str) -> KnownPicks | None:
        """Return the known particles of this label, or those of a file of this name; ``None`` for an empty label."""
        for source in self.panels.known.sources:
            if source.label == label:
                return source
        directory = self.job.project.directory
        return known_picks(directory / label, project=directory) if label else None

    # --- what happens ------------------------------------------------------------------------------------------------

    def _search_one(self, name: str) -> None:
        self.tuning.maps.search(name, pictures=name in self.shown)

    def _searched(self, name: str, wrong: str) -> None:
        if wrong:
            self.message.say(f"{name}: {wrong}", wrong=True)
        with self._lock:
            if name in self.shown and not wrong:
                self.panels.fit_ranges()
                self.repick()
            else:
                self._settling.stirred()

    def edited(self, edit: Edit) -> None:
        """Keep what hands did in the page."""
        with self._lock:
            self.history.apply(edit)
            self._draw_views([edit.micrograph])
            self._settling.stirred()

    def _turned(self, name: str | None) -> None:
        with self._lock:
            if name in self.shown:
                self._draw_views([name])
            self._settling.stirred()

    def commanded(self, view: TunedView, command: str) -> None:
        """Do what a key or the menu in a micrograph says."""
        acts = {
            "undo": self.undo,
            "redo": self.redo,
            "invert": self.panels.looks.invert,
            "ctf": lambda: self.show_ctf(view.name),
            "alone": lambda: self.show(view.name),
            "next": lambda: self.step(view.name, 1),
            "previous": lambda: self.step(view.name, -1),
        }
        if command in acts:
            acts[command]()

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _is_searched(self, name: str) -> bool:
        searched = self.tuning.maps.searched.get(name)
        return searched is not None and bool(searched.stddev.size)

    def _ready(self) -> list[str]:
        return [name for name in self.shown if self._is_searched(name)]

    def _show_in(self, view: TunedView, name: str) -> None:
        index = self.tuning.listed.index(name)
        size = float(self.tuning.maps.run.micrographs.row_pixel_sizes[index])
        path = self.job.project.directory / name
        try:
            view.show(name, path, size, pixels=self.panels.pixels)
        except RelionlabError as error:
            self.message.say(f"{name} cannot be shown: {error}", wrong=True)
            return
        self.panels.looks.apply(view.view)

    def _draw(self) -> None:
        ready = self._ready()
        self._draw_views(ready)
        thresholds = self.thresholds
        merits = self.tuning.merits(ready, **thresholds)
        threshold, known = float(thresholds[self.main]), self.agreement
        self.panels.show_merits(merits, threshold, best=None if known is None else known.best)
        self.panels.known.show(known, threshold)

    def _draw_views(self, names: Sequence[str]) -> None:
        ready = [name for name in names if self._is_searched(name)]
        picks = self.tuning.picks(micrographs=ready, **self.thresholds)
        for view in self.panels.views[: len(self.shown)]:
            if view.name in picks:
                view.draw(
                    picks[view.name],
                    self.tuning.edits(view.name),
                    known=None if self.known is None else self.known.of(view.name),
                    radius=self.tuning.maps.edit_radius(view.name),
                    words=self.panels.table.words(view.name),
                )

    def _settle(self) -> None:
        """Count, and tint what the noise limits reject; after the last of many changes."""
        try:
            # Of many micrographs that takes a while: without the lock, so that nobody who drags waits for it.
            thresholds, tuning = self.thresholds, self.tuning
            counts = {name: len(found) for name, found in tuning.picks(**thresholds).items()}
            estimate = tuning.estimate(picked=counts)
            with self._lock:
                self.panels.show_counts(counts, estimate)
                for view in self.panels.views[: len(self.shown)]:
                    wanted = self.panels.tinted.value and self._is_searched(view.name)
                    view.tint(self.tuning.rejected(view.name, **thresholds) if wanted else None)
        except RelionlabError as error:
            self.message.say(str(error), wrong=True)
