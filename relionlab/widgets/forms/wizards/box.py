"""The box and the background circle of particles, on a micrograph."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets as w

from relionlab.jobs.extraction.job import BACKGROUND
from relionlab.widgets.forms.wizards.micrograph import Found, MicrographWizard


class BoxSize(MicrographWizard):
    """The square that is cut out about a pick, and the circle outside which the background is measured."""

    title = "Box and background"
    sentence = "Drag square and circle: the particle fills about two thirds of the box, the circle clears it all round."
    inputs = ("star_mics", "coords_suffix")
    micrographs, picks = "star_mics", "coords_suffix"
    colors: ClassVar[dict[str, str]] = {"extract_size": "#56B4E9", "bg_diameter": "#E69F00"}

    def rows(self, found: Found) -> list[w.Widget]:
        """Return box, background circle and rescaled size."""
        self._found, job = found, found.job
        most = float(min(found.micrograph.image.shape))
        self._own_circle = job.bg_diameter is not None
        circle = job.bg_diameter if self._own_circle else round(BACKGROUND * job.extract_size)
        reach = min(4.0 * job.extract_size, most)
        rows: list[w.Widget] = [
            self.number(
                job, "extract_size", value=job.extract_size, span=(16, reach, 2), color=self.colors["extract_size"]
            ),
            self.number(job, "bg_diameter", value=circle, span=(8, reach, 2), color=self.colors["bg_diameter"]),
        ]
        if job.do_rescale:
            rows.append(self.number(job, "rescale", value=job.rescale, span=(8, reach, 2)))
        self.outlines["extract_size"] = self.centred(1.0, square=True)
        self.outlines["bg_diameter"] = self.centred(1.0)
        self._said = w.HTML()
        rows += [self.eye(20.0), self._said]
        self._tell_sizes()
        return rows

    def extent(self, found: Found) -> float:
        """Return two and a half boxes."""
        return 2.5 * found.job.extract_size * found.micrograph.pixel_size

    def change(self, name: str, value: float, *, tell: bool = True) -> None:
        """Set a number, even; the circle follows the box while it has no size of its own, and stays inside it."""
        value = max(2 * round(value / 2), 8)
        box = self.numbers["extract_size"].value
        if name == "bg_diameter":
            self._own_circle, value = True, min(value, box - 2)
        super().change(name, value, tell=tell)
        if name == "extract_size" and not self._own_circle:
            self.numbers["bg_diameter"].show(2 * round(BACKGROUND * value / 2))
            self.redraw("bg_diameter")
        elif name == "extract_size" and self.numbers["bg_diameter"].value > value - 2:
            super().change("bg_diameter", value - 2, tell=tell)
        self._tell_sizes()

    def _tell_sizes(self) -> None:
        job: Any = self._found.job
        pixel, box = self._found.micrograph.pixel_size, self.numbers["extract_size"].value
        text = f"The box is {box * pixel:.0f} Å, the circle {self.numbers['bg_diameter'].value * pixel:.0f} Å across."
        if job.do_rescale:
            small = self.numbers["rescale"].value
            finer = pixel * box / max(small, 1)
            text += f" Rescaled to {small:.0f} px: {finer:.4g} Å/px, nothing finer than {2 * finer:.4g} Å."
        if not self._own_circle:
            text += " The circle follows the box until you drag it."
        if not len(self._found.picks):
            text += " There are no picks on this micrograph: click in the overview to choose a particle."
        self._said.value = f'<div class="rl-muted rl-hint">{text}</div>'
