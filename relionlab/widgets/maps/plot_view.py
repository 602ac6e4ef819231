"""The plots of a job, one at a time: correlations, angular distribution, motion tracks, CTF fits, defocus over time.

PlotView("CtfFind/job003")
"""

from __future__ import annotations

import html
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w

from relionlab.display.bokeh_view import BokehView
from relionlab.display.picture import Picture
from relionlab.display.plots import Plot, plots_of
from relionlab.errors import ParameterError, RelionlabError
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.workflows.model_views import plots_beside_classes


class PlotView(w.VBox):
    """Shows a plot of a job; of those that there are one for each micrograph of, the chosen one's.

    source  a job directory of ours or RELION's, or a STAR file of one (postprocess.star, micrographs_ctf.star …)
    plot    name of the plot that is shown first, as in ``names``
    """

    def __init__(self, source: Any, *, plot: str = "") -> None:
        self.source = Path(getattr(source, "path", source))
        self.plots: list[Plot] = [*plots_of(self.source), *plots_beside_classes(self.source)]
        self.pictures: list[Picture] = []
        self._message, self._quiet = Message(), False
        self._which = w.Dropdown(options=self.names, layout=w.Layout(width="260px"), tooltip="Which plot")
        self._member = w.Dropdown(options=[("", 0)], layout=w.Layout(width="320px"), tooltip="Which micrograph")
        made = partial(button, message=self._message)
        before = made("", "The micrograph before", partial(self.step, -1), icon="chevron-left", width="36px")
        after = made("", "The next micrograph", partial(self.step, 1), icon="chevron-right", width="36px")
        self._members = w.HBox([before, self._member, after])
        save = [made(kind, f"Write what is shown as {kind}", partial(self.save, kind.lower()), icon="download", width="76px") for kind in ("PNG", "PDF")]  # fmt: skip
        self._bild = made(".bild", "Write the viewing directions for ChimeraX", self.write_bild, icon="cube", width="76px")  # fmt: skip
        self._caption = w.HTML()
        self._stage = w.HBox([], layout=w.Layout(flex_flow="row wrap", align_items="flex-start"))
        head = w.HBox([self._which, self._members, *save, self._bild, self._message])
        super().__init__([style_sheet(), head, self._caption, self._stage])
        self.add_class("rl-plots")
        self._which.observe(lambda _change: self._chosen(), "value")
        self._member.observe(lambda _change: self._draw(), "value")
        if plot:
            self.show(plot)
        self._chosen()

    @property
    def names(self) -> list[str]:
        """Names of the job's plots."""
        return [plot.name for plot in self.plots]

    @property
    def plot(self) -> Plot:
        """The plot that is shown."""
        return self.plots[self.names.index(self._which.value)]

    def show(self, plot: str, *, member: str = "") -> None:
        """Show the plot of this name, of a micrograph of this name."""
        if plot not in self.names:
            raise ParameterError(f"There is no plot {plot!r}: choose from {', '.join(self.names)}.")
        self._which.value = plot
        if member:
            if member not in self.plot.members:
                raise ParameterError(f"There is no {member!r} in this plot.")
            self._member.index = list(self.plot.members).index(member)

    def step(self, by: int) -> None:
        """Show the next micrograph, or the one before (``by`` -1); the last is followed by the first."""
        if self.plot.members:
            self._member.index = (self._member.index + by) % len(self.plot.members)

    def save(self, kind: str = "png", path: str | Path = "") -> list[Path]:
        """Write what is shown as "png" or "pdf", and return the files; by default in the present folder, named after the plot."""
        stem = "_".join(part for part in (self.source.name.partition(".")[0], self.plot.name.lower().replace(" ", "_")) if part)  # fmt: skip
        target = Path(path) if path else Path(f"{stem}.{kind}")
        several = len(self.pictures) > 1
        names = [target.with_stem(f"{target.stem}_{k + 1}") if several else target for k in range(len(self.pictures))]
        written = [picture.save(name) for picture, name in zip(self.pictures, names, strict=True)]
        self._message.say(f"Written: {', '.join(str(name.resolve()) for name in written)}")
        return written

    def write_bild(self, path: str | Path = "angular_distribution.bild") -> Path:
        """Write the viewing directions for ChimeraX, in RELION's style, and return the path."""
        from relionlab.display.orientations import write_directions_picture

        written = write_directions_picture(self.source, path)
        self._message.say(f"Written: {written.resolve()}")
        return written

    def _chosen(self) -> None:
        members = list(self.plot.members)
        self._members.layout.display = "" if members else "none"
        self._bild.layout.display = "" if self.plot.name == "Angular distribution" else "none"
        self._quiet = True
        try:
            self._member.options = [(name, k) for k, name in enumerate(members)] or [("", 0)]
        finally:
            self._quiet = False
        self._draw()

    def _draw(self) -> None:
        if self._quiet:
            return
        index = self._member.value or 0
        self._message.say(self.plot.wait)
        try:
            self.pictures = self.plot.draw(index)
        except RelionlabError as error:
            self.pictures = []
            self._message.say(str(error), wrong=True)
        else:
            self._message.say("")
        self._caption.value = " ".join(
            f'<div class="rl-muted" style="line-height:1.4">{html.escape(one.caption)}</div>' for one in self.pictures
        )
        views = list(self._stage.children)
        while len(views) < len(self.pictures):
            views.append(BokehView())
        for view, picture in zip(views, self.pictures, strict=False):
            view.show(picture)
        self._stage.children = tuple(views[: len(self.pictures)])
