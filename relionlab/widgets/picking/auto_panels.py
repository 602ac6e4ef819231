"""The parts of the automatic picker and where they stand: micrographs, sliders, histogram, comparison, list."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets as w

from relionlab.display.words import many
from relionlab.jobs.picking.merits import Merits
from relionlab.widgets.parts.buttons import button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.picking.known_panel import KnownPanel
from relionlab.widgets.picking.looks_row import LooksRow
from relionlab.widgets.picking.map_fields import MapFields
from relionlab.widgets.picking.merit_view import MeritView
from relionlab.widgets.picking.micrograph_table import MicrographTable
from relionlab.widgets.picking.threshold_panel import ThresholdPanel
from relionlab.widgets.picking.tuned_view import TunedView
from relionlab.workflows.tuning import Estimate

if TYPE_CHECKING:
    from relionlab.widgets.picking.auto_picker import AutoPicker

_PIXELS = {1: 578, 2: 438, 3: 288, 4: 284}
"""Micrographs side by side -> longer side of each on the screen; together they are as wide as a notebook's output."""


class Panels:
    """All parts of one picker, made for its present tuning."""

    def __init__(self, picker: AutoPicker) -> None:
        self._picker = picker
        tuning = picker.tuning
        self.pixels = _PIXELS[3]
        self.views: list[TunedView] = []
        self._row = w.HBox([])
        self._row.add_class("rl-auto-views")
        self.sliders = ThresholdPanel(tuning.tunable, tuning.form)
        self.sliders.on_change(picker.repick)
        unit = "figure of merit above the default (σ)" if tuning.form.do_log else "figure of merit"
        self.merits = MeritView(words=unit)
        self.merits.on_threshold(lambda value: picker.set(**{picker.main: float(f"{value:.4g}")}))
        self.known = KnownPanel(named=picker.known_named, chosen=picker.compare_with, use_best=picker.use_best)
        self.table = MicrographTable(tuning.maps.run.micrographs)
        self.table.on("chosen", self._ticked)
        self.looks = LooksRow(lambda: [view.view for view in self.views], diameter=self._diameter())
        self.tinted = w.Checkbox(
            value=True,
            indent=False,
            description="tint what noise limits reject",
            layout=w.Layout(width="auto"),
            tooltip="Tint the places whose background is such that nothing is picked there",
        )
        if "maxstddevnoise_autopick" not in tuning.tunable:
            self.tinted.layout.display = "none"
        self.tinted.observe(lambda _change: picker.repick(), "value")
        self._notice, self._counts = w.HTML(), w.HTML()
        self._span: tuple[float, float] | None = None
        self._make_buttons()
        self._make_grid()

    @property
    def children(self) -> list[w.Widget]:
        """All of them from top to bottom."""
        tuning, project = self._picker.tuning, self._picker.job.project
        kind = (
            "blobs of a size" if tuning.form.do_log else "projections of a map" if tuning.form.do_ref3d else "templates"
        )
        title = w.HTML(
            f'<span class="rl-title">{html.escape(tuning.directory.name)}</span> &nbsp;<span class="rl-muted">automatic'
            f" picking with {kind} · {many(len(tuning.listed), 'micrograph')}</span>",
            layout=w.Layout(flex="1 1 auto"),
        )
        head = w.HBox([title, self._undo, self._redo, self._all])
        head.add_class("rl-auto-head")
        below = [self._picker.search, self._picker.following, self._picker.message]
        drawer = MapFields(tuning.form, project, self._picker.compute_maps)
        return [style_sheet(), head, self.looks, *below, self._grid, drawer]

    def arrange(self, count: int) -> list[TunedView]:
        """Make room for so many micrographs, and return their views."""
        changed = self.pixels != _PIXELS[count]
        self.pixels = _PIXELS[count]
        while len(self.views) < count:
            view = TunedView(pixels=self.pixels)
            view.view.on_edit(self._picker.edited)
            view.view.on_command(lambda name, _content, view=view: self._picker.commanded(view, name))
            view.view.menu = [("ctf", "CTF of this micrograph", "C"), ("alone", "This micrograph alone", "")]
            self.views.append(view)
        if changed:
            for view in self.views:
                view.name = ""  # to be shown again, in the new size
        for number in _PIXELS:
            self._grid.remove_class(f"rl-auto-{number}")
        self._grid.add_class(f"rl-auto-{count}")
        self._row.children = tuple(self.views[:count])
        return self.views[:count]

    def fit_ranges(self) -> None:
        """Let the slider of the figure of merit, and the colours, go over the range of what was found."""
        picker = self._picker
        merits = picker.tuning.merits(**picker.thresholds)
        low, high = merits.span
        self._span = (float(f"{low:.2g}"), float(f"{high:.2g}"))
        self.sliders.range(picker.main, *self._span)
        noise = merits.explodes(-float("inf"))
        start = noise if noise is not None else low + (high - low) / 3
        self._colours = (start, high)
        self._colour_views()

    def show_merits(self, merits: Merits, threshold: float, *, best: float | None) -> None:
        """Show the histogram, and say so if the threshold is where picks explode."""
        if self._span is None:
            self.fit_ranges() if len(merits.values) else None
        span = self._span or (0.0, 1.0)
        noise = merits.explodes(-float("inf")) if len(merits.values) else None
        self.merits.show(merits, threshold=threshold, span=span, noise=noise, best=best)
        if noise is not None and threshold < noise:
            more = f"{merits.count(threshold):,} places, {merits.count(noise):,} at {noise:.2g}"
            self._notice.value = f'<div class="rl-auto-say rl-auto-warn" role="status">Below {noise:.2g} picks explode: noise is picked ({more}).</div>'
        else:
            self._notice.value = ""

    def show_counts(self, counts: dict[str, int], estimate: Estimate) -> None:
        """Show how many picks the searched micrographs have, and all of them together."""
        picker = self._picker
        hands = {name: len(picker.tuning.edits(name)) for name in picker.tuning.micrographs}
        self.table.count(counts, hands)
        shown = sum(counts.get(name, 0) for name in picker.shown)
        if estimate.exact:
            total = f"all {estimate.listed}: <b>{estimate.total:,}</b>, counted"
        else:
            total = f"all {estimate.listed}: about <b>{estimate.total:,}</b> ± {estimate.spread:,}"
        left = estimate.listed - estimate.searched
        seconds = [searched.seconds for searched in list(picker.tuning.maps.searched.values())]
        pace = sum(seconds) / max(len(seconds), 1)
        self._count.layout.display = "" if left else "none"
        self._count.description = f"Count the other {left} (about {max(pace * left, 1):.0f} s)"
        megabytes = picker.tuning.maps.nbytes / 1e6
        self._counts.value = (
            f'<div class="rl-auto-say"><b>{shown:,}</b> picks in those shown · {total}<br><span class="rl-muted">'
            f"{megabytes:.1f} MB are kept of {many(estimate.searched, 'micrograph')}; the maps themselves are not.</span></div>"
        )
        self._undo.disabled, self._redo.disabled = not picker.history.can_undo, not picker.history.can_redo

    # --- how they are made -------------------------------------------------------------------------------------------

    def _make_buttons(self) -> None:
        picker, message = self._picker, self._picker.message
        self._undo = button(
            "Undo", "Take the last edit by hand back (Ctrl+Z)", picker.undo, message=message, icon="undo", width="82px"
        )
        self._redo = button(
            "Redo", "Do it again (Ctrl+Shift+Z)", picker.redo, message=message, icon="repeat", width="82px"
        )
        self._all = button(
            "Use these for all micrographs",
            "Write these thresholds into the job and pick from all micrographs; hand edits stay",
            picker.use_for_all,
            message=message,
            icon="play",
            style="primary",
            width="240px",
        )
        self._count = button(
            "Count the others",
            "Search all other micrographs in the background, so that their picks are counted, not estimated",
            picker.count_all,
            message=message,
            width="auto",
        )
        self._count.layout.display = "none"

    def _make_grid(self) -> None:
        def part(name: str, title: str, *children: w.Widget) -> w.VBox:
            head = [w.HTML(f'<div class="rl-auto-part">{title}</div>')] if title else []
            box = w.VBox([*head, *children])
            box.add_class(f"rl-auto-{name}")
            return box

        side = w.VBox(
            [
                part("sliders", "Thresholds", self.sliders, self.tinted),
                part("merits", "Figures of merit", self.merits, self._notice, self._counts, self._count),
            ]
        )
        side.add_class("rl-auto-side")
        self._grid = w.Box(
            [
                self._row,
                side,
                self.known,
                part("table", f"Micrographs: tick up to {len(_PIXELS)}", self.table),
            ]
        )
        self._grid.add_class("rl-auto-grid")

    def _colour_views(self) -> None:
        for view in self.views:
            view.view.colour_scale(*self._colours, title="FOM")

    def _ticked(self, names: list[str]) -> None:
        from relionlab.errors import RelionlabError

        try:
            self._picker.show(*names)
        except RelionlabError as error:
            self._picker.message.say(str(error), wrong=True)
            self.table.chosen = []
            self.table.chosen = list(self._picker.shown)

    def _diameter(self) -> float:
        tuning = self._picker.tuning
        if tuning.form.do_log:
            return (tuning.form.log_diam_min + tuning.form.log_diam_max) / 2
        return 4 * tuning.maps.run.edit_radius
