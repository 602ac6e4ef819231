"""A low-pass filter on a map: its slices as they are, and as they will be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.handles import add_captions, image_figure
from relionlab.display.map_parts import central_slices, grey_levels, greys, low_passed_map
from relionlab.widgets.forms.wizards.wizard import Wizard
from relionlab.workflows.samples import map_sample

_SLICE = 210


@dataclass(frozen=True)
class _Found:
    job: Any
    volume: np.ndarray
    pixel_size: float


class MapLowPass(Wizard):
    """The reference as the first iteration sees it."""

    title = "Low-pass filter of the map"
    sentence = "Below: the map as it is filtered. Only the particle's shape should be left of a reference."
    inputs = ("fn_ref", "fn_in")

    def read(self, job: Any) -> _Found:
        """Read the map."""
        path = getattr(job, "fn_ref", "") or getattr(job, "fn_in", "")
        return _Found(job, *map_sample(self.directory, path))

    def build(self, found: Any) -> list[w.Widget]:
        """Show both rows of slices, and the number."""
        self._found: _Found = found
        finest = 2 * found.pixel_size
        value = getattr(found.job, self.name) or 0.0
        number = self.number(found.job, self.name, value=max(value, 0), span=(0, max(120, 2 * value), 1))
        figure = image_figure(self._greys(), width=3 * _SLICE, height=2 * _SLICE, bounds=(3.0, 2.0))
        add_captions(figure, ["as it is", "filtered"], x=[0.02, 0.02], y=[0.98, 1.98])
        self.draggable(figure, description="Slices of the map, as it is and filtered", handles=())
        box = found.volume.shape[-1]
        hint = w.HTML(
            f'<div class="rl-muted rl-hint">{box} px of {found.pixel_size:.4g} Å: nothing is finer than {finest:.3g} Å; 0: no'
            " filter. Keep a reference coarse (40 to 60 Å), so that nothing fine in it can come back as if the particles"
            " had shown it.</div>"
        )
        return [self.beside(number, hint)]

    def redraw(self, name: str) -> None:  # noqa: ARG002 - there is one number
        """Filter again."""
        if self.live is not None:
            self.live.data("image", image=self._greys())

    def tell(self, name: str) -> None:
        """Write the number into the form; 0 as the form says no filter."""
        value = self.numbers[name].value
        nothing = None if type(self._found.job).parameters()[name].none_as is not None else 0.0
        self.write({name: value if value > 0 else nothing})

    def _greys(self) -> np.ndarray:
        whole = central_slices(self._found.volume, _SLICE)
        seen = self._filtered()
        return np.concatenate([greys(whole, grey_levels(whole)), greys(seen, grey_levels(seen))], axis=0)

    def _filtered(self) -> np.ndarray:
        volume, limit = self._found.volume, self.numbers[self.name].value
        return central_slices(low_passed_map(volume, limit, self._found.pixel_size), _SLICE)
