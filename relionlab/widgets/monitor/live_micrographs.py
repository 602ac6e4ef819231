"""Jobs that go micrograph by micrograph: the newest result as a picture, and how all so far are spread."""

from __future__ import annotations

import html
import os
import time
from pathlib import Path

import ipywidgets as w
import numpy as np

from relionlab.display.bokeh_view import BokehView
from relionlab.display.live_charts import bars, histogram_chart, rows_of
from relionlab.display.newest.kinds import KINDS, MicrographKind
from relionlab.errors import RelionlabError
from relionlab.widgets.monitor.live_view import LiveView
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.live_figure import LiveFigure

_STEP_SECONDS = 0.1
"""How long one step reads: then the rest of the monitor has its turn."""


class LiveMicrographs(LiveView):
    """The newest micrograph's result, those before by the arrows, and histograms of all.

    path  of a MotionCorr, CtfFind, AutoPick, ManualPick or Extract job
    """

    title = "Micrographs"

    def __init__(self, path: Path) -> None:
        self.kind: MicrographKind = KINDS[path.parent.name]
        self.values: dict[Path, dict[str, np.ndarray]] = {}
        self._found: list[Path] = []
        self._waiting: list[Path] = []
        self._at: Path | None = None
        self._undrawn = False
        self._message = Message()
        self._image = w.HTML()
        self._chart = BokehView()
        self._caption = w.HTML('<span class="rl-muted">No result yet.</span>')
        self._name = w.HTML(layout=w.Layout(flex="1 1 auto"))
        self._follow = w.ToggleButton(
            value=True, description="Newest", tooltip="Show each result as it arrives", layout=w.Layout(width="90px")
        )
        back = button(
            "", "The result before", lambda: self.step(-1), message=self._message, icon="chevron-left", width="40px"
        )
        forth = button(
            "", "The next result", lambda: self.step(1), message=self._message, icon="chevron-right", width="40px"
        )
        self._statistics: LiveFigure | None = None
        self._place = w.VBox()  # of the histograms, from the first result on
        beside = [self._place] if self.kind.beside else []
        sides = w.HBox([self._image, self._chart, *beside], layout=w.Layout(align_items="flex-start"))
        top = w.HBox([self._name, back, forth, self._follow], layout=w.Layout(align_items="center"))
        below = [] if self.kind.beside else [self._place]
        super().__init__(path, top, sides, self._caption, self._message, *below)

    # --- what the buttons do --------------------------------------------------------------------------------------

    def step(self, by: int) -> None:
        """Show the result before (-1) or after (1) the one that is shown."""
        if not self._found:
            return
        place = self._found.index(self._at) if self._at in self._found else len(self._found) - 1
        self._follow.value = False
        self.show(self._found[int(np.clip(place + by, 0, len(self._found) - 1))])

    def show(self, path: Path) -> None:
        """Show one micrograph's result."""
        result = self.kind.result(path)
        self._at = path
        self._image.value = _picture(result.image, result.alt)
        self._chart.layout.display = "none" if result.chart is None else ""
        if result.chart is not None:
            self._chart.show(result.chart)
        self._caption.value = f'<span class="rl-muted">{html.escape(result.caption)}</span>'
        self._say_name()

    # --- looking --------------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Read some results that are new; then show the newest one, and the histograms."""
        if self._undrawn:
            self._undrawn = False
            self._draw()
            return False
        if not self._waiting:
            new = self._new_files()
            if not new:
                return False
            self._waiting = new
        began = time.monotonic()
        while self._waiting and time.monotonic() - began < _STEP_SECONDS:
            self._read(self._waiting.pop())
        self._undrawn = not self._waiting
        return True

    def _new_files(self) -> list[Path]:
        """Return the results that have appeared since the last look, the oldest first; only names are looked at."""
        known = set(self.values)
        found = [path for path in _files_below(self.path) if path not in known and self.kind.is_result(path)]
        return sorted(found, key=_written)

    def _read(self, path: Path) -> None:
        try:
            self.values[path] = self.kind.values(path)
        except (RelionlabError, OSError, ValueError, IndexError):
            return  # half written, or none of a micrograph: looked at again the next time
        self._found.append(path)

    def _draw(self) -> None:
        self._found.sort(key=_written)
        if self.values and self._statistics is None:
            self._statistics = self._make_statistics()
            self._place.children = (self._statistics,)
        for statistic in self.kind.statistics if self._statistics is not None else ():
            parts = [values[statistic.column] for values in self.values.values()]
            self._statistics.data(statistic.column, **bars(np.concatenate(parts)))
        if self._found and self._follow.value and self._found[-1] != self._at:
            if self._at is None:
                self._caption.value = '<span class="rl-muted">Drawing the newest result …</span>'
            try:
                self.show(self._found[-1])
            except (RelionlabError, OSError, ValueError) as error:
                self._message.say(str(error), wrong=True)
        self._say_name()

    def _make_statistics(self) -> LiveFigure:
        size = self.kind.beside or (312, 195)
        charts = []
        for place, one in enumerate(self.kind.statistics):
            counted = "Picks" if one.pooled else self.kind.what.capitalize()
            charts.append(histogram_chart(one.column, one.title, one.label, counted=counted, size=size, place=place))
        columns = 1 if self.kind.beside else 3
        return LiveFigure(rows_of(charts, columns=columns), description=f"Histograms over all {self.kind.what} so far")

    def _say_name(self) -> None:
        if self._at in self._found:
            place = self._found.index(self._at) + 1
            self._name.value = f"<b>{html.escape(self._at.name.removesuffix(self.kind.ending))}</b> &nbsp;{place} of {len(self._found)} {self.kind.what} so far"


def _files_below(directory: Path) -> list[Path]:
    return [
        Path(folder) / name
        for folder, _, names in os.walk(directory)
        for name in names
        if Path(folder) != directory and not name.startswith(".")
    ]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _picture(image: bytes, alt: str) -> str:
    if not image:
        return ""
    import base64

    data = base64.b64encode(image).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt, quote=True)}" style="max-width:960px;margin-right:10px">'
