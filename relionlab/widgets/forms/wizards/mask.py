"""The mask's threshold, extension and edge over the slices of the map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import ipywidgets as w
import numpy as np

from relionlab.display.handles import add_image, curve_figure, image_figure
from relionlab.display.map_parts import (
    OVERLAY,
    central_slices,
    coarse,
    exact_distances,
    grey_levels,
    greys,
    low_passed_map,
    mask_overlay,
    rough_distances,
)
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure
from relionlab.workflows.samples import map_sample

_SLICE = 232
_EXACT = 192  # px: the distances of larger boxes take too long to wait for
_COLOR = "#D55E00"


@dataclass(frozen=True)
class _Found:
    job: Any
    volume: np.ndarray
    pixel_size: float


class MaskOutline(Wizard):
    """Which voxels the mask takes in, while threshold, extension and edge are dragged."""

    title = "Mask"
    sentence = "Drag the line in the histogram, or click on the density from which on the particle begins."
    inputs = ("fn_in", "angpix")
    _names: ClassVar[tuple[str, ...]] = ("inimask_threshold", "lowpass_filter", "extend_inimask", "width_mask_edge")

    def read(self, job: Any) -> _Found:
        """Read the map."""
        given = job.angpix if job.angpix and job.angpix > 0 else None
        return _Found(job, *map_sample(self.directory, job.fn_in, pixel_size=given))

    def build(self, found: Any) -> list[w.Widget]:
        """Show the slices with the mask over them, and the histogram with the threshold."""
        self._found: _Found = found
        job = found.job
        self._filter(job.lowpass_filter)
        low, high = float(self._map.min()), float(self._map.max())
        step = float(f"{max(high - low, 1e-9) / 400:.1g}")
        value = job.inimask_threshold if low < job.inimask_threshold < high else self._start()
        self.number(job, "inimask_threshold", value=value, span=(0.0, high, step), color=_COLOR)
        self.number(job, "lowpass_filter", value=max(job.lowpass_filter, 0), span=(0, 60, 1))
        self.number(job, "extend_inimask", value=job.extend_inimask, span=(-10, 20, 1))
        self.number(job, "width_mask_edge", value=job.width_mask_edge, span=(0, 20, 1))
        figure = image_figure(
            greys(self._slices, self._levels), width=3 * _SLICE, height=_SLICE, bounds=(3 * _SLICE, _SLICE)
        )
        add_image(figure, "mask", self._overlay(), bounds=(3 * _SLICE, _SLICE), palette=OVERLAY)
        self.live = LiveFigure(figure, description="Three central slices of the map with the mask over them")
        self.live.on("tap", self._tapped)
        self._said = w.HTML()
        rows = [self.numbers[name] for name in self._names]
        shown = self.beside(self._histogram(), *rows, self._said)
        self._tell_share()
        if value != job.inimask_threshold:
            self._message.say(
                f"The form's threshold, {job.inimask_threshold:g}, is outside of this map's values: {value:g} is shown."
            )
        return [shown]

    def redraw(self, name: str) -> None:
        """Draw the mask anew; after another filter the slices too."""
        if name == "lowpass_filter":
            self._filter(self.numbers[name].value)
            if self.live is not None:
                self.live.data("image", image=greys(self._slices, self._levels))
                self._draw_histogram()
        if self.live is not None:
            self.live.data("mask", image=self._overlay(exact=False))
            self._curve.set("threshold", location=self.numbers["inimask_threshold"].value)
            self._tell_share()

    def tell(self, name: str) -> None:
        """Write a number into the form, where no filter is -1; and draw the mask exactly, now that the pointer rests."""
        value = self.numbers[name].value
        if self.live is not None:
            self.live.data("mask", image=self._overlay())
        self.write({name: -1.0 if name == "lowpass_filter" and value <= 0 else value})

    # --- the map -------------------------------------------------------------------------------------------------

    def _filter(self, resolution: float) -> None:
        self._map = low_passed_map(self._found.volume, resolution, self._found.pixel_size)
        self._small, self._scale = coarse(self._map)
        self._slices = central_slices(self._map, _SLICE)
        self._levels = grey_levels(self._slices)

    def _start(self) -> float:
        """Return the density above which two per cent of the box lie."""
        return float(f"{np.percentile(self._small, 98):.3g}")

    def _overlay(self, *, exact: bool = True) -> np.ndarray:
        """Return the mask over the slices, ``exact``: not of the binned map, which keeps up with a slider."""
        threshold, extend, edge = (self.numbers[name].value for name in (self._names[0], *self._names[2:]))
        if exact and len(self._map) <= _EXACT:
            inside = self._map >= threshold
            distances = exact_distances(inside, abs(extend) + edge, pixels=_SLICE, deep=extend < 0)
        else:
            distances = rough_distances(self._small >= threshold, self._scale, pixels=_SLICE, deep=extend < 0)
        return mask_overlay(self._slices >= threshold, distances, extend=extend, edge=edge)

    def _tell_share(self) -> None:
        share = float(np.mean(self._small >= self.numbers["inimask_threshold"].value))
        size = share * (self._found.volume.shape[0] * self._found.pixel_size) ** 3
        weight = size / 1.21 / 1000  # protein: 1.21 Å³ per dalton
        self._said.value = (
            '<div class="rl-muted rl-hint">White: what reaches the threshold'
            f" ({100 * share:.1f} % of the box, as much as {weight:,.0f} kDa of protein fill). Orange: the mask, after"
            " extension. Blue: its soft edge.</div>"
        )

    # --- the histogram -------------------------------------------------------------------------------------------

    def _histogram(self) -> LiveFigure:
        from bokeh.models import ColumnDataSource, Span

        figure = curve_figure(
            width=440, height=130, x_label="density", y_label="voxels", name="histogram", y_axis_type="log"
        )
        source = ColumnDataSource(self._bars(), name="bars")
        figure.quad(left="left", right="right", top="top", bottom=0.5, source=source, color="#7F7F7F", line_color=None)
        place = self.numbers["inimask_threshold"].value
        figure.add_layout(Span(name="threshold", location=place, dimension="height", line_color=_COLOR, line_width=3))
        self._curve = LiveFigure(
            figure,
            handles=["threshold", "histogram"],
            description="Histogram of the map with the threshold, which can be dragged",
        )
        self._curve.on("drag", lambda event: self.change("inimask_threshold", event.x, tell=False))
        self._curve.on("drop", lambda event: self.change("inimask_threshold", event.x))
        self._curve.on("tap", lambda event: self.change("inimask_threshold", event.x))
        return self._curve

    def _bars(self) -> dict[str, np.ndarray]:
        counts, edges = np.histogram(self._small, bins=120)
        return {"left": edges[:-1], "right": edges[1:], "top": np.maximum(counts, 0.5).astype(float)}

    def _draw_histogram(self) -> None:
        self._curve.data("bars", **self._bars())

    def _tapped(self, event: FigureEvent) -> None:
        """Take the density under the pointer."""
        row, column = int(np.clip(event.y, 0, _SLICE - 1)), int(np.clip(event.x, 0, 3 * _SLICE - 1))
        self.change("inimask_threshold", float(self._slices[row, column]))
