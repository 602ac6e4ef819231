"""The range of values that are kept: the histogram of a column, with both ends to drag."""

from __future__ import annotations

from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.column_words import heading
from relionlab.display.handles import curve_figure
from relionlab.errors import InputError
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure
from relionlab.workflows.samples import number_columns

_ENDS = {"select_minval": "#0072B2", "select_maxval": "#D55E00"}


class ValueRange(Wizard):
    """``select_minval`` and ``select_maxval`` of one column of micrographs or particles."""

    title = "Range of values"
    sentence = "Drag both lines: the rows between them are kept."
    inputs = ("fn_mic", "fn_data", "fn_model")

    def read(self, job: Any) -> tuple[Any, dict[str, np.ndarray]]:
        """Read the numbers of the list that the form names."""
        path = job.fn_mic or job.fn_data or (job.fn_model or "").replace("_model.star", "_data.star")
        if not path:
            raise InputError("No list is chosen yet: choose micrographs or particles first.")
        return job, number_columns(self.directory / path.replace("_optimiser.star", "_data.star"))

    def build(self, found: Any) -> list[w.Widget]:
        """Show the histogram, the column's name and the ends."""
        self._job, self._columns = found
        label = self._job.select_label if self._job.select_label in self._columns else next(iter(self._columns))
        self._label = w.Dropdown(
            options=[(heading(one), one) for one in self._columns],
            value=label,
            layout=w.Layout(width="300px"),
            tooltip="Column",
        )
        self._label.observe(lambda _change: self._another(), "value")
        self._said, self._ends = w.HTML(), w.VBox()
        self.live = self._figure()
        self._another(tell=label != self._job.select_label)
        return [self.beside(self._label, self._ends, self._said)]

    def redraw(self, name: str) -> None:
        """Move the line, and count again."""
        assert self.live is not None
        self.live.set(name, location=self.numbers[name].value)
        values = self._columns[self._label.value]
        low, high = (self.numbers[end].value for end in _ENDS)
        kept = int(np.sum((values >= low) & (values <= high)))
        self._said.value = (
            f'<div class="rl-muted rl-hint"><b>{kept:,}</b> of {len(values):,} rows are kept'
            f" ({100 * kept / max(len(values), 1):.1f} %).</div>"
        )

    def _figure(self) -> LiveFigure:
        from bokeh.models import ColumnDataSource, Range1d, Span

        figure = curve_figure(
            width=640,
            height=280,
            x_label="",
            y_label="rows",
            x_range=Range1d(0, 1, name="across"),
            y_range=Range1d(0, 1, name="up"),
        )
        figure.xaxis[0].name = "axis"
        source = ColumnDataSource({"left": [], "right": [], "top": []}, name="bars")
        figure.quad(left="left", right="right", top="top", bottom=0, source=source, color="#7F7F7F", line_color=None)
        for name, color in _ENDS.items():
            figure.add_layout(Span(name=name, location=0, dimension="height", line_color=color, line_width=3))
        live = LiveFigure(
            figure, handles=[*_ENDS, "curves"], description="Histogram of the column with both ends of the range"
        )
        live.on("drag", lambda event: self._moved(event, tell=False))
        live.on("drop", lambda event: self._moved(event, tell=True))
        return live

    def _another(self, *, tell: bool = True) -> None:
        """Show another column; the ends begin at its own, unless they are the form's."""
        assert self.live is not None
        label, values = self._label.value, self._columns[self._label.value]
        step = float(f"{max(float(np.ptp(values)), 1e-6) / 500:.1g}")
        low, high = (  # round numbers, between which all values are
            float(f"{whole(end / step) * step:.12g}")
            for whole, end in ((np.floor, values.min()), (np.ceil, values.max()))
        )
        form = self._given() if label == self._job.select_label else {}
        counts, edges = np.histogram(values, bins=min(80, max(10, int(np.sqrt(len(values)) * 2))))
        self.live.data("bars", left=edges[:-1], right=edges[1:], top=counts.astype(float))
        margin = 0.03 * (high - low) or 1.0
        self.live.set("across", start=low - margin, end=high + margin)
        self.live.set("up", start=0, end=1.08 * float(counts.max()))
        self.live.set("axis", axis_label=heading(label))
        ends = {
            name: float(np.clip(form.get(name, other), low, high))
            for name, other in zip(_ENDS, (low, high), strict=True)
        }
        rows = [
            self.number(self._job, name, value=ends[name], span=(low, high, step), color=_ENDS[name]) for name in _ENDS
        ]
        self._ends.children = tuple(rows)
        for name in _ENDS:
            self.redraw(name)
        if tell:
            self.write({"do_select_values": True, "select_label": label, **ends})

    def _given(self) -> dict[str, float]:
        """Return the ends that the form has, other than its defaults, which stand for none."""
        values = {name: float(getattr(self._job, name)) for name in _ENDS}
        return {name: value for name, value in values.items() if value != self._job.default(name)}

    def _moved(self, event: FigureEvent, *, tell: bool) -> None:
        if event.hit not in _ENDS and event.start is not None:
            start = event.start
            if self._grip is None or self._grip[0] != start:
                self._grip = (start, min(_ENDS, key=lambda name: abs(self.numbers[name].value - start[0])))
            name = self._grip[1]
        else:
            name = event.hit
        if name:
            self.change(name, event.x, tell=tell)
