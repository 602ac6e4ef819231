"""Precision against recall, with the present threshold and the best one, where particles are known."""

from __future__ import annotations

from typing import Any

import numpy as np

from relionlab.display.style import PALETTE
from relionlab.engine.picking.agreement import Agreement
from relionlab.widgets.parts.live_figure import LiveFigure
from relionlab.widgets.picking.merit_view import plain_figure

_MOST_POINTS = 400


class AgreementView(LiveFigure):
    """The curve over all thresholds; ``width``, ``height``: screen pixels."""

    def __init__(self, *, width: int = 300, height: int = 190) -> None:
        super().__init__(_figure(width, height), description="Precision against recall over the thresholds")

    def show(self, agreement: Agreement | None, threshold: float) -> None:
        """Show how picks agree with known particles, at this threshold and all others; ``None``: nothing is known."""
        if agreement is None or not agreement.particles:
            for name in ("curve", "now", "best"):
                self.data(name, x=[], y=[])
            return
        count = len(agreement.thresholds)
        places = np.unique(np.linspace(0, max(count - 1, 0), min(count, _MOST_POINTS)).astype(int)) if count else []
        self.data("curve", x=agreement.recall[places], y=agreement.precision[places])
        precision, recall, _ = agreement.at(threshold)
        self.data("now", x=[recall], y=[precision])
        best = agreement.best
        where = None if best is None else agreement.at(best)
        self.data("best", x=[] if where is None else [where[1]], y=[] if where is None else [where[0]])


def _figure(width: int, height: int) -> Any:
    from bokeh.models import ColumnDataSource, Range1d

    drawn = plain_figure(
        width,
        height,
        name="agreement",
        x_range=Range1d(0, 1.03),
        y_range=Range1d(0, 1.05),
        x_axis_label="recall",
        y_axis_label="precision",
    )
    sources = {name: ColumnDataSource({"x": [], "y": []}, name=name) for name in ("curve", "best", "now")}
    drawn.line("x", "y", source=sources["curve"], line_width=2, line_color=PALETTE[2])
    drawn.scatter("x", "y", source=sources["best"], marker="inverted_triangle", size=11, color=PALETTE[0])
    drawn.scatter("x", "y", source=sources["now"], size=10, color=PALETTE[1])
    return drawn
