"""Class averages and maps as the iterations bring them: clicked while the job runs, back and forth through the iterations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import ipywidgets as w
import numpy as np

from relionlab.display.class_tiles import read_class_tiles
from relionlab.display.results import ClassAverages, class_counts, data_file, read_class_averages
from relionlab.errors import ParameterError, RelionlabError
from relionlab.jobs.refinement.rounds import Round, rounds
from relionlab.project import ENDED, JobDirectory
from relionlab.widgets.gallery.class_grid import ClassGrid
from relionlab.widgets.monitor.live_view import LiveView
from relionlab.widgets.parts.buttons import Message, attempt, button
from relionlab.widgets.parts.watching import Watch
from relionlab.workflows.outcomes.classes import good_classes
from relionlab.workflows.stopping import continue_from, stop_and_select

_LARGE = 5_000_000  # bytes of a particle table that is counted in a step of its own
_TILE, _SMALL_TILE, _MAP_TILE = 92, 72, 200
_MANY = 60


class LiveClasses(LiveView):
    """The classes of the newest iteration, or of the one that the slider is set to.

    directory   the job
    three       whether the references are maps
    on_started  called with the job that "Stop here and select" or "Continue from here" starts
    """

    def __init__(
        self,
        directory: JobDirectory,
        *,
        three: bool = False,
        on_started: Callable[[JobDirectory], None] = lambda _: None,
    ) -> None:
        self.directory, self.three, self.on_started = directory, three, on_started
        self.title = "Maps" if three else "Classes"
        self.averages: ClassAverages | None = None
        self._rounds: list[Round] = []
        self._shown: Round | None = None
        self._uncounted: ClassAverages | None = None
        self.grid = ClassGrid(tile=_MAP_TILE if three else _TILE)
        self.grid.observe(lambda _change: self._say_count(), "selected")
        self._slider = w.IntSlider(min=0, max=0, readout=False, continuous_update=False, layout=w.Layout(width="220px"))
        self._slider.tooltip = "Go back and forth through the iterations"
        self._slider.observe(self._slid, "value")
        self._title, self._count = w.HTML(layout=w.Layout(flex="1 1 auto")), w.HTML()
        self._message = Message()
        self._tools = self._make_tools()
        top = w.HBox([self._title, self._slider, self._further], layout=w.Layout(align_items="center"))
        super().__init__(directory.path, top, self._tools, self._message, self.grid)

    # --- what is chosen -------------------------------------------------------------------------------------------

    @property
    def selected(self) -> tuple[int, ...]:
        """Numbers of the chosen classes, ascending."""
        return tuple(sorted(self.grid.selected))

    @property
    def model(self) -> Path:
        """The model file of the iteration that is shown; raises ParameterError before the first one."""
        if self.averages is None or self.averages.model is None:
            raise ParameterError("No iteration has finished yet: wait for the first one.")
        return self.averages.model

    # --- what the buttons do --------------------------------------------------------------------------------------

    def select(self, numbers: set[int] | tuple[int, ...] | list[int]) -> None:
        """Choose the classes of these numbers, and no others."""
        self.grid.selected = [number for number in self.grid.order if number in set(numbers)]

    def select_good(self) -> None:
        """Choose the classes whose score says that they hold particles; of maps those as fine as the finest."""
        averages = self.averages
        if averages is None or averages.model is None:
            raise ParameterError("No iteration has finished yet: wait for the first one.")
        if self.three:
            from relionlab.workflows.map_choices import choose_classes

            self.select(choose_classes(averages.model, symmetry="C1").kept)
        else:
            self.select(good_classes(averages))

    def stop_and_select(self) -> None:
        """Stop the job if it runs, and keep the particles of the chosen classes after the shown iteration: a Select job."""
        model, chosen = self.model, self.selected
        if not chosen:
            raise ParameterError("No class is chosen: click the good ones first.")
        self._message.say("Stopping …" if self.directory.state == "running" else "Starting the selection …")
        self._work(lambda: stop_and_select(self.directory, model, classes=chosen, told=self._message.say))

    def continue_from(self) -> None:
        """Continue the job from the shown iteration, up to the number of iterations beside the button."""
        model, wanted = self.model, int(self._until.value)
        self._work(lambda: continue_from(self.directory, model, iterations=wanted or None))

    # --- looking --------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Show the newest iteration if the slider stands at the end; its particles are counted in the next step."""
        if self._uncounted is not None:
            self._count_particles()
            return False
        found = [one for one in rounds(self.path) if one.number > 0 or one.final] or rounds(self.path)
        if found == self._rounds or not found:
            return False
        follows = self._slider.value >= len(self._rounds) - 1
        self._rounds = found
        self._slider.max = len(found) - 1
        if follows:
            self._show(found[-1])
            self._slider.value = len(found) - 1
        self._say_title()
        return self._uncounted is not None

    def _slid(self, _change: object) -> None:
        place = self._slider.value
        if place < len(self._rounds) and self._rounds[place] != self._shown:
            try:
                self._show(self._rounds[place])
                self._message.say("")
            except (RelionlabError, OSError) as error:
                self._message.say(str(error), wrong=True)

    def _show(self, one: Round) -> None:
        model = one.models[0]
        if self.three:
            averages = read_class_tiles(one)
            if not one.halves:
                averages = replace(averages, counts=class_counts(model, len(averages)))
        else:
            data = data_file(model)
            at_once = data is None or data.stat().st_size < _LARGE
            averages = read_class_averages(model, count=at_once)
            self._uncounted = None if at_once else averages
            self.grid.tile = _SMALL_TILE if len(averages) > _MANY else _TILE
        self._shown, self.averages = one, averages
        self.grid.selectable = not one.halves and len(averages) > 1
        self.grid.show(averages)
        self._tools.layout.display = "" if self.grid.selectable else "none"
        self._say_title()
        self._say_count()

    def _count_particles(self) -> None:
        averages, self._uncounted = self._uncounted, None
        if averages is None or averages is not self.averages or averages.model is None:
            return
        self.averages = replace(averages, counts=class_counts(averages.model, len(averages)))
        self.grid.show(self.averages)
        self._say_count()

    # --- the parts ------------------------------------------------------------------------------------------------

    def _make_tools(self) -> w.HBox:
        made = partial(button, message=self._message)
        stop = "Stop the job after its present step, and keep the particles of the chosen classes as they are here: a Select job"
        again = "Go on from this iteration, up to so many iterations"
        self._select = made(
            "Stop here and select", stop, self.stop_and_select, icon="check", style="primary", width="auto"
        )
        go_on = made("Continue from here", again, self.continue_from, icon="step-forward", width="auto")
        iterations = getattr(self._job(), "nr_iter", None) or 0
        self._until = w.BoundedIntText(
            value=iterations,
            min=0,
            max=9999,
            description="up to",
            layout=w.Layout(width="112px", flex="0 0 auto"),
            style={"description_width": "40px"},
        )
        self._until.tooltip = "Iterations in all when the job is continued; 0: as before"
        small = [
            made("All", "Choose all classes", lambda: self.select(self.grid.order), width="auto"),
            made("None", "Choose no class", lambda: self.select(()), width="auto"),
            made(
                "Good", "Choose the classes whose score says that they hold particles", self.select_good, width="auto"
            ),
            made("Invert", "Choose the others instead", self._invert, width="auto"),
        ]
        gap = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._count.layout = w.Layout(min_width="290px")
        self._further = w.HBox([go_on, self._until], layout=w.Layout(display="none", flex="0 0 auto"))
        self._continues = bool(iterations)
        tools = w.HBox([self._count, *small, gap, self._select], layout=w.Layout(align_items="center", display="none"))
        tools.add_class("rl-class-tools")
        return tools

    def _job(self) -> object | None:
        try:
            return self.directory.job
        except (RelionlabError, OSError, AttributeError):
            return None

    def _invert(self) -> None:
        self.select(set(self.grid.order) - set(self.grid.selected))

    def _say_title(self) -> None:
        averages, one = self.averages, self._shown
        if averages is None or one is None:
            return
        order = ", largest class first" if len(averages) > 1 and not one.halves else ""
        newest = "" if one == self._rounds[-1] else f" (newest: {self._rounds[-1].number})"
        views = ": slices z, y, x; projection" if self.three else ""
        self._title.value = f"<b>{averages.what} {one.label()}</b>{order}{newest}<span class='rl-muted'>{views}</span>"

    def _say_count(self) -> None:
        averages = self.averages
        if averages is None:
            return
        chosen = np.isin(averages.numbers, self.grid.selected)
        counted = bool((averages.counts >= 0).all()) and averages.counts.sum() > 0
        share = 100 * float(
            averages.counts[chosen].sum() / averages.counts.sum() if counted else averages.share[chosen].sum()
        )
        known = f" · <b>{averages.counts[chosen].sum():,}</b> of {averages.counts.sum():,} particles" if counted else ""
        self._count.value = f"<b>{chosen.sum()}</b> of {len(averages)} classes{known} ({share:.1f} %)"
        self._select.disabled = not chosen.any()

    def refresh(self, state: str) -> None:
        """Let the buttons say what they would do in this state of the job."""
        runs = state == "running"
        self._select.description = "Stop here and select" if runs else "Save selection"
        self._further.layout.display = "" if self._continues and state in ENDED else "none"

    def _work(self, method: Callable[[], JobDirectory]) -> None:
        """Call a method that may wait for the job, in a thread, and say what came of it."""

        def begin() -> None:
            started = method()
            self._message.say(f"Started {started.name}.")
            self.on_started(started)

        def run() -> bool:
            attempt(begin, self._message)
            return False

        Watch(run)
