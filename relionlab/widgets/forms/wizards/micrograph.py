"""Numbers on a micrograph: an overview to choose a place in, and the place enlarged, with what is to be dragged."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any, ClassVar

import ipywidgets as w
import numpy as np

from relionlab.display.handles import Outline, add_outline, image_figure
from relionlab.display.micrograph_parts import band_passed, contrasted, cut_out
from relionlab.widgets.forms.wizards.eye import EyeFilter
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.widgets.parts.live_figure import FigureEvent, LiveFigure
from relionlab.workflows.samples import Micrograph, coordinates_sample, read_micrograph

_PART, _WHOLE = 440, 230  # px on the screen
_WINDOW = "#56B4E9"


@dataclass(frozen=True)
class Found:
    """A micrograph of the form's input, and its picks, (n, 2) in px of the micrograph."""

    job: Any
    micrograph: Micrograph
    picks: np.ndarray


class MicrographWizard(Wizard):
    """What the wizards on micrographs share.

    A subclass names the fields: of the list, of a pixel size that goes before the list's, of picks; and adds its numbers.
    """

    micrographs: ClassVar[str] = ""
    pixel_size: ClassVar[str] = ""
    picks: ClassVar[str] = ""
    colors: ClassVar[dict[str, str]] = {}
    dashes: ClassVar[dict[str, str]] = {}
    sigma: float = 3.0

    def __init__(self, form: Any, name: str, **more: Any) -> None:
        self._index = 0
        self._centre: tuple[float, float] | None = None
        super().__init__(form, name, **more)

    # --- what a subclass says ------------------------------------------------------------------------------------

    def rows(self, found: Found) -> list[w.Widget]:
        """Return the rows beside the picture; adds numbers and outlines."""
        raise NotImplementedError

    def extent(self, found: Found) -> float:
        """Return the side in Å of what is shown enlarged."""
        raise NotImplementedError

    def band(self) -> tuple[float, float]:
        """Return low-pass and high-pass filter in Å; 0: none."""
        return (self._eye.value if self._eye is not None else 0.0), 0.0

    # --- reading ---------------------------------------------------------------------------------------------------

    def read(self, job: Any) -> Found:
        """Read the chosen micrograph of the list, and its picks."""
        given = getattr(job, self.pixel_size, None) if self.pixel_size else None
        size = given if given and given > 0 else None
        path = getattr(job, self.micrographs)
        micrograph = read_micrograph(self.directory, path, index=self._index, pixel_size=size)
        listed = getattr(job, self.picks, "") if self.picks else ""
        return Found(job, micrograph, coordinates_sample(self.directory, listed, micrograph.name))

    def show(self, index: int) -> None:
        """Show another micrograph of the list; beyond its ends it begins again."""
        self._index, self._centre = index, None
        self.look()

    # --- showing ---------------------------------------------------------------------------------------------------

    def build(self, found: Any) -> list[w.Widget]:
        """Show overview, enlarged part, and the numbers."""
        self._found: Found = found
        self._eye: EyeFilter | None = None
        rows = self.rows(found)
        self._side = self._side_of(found)
        if self._centre is None:
            self._centre = self._first_place(found)
        self._take_part()
        part = image_figure(self._grey(), width=_PART, height=_PART, bounds=(self._side, self._side))
        for name in self.outlines:
            add_outline(part, name, self.colors[name], dash=self.dashes.get(name, "solid"))
        self.draggable(part, description=f"Part of {found.micrograph.name} with what can be dragged")
        return [self.beside(*rows, left=(w.VBox([self._overview(found), self._turner(found)]),))]

    def eye(self, start: float) -> EyeFilter:
        """Return a filter for the eye, for the rows."""
        self._eye = EyeFilter(start=start, on_change=lambda _value: self.repaint())
        return self._eye

    def repaint(self) -> None:
        """Filter the enlarged part again and show it."""
        if self.live is not None:
            self.live.data("image", image=self._grey())

    def centred(self, scale: float, *, square: bool = False) -> Outline:
        """Return an outline about the middle of the enlarged part; ``scale``: px of the micrograph per unit of the number."""
        middle = self._side_of(self._found) / 2
        return Outline(np.array([[middle, middle]]), scale, square)

    def _side_of(self, found: Found) -> float:
        """Return the side in px of the enlarged part."""
        image = found.micrograph
        return min(self.extent(found) / image.pixel_size, float(min(image.image.shape)))

    def _grey(self) -> np.ndarray:
        low, high = self.band()
        return contrasted(
            band_passed(self._part, low_pass=low, high_pass=high, pixel_size=self._part_pixel), sigma=self.sigma
        )

    def _take_part(self) -> None:
        assert self._centre is not None
        image = self._found.micrograph.image
        self._part, factor = cut_out(image, self._centre, self._side, most=_PART)
        self._part_pixel = self._found.micrograph.pixel_size * factor

    def _first_place(self, found: Found) -> tuple[float, float]:
        rows, columns = found.micrograph.image.shape
        return self._allowed(*(found.picks[len(found.picks) // 2] if len(found.picks) else (columns / 2, rows / 2)))

    def _allowed(self, x: float, y: float) -> tuple[float, float]:
        """Return the nearest middle of an enlarged part that lies on the micrograph."""
        rows, columns = self._found.micrograph.image.shape
        half = self._side / 2
        return float(np.clip(x, half, columns - half)), float(np.clip(y, half, rows - half))

    # --- the overview ------------------------------------------------------------------------------------------------

    def _overview(self, found: Found) -> LiveFigure:
        image = found.micrograph.image
        rows, columns = image.shape
        small, factor = cut_out(image, (columns / 2, rows / 2), float(max(rows, columns)), most=_WHOLE)
        coarse = 30.0 if found.micrograph.pixel_size * factor < 15 else 0.0
        seen = contrasted(
            band_passed(small, low_pass=coarse, high_pass=0.0, pixel_size=found.micrograph.pixel_size * factor),
            sigma=3.0,
        )
        height = round(_WHOLE * rows / columns)
        figure = image_figure(seen, width=_WHOLE, height=height, bounds=(columns, rows), name="overview")
        add_outline(figure, "window", _WINDOW)
        self._whole = LiveFigure(figure, description="The whole micrograph: click to enlarge another place")
        self._whole.on("tap", self._tapped)
        self._frame()
        return self._whole

    def _frame(self) -> None:
        assert self._centre is not None
        x, y = Outline(np.array([self._centre]), 1.0, square=True).line(self._side)
        self._whole.data("outline:window", x=x, y=y)

    def _tapped(self, event: FigureEvent) -> None:
        self.go_to(event.x, event.y)

    def go_to(self, x: float, y: float) -> None:
        """Enlarge another place, in px of the micrograph: the nearest pick where there are picks."""
        picks = self._found.picks
        if len(picks):
            x, y = picks[np.hypot(picks[:, 0] - x, picks[:, 1] - y).argmin()]
        self._centre = self._allowed(float(x), float(y))
        self._take_part()
        self._frame()
        self.repaint()

    def _turner(self, found: Found) -> w.Widget:
        made = found.micrograph
        back, on = (
            w.Button(icon=icon, tooltip=tip, layout=w.Layout(width="40px"))
            for icon, tip in (("chevron-left", "Previous micrograph"), ("chevron-right", "Next micrograph"))
        )
        back.on_click(lambda _button: self.show(made.index - 1))
        on.on_click(lambda _button: self.show(made.index + 1))
        text = f"{made.index + 1} of {made.of} · {made.pixel_size:.4g} Å/px"
        name = html.escape(made.name.rpartition("/")[2])
        said = w.HTML(
            f'<div class="rl-muted rl-hint" title="{html.escape(made.name, quote=True)}">{name}<br>{text}</div>'
        )
        return w.HBox([back, on, said], layout=w.Layout(width=f"{_WHOLE}px", align_items="center"))
