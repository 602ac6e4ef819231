"""The diameters of the search for blobs, and the distance of picks, on a micrograph."""

from __future__ import annotations

from typing import Any, ClassVar

import ipywidgets as w

from relionlab.widgets.forms.wizards.micrograph import Found, MicrographWizard


class BlobDiameters(MicrographWizard):
    """Three circles about one particle: the smallest diameter, the largest, and how near the next pick may lie."""

    title = "Sizes for picking"
    sentence = "Put a particle in the middle (click in the overview), then drag the circles."
    inputs = ("fn_input_autopick",)
    micrographs, pixel_size = "fn_input_autopick", "angpix"
    colors: ClassVar[dict[str, str]] = {
        "log_diam_min": "#56B4E9",
        "log_diam_max": "#E69F00",
        "mindist_autopick": "#009E73",
    }
    dashes: ClassVar[dict[str, str]] = {"mindist_autopick": "dashed"}

    def rows(self, found: Found) -> list[w.Widget]:
        """Return the three numbers, and a filter for the eye."""
        self._found = found
        job, rows = found.job, []
        names = ("log_diam_min", "log_diam_max", "mindist_autopick") if job.do_log else ("mindist_autopick",)
        reach = self.extent(found)
        for name in names:
            value = float(getattr(job, name) or 0.0)
            rows.append(
                self.number(job, name, value=value, span=(0.0, round(reach / 1.5, -1), 5.0), color=self.colors[name])
            )
            # two picks at this distance: the circle about one goes through the other
            scale = 2.0 if name == "mindist_autopick" else 1.0
            self.outlines[name] = self.centred(scale / found.micrograph.pixel_size)
        rows.append(self.eye(max(job.log_maxres, 10.0) if job.do_log else 20.0))
        rows.append(
            w.HTML(
                '<div class="rl-muted rl-hint">The particles\' diameters lie between the two full circles; the next pick lies'
                " on the dashed one or farther away.</div>"
            )
        )
        return rows

    def extent(self, found: Found) -> float:
        """Return some four of the largest diameters."""
        job: Any = found.job
        return 4 * max(job.log_diam_max, job.mindist_autopick, 80.0)

    def change(self, name: str, value: float, *, tell: bool = True) -> None:
        """Set a number; the smallest diameter stays below the largest."""
        both = self.numbers.keys() >= {"log_diam_min", "log_diam_max"}
        if both and name == "log_diam_min":
            value = min(value, self.numbers["log_diam_max"].value)
        if both and name == "log_diam_max":
            value = max(value, self.numbers["log_diam_min"].value)
        super().change(name, value, tell=tell)
