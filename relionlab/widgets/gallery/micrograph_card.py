"""A micrograph with its particles, one of them marked, and where to go from here."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets as w
import numpy as np

from relionlab.display.image_set import set_of_particles
from relionlab.display.style import PALETTE
from relionlab.display.words import many
from relionlab.errors import NodeError, RelionlabError
from relionlab.io.images import read_header
from relionlab.widgets.gallery import linked
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.widgets.picking.micrograph_view import MicrographView
from relionlab.workflows import links as find

_CIRCLE = 0.8  # of the box, where nothing says how large the particle is
_UNKNOWN = 150.0  # Å, where there is no box either
_CROWD = 800  # particles beyond which the one that is looked at is first shown alone
_PIXELS = 560
_LOW_PASS = 20.0  # Å, for the eye
_MERIT = "rlnAutopickFigureOfMerit"


class MicrographCard(w.VBox):
    """A micrograph and the particles that a list has of it; a click on one looks at it.

    name    of the micrograph in STAR files
    file    where it lies
    near    a list of particles, or a file of the project
    marked  row, from 0, in ``near`` of the particle that is looked at
    opener  where its CTF, its particles and their classes are opened; by default below
    """

    def __init__(
        self, name: str, *, file: Path, near: Path, marked: int | None = None, opener: Opener | None = None
    ) -> None:
        self.name, self.file, self.near = name, file, near
        self.message = Message()
        drawer = Drawer()
        self.opener: Opener = opener or drawer
        self.star, self.rows, self.x, self.y, self.diameter = self._particles()
        self.row = marked
        self.view = MicrographView(pixels=_PIXELS, editable=False, diameter=self.diameter)
        self.view.filter(low_pass=_LOW_PASS)
        self.view.show(file, read_header(file).pixel_size or 1.0, name=name)
        self._draw()
        self.view.on_command(self._commanded)
        self._told = w.HTML()
        made = partial(button, message=self.message, width="108px")
        links = {"near": near, "opener": self.opener}
        buttons = [
            made("CTF", "Thon rings and fit of this micrograph", lambda: linked.open_ctf(name, **links)),
            made("Particles", "All its particles", lambda: linked.open_particles_of_micrograph(name, **links)),
            made("Class", "The class of the particle clicked last", self.open_class),
            made("Particle", "The image of the particle clicked last, and all about it", self.open_particle),
        ]
        every = marked is None or len(self.rows) <= _CROWD
        others = w.Checkbox(value=every, description="all particles", indent=False, layout=w.Layout(width="120px"))
        others.observe(lambda change: self.view.layer("particles", visible=change["new"]), "value")
        self.view.layer("particles", visible=every)
        head = w.HBox([others, self._told], layout=w.Layout(align_items="center"))
        parts: list[w.Widget] = [head, self.view, w.HBox(buttons), self.message]
        super().__init__([*parts, *([] if opener is not None else [drawer])])
        self.look_at(marked)

    # --- one of its particles -------------------------------------------------------------------------------------

    def look_at(self, row: int | None) -> None:
        """Mark the particle of this row of its list, from 0."""
        self.row = row
        words = f"{many(len(self.rows), 'particle')} in circles of {self.diameter:.0f} Å. Click one to look at it."
        at = np.flatnonzero(self.rows == row) if row is not None else np.zeros(0, dtype=int)
        x, y = self.x[at], self.y[at]
        # Drawn twice, one about the other, so that it is found at once among a thousand.
        self.view.picks(x, y, layer="looked at", colour=PALETTE[4], style="square")
        if at.size:
            words += f" In the orange square: particle {int(row or 0) + 1}, at x {x[0]:.0f}, y {y[0]:.0f} px."
        self._told.value = f'<div class="rl-muted">{words}</div>'

    def open_class(self) -> w.Widget:
        """Open the class of the particle that is looked at."""
        return linked.open_class_of_particle(self._list(), self._row(), opener=self.opener)

    def open_particle(self) -> w.Widget:
        """Open the image of the particle that is looked at, in a gallery of its own."""
        row = self._row()

        def made() -> w.Widget:
            from relionlab.widgets.gallery.image_gallery import ImageGallery

            images = set_of_particles(find.particle_list(self._list()), self._list()).rows(np.array([row]))
            gallery = ImageGallery(images, opener=self.opener)
            gallery.choice.look_at(0)
            return gallery

        return self.opener.open(f"Particle {row + 1}", made)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _particles(self) -> tuple[Path | None, np.ndarray, np.ndarray, np.ndarray, float]:
        """Return the list, its rows that are of this micrograph, their places in px, and their diameter in Å."""
        nothing = np.zeros(0)
        try:
            found = find.particles_of_micrograph(self.name, near=self.near)
        except RelionlabError:
            return None, np.zeros(0, dtype=np.int64), nothing, nothing, _UNKNOWN
        data = find.particle_list(found.star)
        table = data.particles
        if "rlnCoordinateX" not in table or "rlnCoordinateY" not in table:
            return found.star, np.zeros(0, dtype=np.int64), nothing, nothing, _UNKNOWN
        size = float(data.optics["rlnImageSize"][0]) if "rlnImageSize" in data.optics else 0.0
        box = size * float(data.pixel_sizes[0])
        x, y = table["rlnCoordinateX"][found.rows], table["rlnCoordinateY"][found.rows]
        return found.star, found.rows, x, y, _CIRCLE * box if box > 0 else _UNKNOWN

    def _draw(self) -> None:
        """Draw all its particles, coloured by their figure of merit where they have one."""
        table = find.particle_list(self.star).particles if self.star is not None else None
        if table is not None and _MERIT in table and len(self.rows):
            values = table[_MERIT][self.rows]
            low, high = np.percentile(values, (2, 98))
            self.view.colour_scale(low, high, title="Figure of merit", bar=True)
            self.view.picks(self.x, self.y, values, layer="particles", editable=False)
        else:
            self.view.picks(self.x, self.y, layer="particles", editable=False)

    def _list(self) -> Path:
        if self.star is None:
            raise NodeError(f"No particles of {self.name} are in this project: pick and extract them first.")
        return self.star

    def _row(self) -> int:
        if self.row is None:
            raise NodeError("Click a particle first.")
        return self.row

    def _commanded(self, name: str, about: dict[str, Any]) -> None:
        if name == "chosen" and len(self.rows):
            nearest = int(np.argmin((self.x - float(about["x"])) ** 2 + (self.y - float(about["y"])) ** 2))
            self.look_at(int(self.rows[nearest]))
