"""The monitor of a job: progress, time left, log, class averages as they arrive, the resolution curve.

    JobMonitor(project.job("Class2D/job003"))

It reads the job's directory and nothing else, from a thread of its own: the kernel stays free, and after a restart of
the kernel the same line shows the same job again.
"""

from __future__ import annotations

import html
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from relionlab.display.bokeh_view import BokehView
from relionlab.errors import RelionlabError
from relionlab.project import JobDirectory
from relionlab.project.process_record import ProcessRecord
from relionlab.project.progress import PROCESS_FILE, Progress
from relionlab.widgets.forms.form import JobForm
from relionlab.widgets.gallery.class_grid import ClassGrid
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.log_view import LogView
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.watching import Watch

if TYPE_CHECKING:
    from relionlab.display.results import IterationRow


class JobMonitor(w.VBox):
    """Shows how a job goes, until it has ended.

    source  a job directory; or a form: then the job that the form starts, also the next one
    period  seconds between two looks
    """

    def __init__(self, source: JobDirectory | JobForm, *, period: float = 1.0) -> None:
        self.period = period
        self.directory: JobDirectory | None = None
        self._watch: Watch | None = None
        self._head = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._told = Message()
        tip = "Ask the job to stop after its present step"
        self._abort = button("Abort", tip, self._abort_job, message=self._told, icon="stop")
        self._bar = w.FloatProgress(min=0, max=1, layout=w.Layout(width="420px"))
        self._log, self._warnings = LogView(), LogView(height="110px")
        self._warning_box = w.VBox(
            [w.HTML("<b>Warnings</b> (run.err)"), self._warnings], layout=w.Layout(display="none")
        )
        self._curve = BokehView()
        self._curve.layout = w.Layout(width="430px", flex="0 0 auto")
        self._iteration = w.HTML()
        self._grid = ClassGrid(selectable=False, tile=92)
        top = w.HBox([self._head, self._abort])
        progress = w.HBox([self._bar, self._told])
        logs = w.VBox([w.HTML("<b>Log</b> (run.out)"), self._log], layout=w.Layout(flex="1 1 auto", min_width="300px"))
        parts = [
            style_sheet(),
            top,
            progress,
            w.HBox([logs, self._curve]),
            self._warning_box,
            self._iteration,
            self._grid,
        ]
        super().__init__(parts)
        self.add_class("rl-monitor")
        if isinstance(source, JobForm):
            source.on_start(self.follow)
            source = source.directory  # type: ignore[assignment]
        if source is None:
            self._head.value = '<span class="rl-muted">No job has been started yet.</span>'
            self._abort.disabled = True
        else:
            self.follow(source)

    def follow(self, directory: JobDirectory) -> None:
        """Watch this job from now on."""
        self.stop()
        self.directory = directory
        self._seen: dict[str, Any] = {}
        self._first: tuple[float, float] | None = None
        self._watch = Watch(self.look, period=self.period)

    def stop(self) -> None:
        """Stop watching; what is shown stays."""
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    def close(self) -> None:
        """Stop watching and take the widget away."""
        self.stop()
        super().close()

    def look(self) -> bool:
        """Read the directory once and show what is new; returns whether the job may still change."""
        directory = self.directory
        if directory is None:
            return False
        try:
            state = directory.state
            self._show_state(directory, state)
            self._show_progress(directory.path, directory.progress(), state)
            self._show_logs(directory)
            self._show_results(directory.path)
        except (OSError, RelionlabError) as error:  # a file in the making, a directory that was just removed
            self._told.value = f'<span class="rl-muted">{html.escape(str(error))}</span>'
            return directory.path.is_dir()
        return state in ("running", "scheduled")

    def _abort_job(self) -> None:
        if self.directory is not None:
            self.directory.abort()

    # --- the parts ------------------------------------------------------------------------------------------------

    def _show_state(self, directory: JobDirectory, state: str) -> None:
        alias = directory.alias_name
        name = html.escape(directory.name + (f" ({alias.rpartition('/')[2]})" if alias else ""))
        message = html.escape(directory.message)
        _put(
            self._head,
            f'<span class="rl-title">{name}</span> &nbsp;<span class="rl-state rl-state-{state}">{state}</span> {message}',
        )
        self._abort.disabled = state != "running"
        self._bar.bar_style = {"finished": "success", "failed": "danger", "aborted": "warning"}.get(state, "info")

    def _show_progress(self, path: Path, told: Progress | None, state: str) -> None:
        if state == "finished":
            self._bar.value = 1.0
        elif told is not None and told.total > 0:
            self._bar.value = told.fraction
        parts = [_amount(told)]
        if state == "running":
            left = self._time_left(told) if told is not None and told.total > 0 else None
            parts = [parts[0] or "starting", _so_far(path), "" if left is None else f"about {spoken(left)} left"]
        _put(self._told, f'<span class="rl-muted">{" · ".join(part for part in parts if part)}</span>')

    def _time_left(self, told: Progress) -> float | None:
        """Return the seconds left, by the pace since the first look; ``None`` as long as nothing has moved."""
        if self._first is None or told.done < self._first[1]:
            self._first = (time.time(), told.done)
        began, done = self._first
        if told.done <= done:
            return None
        return max(0.0, (told.total - told.done) * (time.time() - began) / (told.done - done))

    def _show_logs(self, directory: JobDirectory) -> None:
        self._log.show(directory.log())
        warnings = directory.warnings()
        self._warnings.show(warnings)
        self._warning_box.layout.display = "" if warnings.strip() else "none"

    def _show_results(self, path: Path) -> None:
        """Show class averages and curve when a new iteration lies in the directory."""
        from relionlab.display.convergence import resolution_course
        from relionlab.display.results import course_of, finished_models, read_class_averages

        files = finished_models(path)
        newest = (files[-1].name, files[-1].stat().st_mtime) if files else None
        if newest is None or newest == self._seen.get("model"):
            return
        averages = read_class_averages(files[-1])
        self._grid.show(averages)
        when = f"after iteration {averages.iteration}" if averages.iteration >= 0 else "at the end"
        order = ", largest class first" if len(averages) > 1 else ""
        _put(self._iteration, f"<b>{averages.what} {when}</b>{order}")
        self._curve.show(resolution_course(course_of(self._rows(files))))
        self._seen["model"] = newest  # last, so that an iteration that could not be read is tried again

    def _rows(self, files: list[Path]) -> list[IterationRow]:
        """Return the lines of the iterations, those read before from memory; the joined one comes after them all."""
        from relionlab.display.results import iteration_row

        rows = self._seen.setdefault("rows", {})
        for file in files:
            if file.name not in rows or file == files[-1]:
                rows[file.name] = iteration_row(file)
        found = [rows[file.name] for file in files]
        last = max(row.iteration for row in found)
        return [row if row.iteration >= 0 else replace(row, iteration=last + 1) for row in found]


def spoken(seconds: float) -> str:
    """Return a time as people say it: "40 s", "3 min 20 s", "2 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _amount(told: Progress | None) -> str:
    return "" if told is None or told.total <= 0 else f"{told.done:.4g} of {told.total:.4g} {html.escape(told.what)}"


def _so_far(path: Path) -> str:
    """Return how long a job has been running, in words: so a long first step shows that it is alive."""
    record = ProcessRecord.read(path / PROCESS_FILE)
    return "" if record is None else f"for {spoken(max(time.time() - record.since, 0.0))}"


def _put(widget: w.HTML, text: str) -> None:
    """Change a text only if it differs: nothing travels to the browser for nothing."""
    if widget.value != text:
        widget.value = text
