"""A sweep: a parameter of a job over several values, run one after the other, and the table of results.

SweepView(project, Class2D(fn_img=…))
"""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.jobs.base import Job
from relionlab.params import to_text
from relionlab.project import Project
from relionlab.widgets.parts.buttons import Message, attempt
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Opener
from relionlab.widgets.parts.watching import Watch
from relionlab.widgets.pipeline.compare import CompareView
from relionlab.widgets.pipeline.sweep_table import SweepTable
from relionlab.workflows.sweep import Sweep, parse_values, plan_sweep, read_sweeps, sweepable, usual_values

_FIRST = (
    "tau_fudge",
    "nr_classes",
    "particle_diameter",
    "ini_high",
    "inimask_threshold",
    "width_mask_edge",
    "threshold_autopick",
)


_NONE_YET = (
    '<span class="rl-title">Sweeps</span><div class="rl-muted">No sweep has been made yet. Open a job and press '
    "'Sweep': it is run again with several values of one parameter, and a table compares the results.</div>"
)


class SweepView(w.VBox):
    """Makes sweeps of a job, and shows those that were made.

    job     the job with all its other values; ``None``: only the sweeps that there are
    on_job  called with the name of a job that is clicked
    """

    def __init__(
        self,
        project: Project,
        job: Job | None = None,
        *,
        opener: Opener | None = None,
        on_job: Callable[[str], Any] | None = None,
        period: float = 2.0,
    ) -> None:
        self.project, self.job = project, job
        self._opener, self._on_job = opener, on_job
        self.message = Message()
        self._made = w.VBox([])
        self._tables: dict[str, SweepTable] = {}
        super().__init__([style_sheet(), *(self._form() if job is not None else []), self.message, self._made])
        self.add_class("rl-sweep")
        self.look()
        self._watch = Watch(self._looked, period=period)

    # --- making one ---------------------------------------------------------------------------------------------------

    def run(self) -> Sweep:
        """Make the jobs and run them one after the other."""
        assert self.job is not None
        values = parse_values(self.job, self._parameter.value, self._values.value)
        sweep = plan_sweep(self.project, self.job, self._parameter.value, values=values).start()
        self.message.say(f"{len(values)} jobs were made; they take turns, in a process of their own.")
        self.look()
        return sweep

    def look(self) -> None:
        """Show the sweeps as they are now."""
        for sweep in reversed(read_sweeps(self.project)):
            if sweep.name not in self._tables:
                compare = self._open_comparison if self._opener is not None else None
                self._tables[sweep.name] = SweepTable(
                    sweep, message=self.message, on_job=self._on_job, on_compare=compare
                )
                self._made.children = tuple(reversed(self._tables.values()))
            self._tables[sweep.name].look()
        if not self._tables and self.job is None:
            self._made.children = (w.HTML(_NONE_YET),)

    def close(self) -> None:
        """Stop watching and take the view away; the jobs go on."""
        self._watch.stop(wait=False)
        super().close()

    # --- inside -------------------------------------------------------------------------------------------------------

    def _form(self) -> list[w.Widget]:
        assert self.job is not None
        offered = sweepable(self.job)
        ordered = [name for name in _FIRST if name in offered] + [name for name in offered if name not in _FIRST]
        options = [
            (f"{offered[n].label}{_unit(offered[n].unit)}, now {to_text(getattr(self.job, n)) or 'none'}", n)
            for n in ordered
        ]
        self._parameter = w.Dropdown(
            options=options, layout=w.Layout(width="420px"), tooltip="What differs between the jobs"
        )
        self._values = w.Text(
            placeholder="0.5, 1, 2, 4", layout=w.Layout(width="260px"), tooltip="One job for each value"
        )
        self._go = w.Button(button_style="primary", icon="play", layout=w.Layout(width="auto"))
        self._parameter.observe(lambda _change: self._suggest(), "value")
        self._values.observe(lambda _change: self._check(), "value")
        self._go.on_click(lambda _button: attempt(self.run, self.message))
        self._suggest()
        title = w.HTML(
            f'<span class="rl-title">Sweep: the same {html.escape(self.job.folder)} over several values</span>'
            f'<div class="rl-code">{html.escape(repr(self.job))}</div>'
        )
        return [title, w.HBox([self._parameter, w.Label("over"), self._values, self._go])]

    def _suggest(self) -> None:
        assert self.job is not None
        usual = usual_values(self.job, self._parameter.value)
        self._values.value = ", ".join(to_text(value) for value in usual)
        self._check()

    def _check(self) -> None:
        assert self.job is not None
        self.message.say("")
        found = attempt(lambda: parse_values(self.job, self._parameter.value, self._values.value), self.message) or []
        self._go.description = f"Make and run {len(found)} jobs"
        self._go.disabled = len(found) < 2

    def _open_comparison(self, names: list[str]) -> None:
        assert self._opener is not None
        self._opener.open("Compare a sweep", lambda: CompareView(self.project, names, on_job=self._on_job))

    def _looked(self) -> bool:
        attempt(self.look, self.message)
        return True


def _unit(unit: str) -> str:
    return "" if unit == "unitless" else f" [{unit}]"
