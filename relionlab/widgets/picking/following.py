"""One line that follows a job until it has ended."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from relionlab.project import JobDirectory
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.watching import Watch


class Following(w.HBox):
    """State and progress of the job that was started; ``ended`` is called with it when it is over."""

    def __init__(self, ended: Callable[[JobDirectory], None]) -> None:
        self._ended = ended
        self._watch: Watch | None = None
        self._job: JobDirectory | None = None
        self._bar = w.FloatProgress(min=0, max=1, layout=w.Layout(width="160px"))
        self.message = Message(layout=w.Layout(flex="1 1 auto"))
        self._abort = button(
            "Abort", "Ask the job to stop", self._abort_job, message=self.message, icon="stop", width="80px"
        )
        super().__init__([self._bar, self.message, self._abort], layout=w.Layout(display="none", align_items="center"))

    def follow(self, job: JobDirectory) -> None:
        """Follow this job."""
        self.stop()
        self._job = job
        self._bar.value, self._abort.disabled = 0.0, False
        self._bar.bar_style = ""
        self.message.say(f"{job.name} starts …")
        self.layout.display = "flex"
        self._watch = Watch(self._look, period=0.5)

    def stop(self) -> None:
        """Follow no more."""
        if self._watch is not None:
            self._watch.stop(wait=False)
            self._watch = None

    def _look(self) -> bool:
        job = self._job
        if job is None:
            return False
        state, told = job.state, job.progress()
        if told is not None and told.total > 0 and state == "running":
            self._bar.value = told.fraction
            self.message.say(f"{job.name} picks: {told.done:g} of {told.total:g} {told.what}")
        if state == "running":
            return True
        self._bar.value = 1.0 if state == "finished" else self._bar.value
        self._bar.bar_style = "success" if state == "finished" else "danger"
        self._abort.disabled = True
        lines = [line.strip() for line in job.log().splitlines() if "Total number of particles" in line]
        if state == "finished" and lines:
            self.message.say(f"{job.name} is finished. {lines[-1]}.")
        else:
            self.message.say_end(job)
        self._ended(job)
        return False

    def _abort_job(self) -> None:
        if self._job is not None:
            self._job.abort()
