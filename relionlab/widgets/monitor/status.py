"""The head of the monitor: what the job is, how far it is, how long it still takes, and the button that stops it."""

from __future__ import annotations

import html
import time
from collections.abc import Iterable

import ipywidgets as w

from relionlab.jobs.context import BEFOREHAND
from relionlab.project import ENDED, JobDirectory
from relionlab.project.pace import Pace, spoken
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE, Progress
from relionlab.project.relion_progress import progress_in_log
from relionlab.widgets.parts.buttons import Message, button

_MARKS = {"scheduled": "◦", "running": "▶", "finished": "✓", "failed": "✕", "aborted": "■"}
_STYLES = {"finished": "success", "failed": "danger", "aborted": "warning"}


class JobStatus(w.VBox):
    """State, progress bar, times and Stop of one job at a time."""

    def __init__(self) -> None:
        self.directory: JobDirectory | None = None
        self.told = Message()
        self._pace = Pace()
        self._asked: float | None = None
        self._since: float | None = None
        self._head = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._times = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._bar = w.FloatProgress(min=0, max=1, layout=w.Layout(width="360px", flex="0 0 auto"))
        self._bar.tooltip = "How far the job is"
        tip = "Ask the job to stop: it ends its present step, keeps what is finished, and can be continued"
        self._abort = button("Abort", tip, self.abort, message=self.told, icon="stop", width="120px")
        top = w.HBox([self._head, self._abort], layout=w.Layout(align_items="center"))
        self._progress = w.HBox([self._bar, self._times], layout=w.Layout(align_items="center"))
        super().__init__([top, self._progress, self.told])
        self.idle()

    def idle(self) -> None:
        """Say that there is no job."""
        self._head.value = '<span class="rl-muted">No job has been started yet.</span>'
        self._abort.disabled = True

    def follow(self, directory: JobDirectory) -> None:
        """Show this job from now on."""
        self.directory, self._asked, self._since = directory, None, None
        self._pace = Pace()
        self._pace.learn(directory.path)
        self._bar.value = 0.0
        self.told.say("")

    def abort(self) -> None:
        """Ask the job to stop after its present step; the second time end its process at once."""
        if self.directory is None:
            return
        if self._asked is None:
            self.directory.abort()
            self._asked = time.time()
            self._after_asking()
        else:
            self.directory.abort(kill=True)

    def show(self, state: str, log: tuple[Iterable[str], str] = ((), "")) -> None:
        """Show how the job stands.

        log  last lines and the one being written, which tell the progress of RELION's own jobs
        """
        directory = self.directory
        if directory is None:
            return
        told = directory.progress() or progress_in_log(*log, ended=state == "finished")
        self._show_progress(directory, told, state)
        self._show_state(directory, state)
        if state == "running":
            self._after_asking()
        elif self._asked is not None:
            self._asked = None
            self.told.say("")
            self._abort.description, self._abort.button_style = "Abort", ""

    # --- the parts ------------------------------------------------------------------------------------------------

    def _show_state(self, directory: JobDirectory, state: str) -> None:
        alias = directory.alias_name
        name = html.escape(directory.name + (f" ({alias.rpartition('/')[2]})" if alias else ""))
        why = html.escape(directory.message) if state in ENDED else ""
        text = (
            f'<span class="rl-title">{name}</span> <span class="rl-state rl-state-{state}">{_MARKS.get(state, "")}'
            f" {state}</span> {why}{self._times.value if state == 'finished' else ''}"
        )
        if self._head.value != text:
            self._head.value = text
        self._abort.disabled = state != "running"
        self._abort.layout.display = "none" if state in ENDED else ""
        self._progress.layout.display = "none" if state == "finished" else ""
        self._bar.bar_style = _STYLES.get(state, "info")

    def _show_progress(self, directory: JobDirectory, told: Progress | None, state: str) -> None:
        if told is not None and told.total > 0:
            self._bar.value = told.fraction
            if state == "running":
                self._pace.saw(told)
        if state == "finished":
            self._bar.value = 1.0
        parts = [_amount(told)]
        record = ProcessRecord.read(directory.path / PROCESS_FILE) if state == "running" else None
        self._since = record.since if record is not None else self._since
        if state == "running":
            last = told is not None and not told.what.endswith(BEFOREHAND)
            left = self._pace.seconds_left(told) if told is not None and last else None
            parts = [parts[0] or "starting: its program is being loaded"]
            parts += [f"for {spoken(max(time.time() - self._since, 0.0))}"] if self._since is not None else []
            if told is not None and last and told.done >= told.total > 0:
                parts.append("finishing")
            elif left is not None:
                parts += [f"about {spoken(left)} left", _clock(left)]
        elif self._since is not None and state in ENDED:
            parts.append(f"took {spoken(max(_ended(directory) - self._since, 0.0))}")
        text = f'<span class="rl-muted">{" · ".join(part for part in parts if part)}</span>'
        if self._times.value != text:
            self._times.value = text

    def _after_asking(self) -> None:
        if self._asked is None:
            return
        waited = spoken(time.time() - self._asked)
        self.told.say(
            f"Asked to stop {waited} ago: the job ends its present step first. 'End now' ends it at once; that step is lost."
        )
        self._abort.description, self._abort.button_style = "End now", "danger"
        self._abort.tooltip = "End the process at once: its present step is lost, what is finished stays"


def _amount(told: Progress | None) -> str:
    if told is None or told.total <= 0:
        return ""
    if told.what == "%":
        return f"{told.done:.0f} %"
    done = f"{told.done:,.0f}" if float(told.done).is_integer() else f"{told.done:.1f}"
    return f"{done} of {told.total:,.0f} {html.escape(told.what)}"


def _clock(left: float) -> str:
    """Return at what time of day the job will have ended, where that is some while ahead."""
    return f"until {time.strftime('%H:%M', time.localtime(time.time() + left))}" if left > 300 else ""


def _ended(directory: JobDirectory) -> float:
    """Return when the job ended: when its marker appeared."""
    times = [path.stat().st_mtime for path in directory.path.glob("RELION_JOB_EXIT_*")]
    return max(times, default=time.time())
