"""One sweep as a table: value, job, state, results; live while its jobs run."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as w

from relionlab.widgets.parts.buttons import Message, attempt
from relionlab.widgets.pipeline.row_table import RowTable
from relionlab.workflows.compare import ComparedRow
from relionlab.workflows.sweep import Sweep

_MOST_NUMBERS = 5


class SweepTable(w.VBox):
    """The jobs of a sweep, in the order of their values.

    on_job      called with the name of a job that is clicked
    on_compare  called with the names of the jobs, to be shown side by side
    """

    def __init__(
        self,
        sweep: Sweep,
        *,
        message: Message,
        on_job: Callable[[str], Any] | None = None,
        on_compare: Callable[[list[str]], Any] | None = None,
    ) -> None:
        self.sweep, self._message = sweep, message
        self._seen: dict[str, str] = {}
        self._head = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._stop = w.Button(
            description="Stop",
            tooltip="Start no further job; ask the running one to stop",
            layout=w.Layout(width="80px"),
        )
        self._stop.on_click(lambda _button: attempt(sweep.stop, message))
        compare = w.Button(
            description="Compare", tooltip="Results and pictures side by side", layout=w.Layout(width="90px")
        )
        if on_compare is None:
            compare.layout.display = "none"
        else:
            compare.on_click(lambda _button: attempt(lambda: on_compare([job.name for job in sweep.jobs]), message))
        self.table = RowTable(["Value", "Job", "State"], tip="Show this job" if on_job is not None else "")
        if on_job is not None:
            self.table.on("open", on_job)
        super().__init__([w.HBox([self._head, self._stop, compare]), self.table])
        self.look()

    def look(self) -> None:
        """Show the jobs as they are now; nothing is read anew while no state has changed and none runs."""
        jobs = {job.name: job for job in self.sweep.jobs}
        states = {name: job.state for name, job in jobs.items()}
        running = self.sweep.running
        self._stop.disabled = not running
        if states == self._seen and "running" not in states.values():
            return
        self._seen = states
        found = attempt(self.sweep.comparison, self._message) if len(jobs) > 1 else None
        results = _telling(found.results) if found is not None else []
        label = self._label()
        place = {name: index for index, name in enumerate(jobs)}
        self.table.columns = [label, "Job", "State", *(row.label for row in results)]
        self.table.show(
            [
                (
                    name,
                    [
                        [value, "strong"],
                        name.rpartition("/")[2],
                        [states[name], "state"],
                        *(row.values[place[name]] for row in results),
                    ],
                )
                for name, value in zip(self.sweep.names, self.sweep.values, strict=True)
                if name in jobs
            ]
        )
        self._head.value = (
            f'<div class="rl-heading">{html.escape(self.sweep.name)} <span class="rl-muted">{html.escape(label)}: '
            f"{self._told(list(states.values()), running=running)}</span></div>"
        )

    def _told(self, states: list[str], *, running: bool) -> str:
        done, waiting = states.count("finished"), states.count("scheduled")
        how = (
            "running" if running else "stopped" if waiting and self.sweep.stopped else "waiting" if waiting else "done"
        )
        return f"{done} of {len(states)} finished, {how}"

    def _label(self) -> str:
        declared = self.sweep.jobs[0].job.parameters()[self.sweep.parameter]
        return declared.label if declared.unit == "unitless" else f"{declared.label} [{declared.unit}]"


def _telling(results: Sequence[ComparedRow]) -> list[ComparedRow]:
    """Return what tells the jobs apart in a narrow table: the time, some numbers that differ, the verdict in a word."""
    kept = [row for row in results if row.label == "Time taken"]
    numbers = [row for row in results if row.label not in ("Type", "State", "Time taken", "Result", "Verdict")]
    kept += [row for row in numbers if row.differs][:_MOST_NUMBERS]
    grades = [row for row in results if row.label == "Verdict"]
    return kept + [ComparedRow(row.label, "", tuple(value.partition(":")[0] for value in row.values)) for row in grades]
