"""The controls above a gallery: order, what stands below the images, which are shown, and how they look."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import ipywidgets as w

from relionlab.display.column_words import heading
from relionlab.display.image_views import VIEWS, ImageLook
from relionlab.errors import RelionlabError
from relionlab.widgets.parts.buttons import button

if TYPE_CHECKING:
    from relionlab.widgets.gallery.image_gallery import ImageGallery

_EYE = 20.0
"""Å to which noisy images are smoothed for the eye to begin with."""


class GalleryBar:
    """Two rows of controls of a gallery; each calls one of its methods.

    rows     the two rows
    largest  widest image that can be asked for, screen px
    """

    def __init__(self, gallery: ImageGallery, *, largest: int) -> None:
        self.gallery = gallery
        self._following = False
        images = gallery.images
        columns = [(heading(label), label) for label in images.table.labels]
        self.order = _dropdown("Sort by", [("order of the file", ""), *columns], 240)
        self.down = w.ToggleButton(
            value=False, icon="arrow-up", tooltip="Ascending; press for descending", layout=w.Layout(width="40px")
        )
        self.below = _dropdown("Below", [("names", ""), *columns], 230)
        self.condition = w.Text(
            value=gallery.choice.condition,
            placeholder="CtfMaxResolution < 5 and …",
            continuous_update=False,
            layout=w.Layout(width="160px"),
            tooltip="A condition on columns",
        )
        made = partial(button, message=gallery.message, width="70px")
        only = made("Show", "Show only what meets the condition; empty: all", self.show_only)
        where = made("Choose", "Choose all that meet the condition", self.choose_where)
        views = {words: view for words, view in VIEWS.items() if images.has_ctf or view in ("image", "power")}
        self.view = _dropdown("View", list(views.items()), 190)
        self.sigma = _number(
            "Contrast σ",
            3.0 if images.kind == "micrographs" else 0.0,
            135,
            "Grey runs over so many standard deviations; 0: by percentiles",
        )
        self.low_pass = _number(
            "Low-pass Å",
            _EYE if images.kind in ("micrographs", "particles") else 0.0,
            135,
            "Smooth for the eye to this resolution; 0: not",
        )
        self.inverted = w.ToggleButton(
            value=False, icon="adjust", tooltip="Exchange black and white", layout=w.Layout(width="44px")
        )
        self.size = w.IntSlider(
            gallery.grid.tile, 32, largest, step=8, description="Size", readout=False, continuous_update=True
        )
        self.size.layout, self.size.style = w.Layout(width="190px"), {"description_width": "32px"}
        self.beside = w.BoundedIntText(
            0, min=0, max=60, description="Columns", tooltip="Images beside each other; 0: as many as there is room for"
        )
        self.beside.layout, self.beside.style = w.Layout(width="126px"), {"description_width": "62px"}
        row = partial(w.HBox, layout=w.Layout(flex_flow="row wrap", align_items="center"))
        self.rows = (
            row([self.order, self.down, self.below, self.condition, only, where]),
            row([self.view, self.sigma, self.low_pass, self.inverted, self.size, self.beside]),
        )
        for control in (self.order, self.down):
            control.observe(self._sort, "value")
        for control in (self.view, self.sigma, self.low_pass, self.inverted):
            control.observe(self._look, "value")
        self.below.observe(lambda change: gallery.show_below(change["new"] or None), "value")
        w.jslink((self.size, "value"), (gallery.grid, "tile"))
        self.beside.observe(lambda change: setattr(gallery.grid, "columns", change["new"]), "value")

    def follow_order(self) -> None:
        """Show in the controls by which column the images are in order."""
        choice = self.gallery.choice
        self._following = True
        try:
            self.order.value, self.down.value = choice.sorted_by or "", choice.descending
            self._point()
        finally:
            self._following = False

    def follow_look(self, look: ImageLook) -> None:
        """Show in the controls how the images are shown."""
        self._following = True
        try:
            self.view.value, self.sigma.value = look.view, look.sigma
            self.low_pass.value, self.inverted.value = look.low_pass, look.inverted
        finally:
            self._following = False

    def look(self) -> ImageLook:
        """Return what the controls say of how the images are shown."""
        return ImageLook(self.view.value, self.sigma.value, self.low_pass.value, self.inverted.value)

    def show_only(self) -> None:
        """Show what meets the condition."""
        self.gallery.filter(self.condition.value)
        self.gallery.message.say("")

    def choose_where(self) -> None:
        """Choose what meets the condition."""
        self.gallery.select_where(self.condition.value)
        self.gallery.message.say("")

    def _point(self) -> None:
        self.down.icon = "arrow-down" if self.down.value else "arrow-up"
        self.down.tooltip = "Descending; press for ascending" if self.down.value else "Ascending; press for descending"

    def _sort(self, _change: Any) -> None:
        self._point()
        if self._following:
            return
        self.gallery.sort(self.order.value or None, descending=self.down.value)

    def _look(self, _change: Any) -> None:
        if self._following:
            return
        try:
            self.gallery.look(**asdict(self.look()))
            self.gallery.message.say("")
        except RelionlabError as error:
            self.gallery.message.say(str(error), wrong=True)


def _dropdown(words: str, options: list[tuple[str, Any]], width: int) -> w.Dropdown:
    made = w.Dropdown(options=options, description=words, layout=w.Layout(width=f"{width}px"))
    made.style = {"description_width": f"{7 * len(words) + 8}px"}
    return made


def _number(words: str, value: float, width: int, tip: str) -> w.FloatText:
    made = w.FloatText(value, description=words, step=0.5, continuous_update=False, tooltip=tip)
    made.layout, made.style = w.Layout(width=f"{width}px"), {"description_width": "78px"}
    return made
