"""A stage of the workflow in a notebook's cell: what it waits for, its form, its monitor, and what one looks at it with.

    course = single_particle("apoferritin", images="Movies/*.tiff")
    motion = StageView(course, "motion")
    motion.look("Tracks")

Its form is filled in from what was done before. When that changes, as a job before it ends, the form is filled in anew, unless
somebody has changed it meanwhile.
"""

from __future__ import annotations

import html
from functools import partial
from typing import Any

import ipywidgets as w

from relionlab.errors import JobStateError, ParameterError, RelionlabError
from relionlab.jobs.base import Job
from relionlab.project import JobDirectory
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.monitor.monitor import JobMonitor
from relionlab.widgets.parts.buttons import Message, attempt, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer
from relionlab.widgets.pipeline.changes_seen import follow_changes
from relionlab.widgets.pipeline.stage_views import Way, ways_of
from relionlab.workflows.single_particle import SingleParticle
from relionlab.workflows.single_particle_stages import STAGES


class StageView(w.VBox):
    """One stage of a course of :func:`relionlab.workflows.single_particle.single_particle`.

    name  of the stage: "motion", "ctf", "by_size" …; ``STAGES`` of relionlab.workflows.single_particle_stages lists them

    Where the course is automatic, the stage starts at once, and the cell lasts as long as its job.
    """

    def __init__(self, course: SingleParticle, name: str) -> None:
        if name not in STAGES:
            raise ParameterError(f"There is no stage {name!r}; expected one of {', '.join(STAGES)}.")
        self.course, self.stage = course, STAGES[name]
        self.form: JobForm | None = None
        self.monitor: JobMonitor | None = None
        self._filled: Job | None = None
        self._told, self._message, self._drawer = w.HTML(), Message(), Drawer()
        self._show = button("Form", "Show the form, and the monitor of the job that is there", self.show_form, message=self._message, width="80px")  # fmt: skip
        self._ways = {way.label: self._button(way) for way in ways_of(name)}
        self._bar = w.HBox(list(self._ways.values()), layout=w.Layout(flex_flow="row wrap", align_items="center"))
        self._place = w.VBox([])
        head = w.HBox([self._told, self._show], layout=w.Layout(align_items="center"))
        super().__init__([style_sheet(), head, self._place, self._bar, self._message, self._drawer])
        self.add_class("rl-stage")
        self.refresh()
        self._run_if_asked()
        follow_changes(course.project, self)

    # --- what a notebook can ask and do -------------------------------------------------------------------------------

    @property
    def job(self) -> JobDirectory | None:
        """The stage's newest job that was started, ``None`` before."""
        return self.course.done(self.stage.name)

    @property
    def labels(self) -> tuple[str, ...]:
        """What :meth:`look` can show."""
        return tuple(self._ways)

    def look(self, label: str) -> w.Widget:
        """Open a picker, gallery or picture of the stage below it, by the label of its button.

        Raises JobStateError as long as there is nothing to show.
        """
        way = next((way for way in ways_of(self.stage.name) if way.label == label), None)
        if way is None:
            raise ParameterError(f"{self.stage.title} shows {', '.join(self._ways) or 'nothing'}; not {label!r}.")
        source = self._source(way)
        if source is None:
            raise JobStateError(
                f"{label}: there is nothing to show before {STAGES[way.of[0]].title.lower()} has ended."
            )
        self._message.say("")
        return self._drawer.open(f"{label} · {source.name}", partial(way.make, source, self._drawer))

    def show_form(self) -> None:
        """Show the form, and the monitor of a job that is there; also while the stage waits for others."""
        if self.form is None:
            done = self.job
            self._new_form(done, self.course.job(self.stage.name) if done is None else done.job)
            self._tell(done)

    def refresh(self) -> None:
        """Look at the project: show the stage's newest job, or fill in what is known by now."""
        try:
            done = self.job
            if done is not None:
                anew = self.form is not None and self.form.directory != done
                if anew or (self.form is None and done.state != "finished"):  # what has ended is shown when asked for
                    self._new_form(done, done.job)
            elif self.course.needs(self.stage.name):
                self._fill_in()
            self._tell(done)
        except (RelionlabError, OSError) as error:
            self._message.say(str(error), wrong=True)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _fill_in(self) -> None:
        """Put what is known by now into the form, unless its user has changed it."""
        job, missing = self.course.outlook(self.stage.name)
        if self.form is None:
            if not missing or self.stage.name == "import":
                self._new_form(None, job)
        elif self.form.directory is None and job != self._filled and self._untouched():
            self.form.fill(job)
            self._filled = job

    def _untouched(self) -> bool:
        try:
            return self.form is not None and self.form.job == self._filled
        except RelionlabError:
            return False

    def _new_form(self, done: JobDirectory | None, job: Job) -> None:
        self._filled = job
        project, drawer = self.course.project, self._drawer
        self.form = (
            JobForm.of(done, opener=drawer) if done is not None else JobForm(job, project=project, opener=drawer)
        )
        if isinstance(job, self.form.declared) and getattr(job, "do_other", False):
            self.form.show("fn_in_other")  # what there is to be filled in stands on the second page
        self.form.on_start(self._started)
        self._place.children = (self.form,)
        if done is not None:
            self._started(done)

    def _started(self, directory: JobDirectory) -> None:
        if self.monitor is None:
            self.monitor = JobMonitor(directory, opener=self._drawer)
        else:
            self.monitor.follow(directory)
        assert self.form is not None
        self._place.children = (self.form, self.monitor)

    def _run_if_asked(self) -> None:
        course, name = self.course, self.stage.name
        if not course.automatic or self.stage.by_hand or not course.needs(name):
            return
        attempt(lambda: course.run(name), self._message)
        self.refresh()

    def _tell(self, done: JobDirectory | None) -> None:
        """Say where the stage stands, and offer what can be shown."""
        if not self.course.needs(self.stage.name) and done is None:
            words = f"Not needed: the project begins with {self.course.kind}."
        elif done is not None:
            words = "" if self.form is not None else f"{done.name} is {done.state}."
        else:
            missing = self.course.waits_for(self.stage.name)
            words = f"{self.stage.title} waits for {missing}." if missing else ""
        self._told.value = f'<span class="rl-muted">{html.escape(words)}</span>' if words else ""
        self._show.layout.display = "" if words and self.form is None else "none"
        ready = {label: self._source(way) is not None for label, way in zip(self._ways, ways_of(self.stage.name), strict=True)}  # fmt: skip
        for label, made in self._ways.items():
            made.layout.display = "" if ready[label] else "none"
        self._bar.layout.display = "" if any(ready.values()) else "none"

    def _source(self, way: Way) -> JobDirectory | None:
        found: Any = (self.course.finished(name) for name in way.of)
        return next((directory for directory in found if directory is not None), None)

    def _button(self, way: Way) -> w.Button:
        act = partial(self.look, way.label)
        return button(way.label, way.tip, act, message=self._message, icon=way.icon, width="170px")
