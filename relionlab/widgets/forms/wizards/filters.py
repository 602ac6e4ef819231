"""Low-pass, high-pass, contrast and diameter on a micrograph: of manual picking, and of the references of automatic picking."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets as w

from relionlab.widgets.forms.wizards.micrograph import Found, MicrographWizard

_RANGES = {"lowpass": (0.0, 100.0, 1.0), "highpass": (0.0, 1000.0, 10.0), "sigma_contrast": (0.0, 10.0, 0.1)}
_NONE = -1.0  # what the form says for no filter


class ManualView(MicrographWizard):
    """How micrographs look in manual picking: filters, contrast, and the circle of a pick."""

    title = "Looks of a micrograph"
    sentence = "Filter until the particles stand out; the circle has the picks' diameter: drag it."
    inputs = ("fn_in",)
    micrographs, pixel_size = "fn_in", "angpix"
    filters: ClassVar[tuple[str, ...]] = ("lowpass", "highpass", "sigma_contrast")
    circle: ClassVar[str] = "diameter"
    colors: ClassVar[dict[str, str]] = {"diameter": "#E69F00", "particle_diameter": "#E69F00"}

    def rows(self, found: Found) -> list[w.Widget]:
        """Return the filters, and the circle's diameter."""
        job, rows = found.job, []
        for name in self.filters:
            value = max(getattr(job, name) or 0.0, 0.0)
            rows.append(self.number(job, name, value=value, span=_RANGES[name]))
        diameter = getattr(job, self.circle) or 150.0
        reach = max(3 * diameter, 300.0)
        rows.append(
            self.number(job, self.circle, value=diameter, span=(10, reach, 5.0), color=self.colors[self.circle])
        )
        self._found = found
        self.outlines[self.circle] = self.centred(1 / found.micrograph.pixel_size)
        self.sigma = self._number("sigma_contrast", 3.0)
        rows.append(
            w.HTML(
                '<div class="rl-muted rl-hint">0 Å: no filter. Click in the overview to enlarge another place.</div>'
            )
        )
        return rows

    def extent(self, found: Found) -> float:
        """Return some six diameters."""
        return 6 * max(getattr(found.job, self.circle) or 150.0, 60.0)

    def band(self) -> tuple[float, float]:
        """Return the form's filters."""
        return self._number("lowpass", 0.0), self._number("highpass", 0.0)

    def redraw(self, name: str) -> None:
        """Filter again, or draw the circle."""
        self.sigma = self._number("sigma_contrast", 3.0)
        super().redraw(name) if name == self.circle else self.repaint()

    def tell(self, name: str) -> None:
        """Write a number into the form, 0 as the form says it."""
        value: Any = self.numbers[name].value
        if name in ("lowpass", "highpass") and value <= 0:
            value = None if type(self._found.job).parameters()[name].none_as is not None else _NONE
        self.write({name: value})

    def _number(self, name: str, otherwise: float) -> float:
        return self.numbers[name].value if name in self.numbers else otherwise


class PickingFilters(ManualView):
    """The band of frequencies in which references are compared with micrographs, and the references' mask."""

    title = "Filters of picking"
    sentence = "What the references are compared with: the particles have to stay visible."
    inputs = ("fn_input_autopick",)
    micrographs = "fn_input_autopick"
    filters: ClassVar[tuple[str, ...]] = ("lowpass", "highpass")
    circle: ClassVar[str] = "particle_diameter"
