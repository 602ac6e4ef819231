"""Resolution, changes, accuracies and correlations, iteration by iteration: points are added to charts that stay."""

from __future__ import annotations

import time
from pathlib import Path

import ipywidgets as w

from relionlab.display.bokeh_view import BokehView
from relionlab.display.live_course import (
    CoursePoint,
    course_columns,
    course_figure,
    curve_columns,
    curve_figure,
    read_point,
)
from relionlab.errors import RelionlabError
from relionlab.jobs.refinement.rounds import Round, rounds
from relionlab.widgets.monitor.live_view import LiveView
from relionlab.widgets.parts.live_figure import LiveFigure

_REDRAW_SECONDS = 0.7
"""Between two drawings where iterations come faster than they are read."""


class LiveCourse(LiveView):
    """The convergence panel; one iteration is read in each step, and none twice."""

    title = "Convergence"

    def __init__(self, path: Path, *, three: bool = False) -> None:
        self.three = three
        self.points: list[CoursePoint] = []
        self._read: dict[Round, CoursePoint] = {}
        self._words = w.HTML('<span class="rl-muted">The first iteration has not finished yet.</span>')
        self._figure: LiveFigure | None = None
        self._drawn = 0.0  # when
        self.curves = LiveCurves(path)
        super().__init__(path, self._words)

    def look(self) -> bool:
        """Read one iteration that is new, and add it to the charts."""
        found = rounds(self.path)
        unread = [one for one in found if one not in self._read]
        if unread:
            # newest first: whoever comes late sees where the job stands, then how it came there
            self._read[unread[-1]] = read_point(unread[-1])
            self.points = [self._read[one] for one in found if one in self._read]
            if len(unread) == 1 or time.monotonic() - self._drawn > _REDRAW_SECONDS:
                self._draw()
                self._drawn = time.monotonic()
        return len(unread) > 1

    def _draw(self) -> None:
        if self._figure is None:
            several = len(self.points[-1].share) > 1
            words = "Resolution, changes and certainty against the iteration"
            self._figure = LiveFigure(course_figure(three=self.three, several=several), description=words)
            self.children = (self._figure, self._words)
        self._figure.data("course", **course_columns(self.points))
        self._words.value = f'<span class="rl-muted">{_told(self.points)}</span>'
        self.curves.draw(self.points)


class LiveCurves(w.VBox):
    """Correlation of the half-maps, or signal over noise, of the first and the newest iteration."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.title = "Signal to noise"
        self._figure: LiveFigure | None = None
        super().__init__([w.HTML('<span class="rl-muted">The first iteration has not finished yet.</span>')])

    def draw(self, points: list[CoursePoint]) -> None:
        """Show the curves of these iterations."""
        halves = any(point.halves for point in points)
        drawn = [point for point in points if point.halves == halves]
        if self._figure is None or halves != (self.title == "FSC"):
            self.title = "FSC" if halves else "Signal to noise"
            self._figure = LiveFigure(curve_figure(halves=halves), description=self.title)
            self._words = w.HTML()
            self.children = (self._figure, self._words)
        for name, (x, y) in curve_columns(drawn).items():
            self._figure.data(name, x=x, y=y)
        known = drawn[-1].values["resolution"]
        level = "0.143 and 0.5 are dashed" if halves else "where it is 1 is dashed: the estimated resolution"
        self._words.value = (
            f'<span class="rl-muted">Newest: {known:.1f} Å. {level[0].upper()}{level[1:]}.'
            f" {'Half-maps without a mask.' if halves else ''}</span>"
        )


class LiveAngles(LiveView):
    """From where the particles are seen; drawn when it is in front."""

    title = "Viewing directions"

    def __init__(self, path: Path) -> None:
        self._view = BokehView()
        self._words = w.HTML('<span class="rl-muted">Drawn when the first iteration has finished.</span>')
        self._drawn: Round | None = None
        super().__init__(path, self._view, self._words)

    def look(self) -> bool:
        """Draw the newest iteration's views, if they are to be seen."""
        from relionlab.display.orientations import angular_distribution

        if not self.shown:
            return False
        found = [one for one in rounds(self.path) if one.number > 0]
        if not found or found[-1] == self._drawn:
            return False
        if self._drawn is None:
            self._words.value = '<span class="rl-muted">Drawing from where the particles are seen …</span>'
        self._drawn = found[-1]
        try:
            picture = angular_distribution(found[-1])
        except RelionlabError as error:
            self._words.value = f'<span class="rl-muted">{error}</span>'
            return False
        self._view.show(picture)
        self._words.value = f'<span class="rl-muted">{picture.title}. {picture.caption}</span>'
        return False


def _told(points: list[CoursePoint]) -> str:
    """Return in words how far the last iteration is from the one before."""
    last = points[-1].values
    parts = [f"{last['resolution']:.1f} Å"] if last["resolution"] == last["resolution"] else []
    if last["changed"] == last["changed"] and len(points[-1].share) > 1:
        parts.append(f"{last['changed']:.1f} % of the particles changed class")
    if last["angles"] == last["angles"]:
        parts.append(f"angles moved by {last['angles']:.2g}°, offsets by {last['offsets']:.2g} Å")
    return f"Last iteration: {', '.join(parts)}. Converged when the changes level off near zero." if parts else ""
