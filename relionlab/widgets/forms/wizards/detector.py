"""The detector's MTF: the known curves, chosen by a click or from a list."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.handles import curve_figure
from relionlab.display.style import PALETTE
from relionlab.io.detectors import detectors, read_mtf
from relionlab.jobs.options.detector import place_of
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure

_FILE = "the form's file"


class DetectorCurve(Wizard):
    """Curves of the library and of the form's own file; the chosen one is thick."""

    title = "MTF of the detector"
    sentence = "Click a curve, or choose from the list: your detector at your voltage."

    def read(self, job: Any) -> tuple[Any, dict[str, tuple[np.ndarray, np.ndarray]]]:
        """Read all known curves, and the form's own file."""
        known = {name: read_mtf(one.path, name) for name, one in detectors().items()}
        given = _known_as(getattr(job, self.name))
        place = self.directory / given if given and given not in known else None
        if place is not None and place.is_file():
            known[_FILE] = read_mtf(Path(place), given)
        return job, known

    def build(self, found: Any) -> list[w.Widget]:
        """Show the curves, and the list."""
        from bokeh.models import Span

        job, self._curves = found
        self._given, words = _known_as(getattr(job, self.name)), detectors()
        figure = curve_figure(
            width=620,
            height=330,
            x_label="frequency (cycles per detector pixel)",
            y_label="MTF",
            x_range=(0, 0.5),
            y_range=(0, 1.05),
        )
        for number, (name, (x, y)) in enumerate(self._curves.items()):
            color, dash = PALETTE[number % len(PALETTE)], "solid" if number < len(PALETTE) else "dashed"
            figure.line(x, y, color=color, line_dash=dash, line_width=1.5, name=f"curve:{name}", legend_label=name)
        figure.legend.label_text_font_size, figure.legend.padding, figure.legend.spacing = "10px", 4, -3
        figure.legend.background_fill_color = figure.legend.border_line_color = None
        figure.legend.label_text_color = "#888888"
        figure.add_layout(figure.legend[0], "right")
        figure.add_layout(Span(location=0.5, dimension="height", line_color="#888888", line_dash="dotted"))
        self.live = LiveFigure(figure, description="MTF curves of the known detectors")
        self.live.on("tap", self._tapped)
        options = [("none", ""), *((f"{name}: {one.description}", name) for name, one in words.items())]
        if _FILE in self._curves:
            options.append((self._given, _FILE))
        start = _FILE if _FILE in self._curves else next((n for n in words if n == self._given), "")
        self._list = w.Dropdown(options=options, value=start, layout=w.Layout(width="100%"), tooltip="Detector")
        self._list.observe(lambda change: self._taken(change["new"]), "value")
        self._words = w.HTML()
        self._mark(start)
        side = w.VBox([self._list, self._words], layout=w.Layout(width="430px"))
        side.add_class("rl-wizard-side")
        row = w.Box([self.live, side])
        row.add_class("rl-wizard-row")
        return [row]

    def choose(self, name: str) -> None:
        """Choose a detector by its name, "" for none."""
        self._list.value = name

    def _taken(self, name: str) -> None:
        self._mark(name)
        self.write({self.name: self._given if name == _FILE else name})

    def _mark(self, name: str) -> None:
        known = detectors().get(name)
        source = (
            f"{known.description}. {known.source}." if known else "Without one, the MTF becomes a part of the B-factor."
        )
        self._words.value = f'<div class="rl-muted rl-hint">{html.escape(source)}</div>'
        for one in self._curves:
            glyph = self.live.figure.select_one({"name": f"curve:{one}"}).glyph  # type: ignore[union-attr]
            width = 4.0 if one == name else 1.5
            if glyph.name is None:
                glyph.name = f"glyph:{one}"
            if glyph.line_width != width:
                self.live.set(glyph.name, line_width=width)  # type: ignore[union-attr]

    def _tapped(self, event: FigureEvent) -> None:
        apart = {name: abs(float(np.interp(event.x, x, y)) - event.y) for name, (x, y) in self._curves.items()}
        self.choose(min(apart, key=apart.__getitem__))


def _known_as(value: str) -> str:
    """Return the detector's name where the form names its place in a project, "MTF/k2_300kV.star"."""
    return next((name for name in detectors() if place_of(name) == value), value)
