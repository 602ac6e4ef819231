"""Noise groups: how many particles each will have, and how alike their micrographs are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.handles import curve_figure
from relionlab.errors import InputError
from relionlab.io.star import read_star
from relionlab.jobs.selecting.regrouping import divide
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.widgets.parts.live_figure import LiveFigure

_ENOUGH = 100  # particles of a group: with fewer its noise is poorly known
_COLOR = "#0072B2"


class NoiseGroups(Wizard):
    """Particles in each group, while the number of groups changes."""

    title = "Groups of micrographs"
    sentence = "Micrographs of similar intensity share a group; each needs particles enough to estimate its noise."
    inputs = ("fn_model",)

    def read(self, job: Any) -> tuple[Any, np.ndarray, np.ndarray]:
        """Read the model's groups: their scales and counts."""
        if not job.fn_model:
            raise InputError("No classes are chosen yet: choose a model first.")
        table = _groups(self.directory / job.fn_model.replace("_optimiser.star", "_model.star"))
        return job, table["rlnGroupScaleCorrection"], table["rlnGroupNrParticles"]

    def build(self, found: Any) -> list[w.Widget]:
        """Show the bars, and the number."""
        from bokeh.models import ColumnDataSource, Range1d, Span

        job, self._scales, self._counts = found
        most = max(len(self._scales), 2)
        number = self.number(job, self.name, value=max(getattr(job, self.name), 1), span=(1, most, 1), color=_COLOR)
        figure = curve_figure(
            width=620, height=270, x_label="group, by intensity scale", y_label="particles", y_range=Range1d(0, 1, name="up"),
            x_range=Range1d(0, most, name="across"),
        )  # fmt: skip
        source = ColumnDataSource({"left": [], "right": [], "top": []}, name="bars")
        figure.quad(left="left", right="right", top="top", bottom=0, source=source, color=_COLOR, line_color="#ffffff")
        figure.add_layout(
            Span(location=_ENOUGH, dimension="width", line_color="#D55E00", line_dash="dashed", line_width=2)
        )
        self.live = LiveFigure(figure, description="Particles in each group; the dashed line is at a hundred")
        self._said = w.HTML()
        self.redraw(self.name)
        return [self.beside(number, self._said)]

    def redraw(self, name: str) -> None:
        """Divide again and draw."""
        assert self.live is not None
        new = divide(self._scales, self._counts, wanted=max(round(self.numbers[name].value), 1))
        sizes = np.bincount(new, weights=self._counts)[1:]
        edges = np.arange(len(sizes), dtype=float)
        self.live.data("bars", left=edges + 0.05, right=edges + 0.95, top=sizes)
        self.live.set("up", start=0, end=1.1 * float(max(sizes.max(), _ENOUGH)))
        self.live.set("across", start=0, end=len(sizes))
        few = int(np.sum(sizes < _ENOUGH))
        told = (
            f"{few} of them have fewer than {_ENOUGH} particles (dashed line)" if few else "each has enough particles"
        )
        self._said.value = (
            f'<div class="rl-muted rl-hint">{len(self._scales)} micrographs become <b>{len(sizes)}</b> groups;'
            f" {told}. The smallest has {sizes.min():.0f}.</div>"
        )


def _groups(path: Path) -> Any:
    for table in read_star(path).values():
        if "rlnGroupScaleCorrection" in table and "rlnGroupNrParticles" in table:
            return table
    raise InputError(f"{path.name} has no table of groups with their intensity scales.")
