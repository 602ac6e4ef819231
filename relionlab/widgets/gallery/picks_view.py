"""The picks of a job on its micrographs, one at a time, to look at; nothing is changed.

PicksView(project.job("AutoPick/job004"))
"""

from __future__ import annotations

from functools import partial
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.micrograph_image import MicrographImages
from relionlab.display.words import many
from relionlab.errors import NodeError, RelionlabError
from relionlab.io.coordinates import read_coordinates
from relionlab.io.table import Table
from relionlab.project import JobDirectory
from relionlab.widgets.gallery import linked
from relionlab.widgets.parts.buttons import Message, attempt, button
from relionlab.widgets.parts.look import style_sheet
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.widgets.picking.micrograph_view import MicrographView
from relionlab.workflows.picked import Picked, picked_by

_PIXELS = 430
_LOW_PASS = 20.0  # Å, for the eye
_DIAMETER = 150.0  # Å, where the job does not say how large the particle is
_MERIT = "rlnAutopickFigureOfMerit"
_DIAMETERS = ("log_diam_max", "diameter", "particle_diameter")


class PicksView(w.VBox):
    """Micrographs with what a job has picked on them, in circles coloured by figure of merit.

    job     a job that made picks: AutoPick, ManualPick, imported coordinates; ours or RELION's
    opener  where CTF and particles of a micrograph are opened; by default below
    """

    def __init__(self, job: JobDirectory, *, opener: Opener | None = None) -> None:
        self.picked: Picked = picked_by(job)
        self.name = ""
        drawer = Drawer()
        self.opener: Opener = opener or drawer
        self.message = Message()
        self.view = MicrographView(pixels=_PIXELS, editable=False, diameter=_diameter(job))
        self.view.filter(low_pass=_LOW_PASS)
        self.view.menu = [["next", "Next micrograph", "→"], ["previous", "Previous micrograph", "←"]]
        self.view.on_command(self._commanded)
        self._images = MicrographImages()
        self._told = w.HTML()
        short = [(f"{row + 1}  {name.rpartition('/')[2]}", name) for row, name in enumerate(self.picked.names)]
        self._which = w.Dropdown(options=short, layout=w.Layout(width="320px"), tooltip="Which micrograph")
        self._which.observe(lambda change: self.show(change["new"]), "value")
        made = partial(button, message=self.message, width="96px")
        head = [
            made("", "Previous micrograph (←)", partial(self.step, -1), icon="chevron-left", width="36px"),
            made("", "Next micrograph (→)", partial(self.step, 1), icon="chevron-right", width="36px"),
            self._which,
            made("CTF", "Thon rings and fit of this micrograph", self.open_ctf),
            made("Particles", "The particles that were cut out of this micrograph", self.open_particles),
        ]
        parts = [style_sheet(), w.HBox(head), self._told, self.message, self.view]
        super().__init__([*parts, *([] if opener is not None else [drawer])])
        self.show(self.picked.names[0])

    def show(self, name: str) -> None:
        """Show a micrograph with its picks; what cannot be read is said."""
        self.name = name
        self._which.value = name
        self.message.say("")
        with self.view.hold_sync():
            try:
                self.view.show(self._images.get(self.picked.project.directory / name), name=name)
            except (RelionlabError, OSError) as error:
                self.view.blank()
                self.message.say(f"{name} cannot be shown: {error}", wrong=True)
            self._draw()

    def step(self, lines: int) -> None:
        """Show the micrograph so many lines further down the list; up, if negative."""
        place = self.picked.names.index(self.name) + lines
        if 0 <= place < len(self.picked.names):
            self.show(self.picked.names[place])

    def open_ctf(self) -> w.Widget:
        """Open the CTF of this micrograph."""
        return linked.open_ctf(self.name, near=self.picked.near, opener=self.opener)

    def open_particles(self) -> w.Widget:
        """Open the particles of this micrograph."""
        return linked.open_particles_of_micrograph(self.name, near=self.picked.near, opener=self.opener)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        place = self.picked.coordinates(self.name)
        table = read_coordinates(place) if place is not None else Table({"rlnCoordinateX": [], "rlnCoordinateY": []})
        x, y = (np.asarray(table[f"rlnCoordinate{axis}"], dtype=float) for axis in "XY")
        values = np.asarray(table[_MERIT], dtype=float) if _MERIT in table and len(x) else None
        if values is not None and np.ptp(values) > 0:
            low, high = np.percentile(values, (2, 98))
            self.view.colour_scale(low, high, title="Figure of merit", bar=True)
        else:
            values = None
            self.view.colour_scale(0, 1)
        self.view.picks(x, y, values, editable=False)
        at = self.picked.names.index(self.name) + 1
        words = f"{many(len(x), 'pick')} in circles of {self.view.diameter:.0f} Å"
        self._told.value = f'<div class="rl-muted">Micrograph {at} of {len(self.picked.names)}: {words}.</div>'

    def _commanded(self, name: str, _about: dict[str, Any]) -> None:
        acts = {"next": partial(self.step, 1), "previous": partial(self.step, -1), "ctf": self.open_ctf}
        attempt(acts.get(name, lambda: None), self.message)


def _diameter(job: JobDirectory) -> float:
    """Return the diameter in Å that the job's form gives, else a usual one."""
    try:
        form = job.job
    except (RelionlabError, OSError, NodeError):
        return _DIAMETER
    return next((float(v) for name in _DIAMETERS if (v := getattr(form, name, 0) or 0) > 0), _DIAMETER)
