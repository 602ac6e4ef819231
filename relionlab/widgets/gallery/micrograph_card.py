"""A micrograph with its particles, one of them marked, and where to go from here."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import ipywidgets as w
import numpy as np

from relionlab.display.bokeh_view import BokehView
from relionlab.display.picks import micrograph_with_picks
from relionlab.display.words import many
from relionlab.engine.picking import Picks
from relionlab.errors import RelionlabError
from relionlab.io.images import read_header
from relionlab.io.table import Table
from relionlab.widgets.gallery import linked
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.opening import Drawer, Opener
from relionlab.workflows import links as find

_CIRCLE = 0.8  # of the box, where nothing says how large the particle is
_UNKNOWN = 150.0  # Å, where there is no box either


class MicrographCard(w.VBox):
    """A micrograph and the particles that a list has of it.

    name    of the micrograph in STAR files
    file    where it lies
    near    a list of particles, or a file of the project
    marked  (x, y) in px of the particle that is looked at
    opener  where its CTF and its particles are opened; by default below
    """

    def __init__(
        self,
        name: str,
        *,
        file: Path,
        near: Path,
        marked: tuple[float, float] | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.name, self.file = name, file
        self.message = Message()
        drawer = Drawer()
        where = opener or drawer
        self.picks, self.diameter = self._particles(near)
        pixel_size = read_header(file).pixel_size or 1.0
        mark = None if marked is None else np.array([marked])
        drawn = micrograph_with_picks(
            file, self.picks, pixel_size=pixel_size, diameter=self.diameter, title=Path(name).name, missed=mark
        )
        made = partial(button, message=self.message, width="108px")
        links = {"near": near, "opener": where}
        buttons = w.HBox(
            [
                made("CTF", "Thon rings and fit of this micrograph", lambda: linked.open_ctf(name, **links)),
                made(
                    "Particles",
                    "All particles of this micrograph",
                    lambda: linked.open_particles_of_micrograph(name, **links),
                ),
            ]
        )
        told = f"{many(len(self.picks), 'particle')} in circles of {self.diameter:.0f} Å"
        told += "" if marked is None else f"; the one looked at, dashed, at x {marked[0]:.0f}, y {marked[1]:.0f} px"
        parts = [w.HTML(f'<div class="rl-muted">{told}.</div>'), BokehView(drawn), buttons, self.message]
        super().__init__([*parts, *([] if opener is not None else [drawer])])

    def _particles(self, near: Path) -> tuple[Picks, float]:
        """Return the particles that are known here, and their diameter in Å."""
        try:
            found = find.particles_of_micrograph(self.name, near=near)
        except RelionlabError:
            return Picks(*(np.zeros(0) for _ in range(2)), np.zeros(0), np.zeros(0, np.int64), np.zeros(0)), _UNKNOWN
        data = find.particle_list(found.star)
        table = data.particles.rows(found.rows)
        size = float(data.optics["rlnImageSize"][0]) if "rlnImageSize" in data.optics else 0.0
        box = size * float(data.pixel_sizes[0])
        return picks_of(table), _CIRCLE * box if box > 0 else _UNKNOWN


def picks_of(table: Table) -> Picks:
    """Return the particles of a list as picks; without coordinates, none."""
    if "rlnCoordinateX" not in table or "rlnCoordinateY" not in table:
        table = table.rows(slice(0))
    x, y = table.numbers("rlnCoordinateX", 0.0), table.numbers("rlnCoordinateY", 0.0)
    merit = table.numbers("rlnAutopickFigureOfMerit", 0.0)
    return Picks(x, y, merit, np.zeros(len(x), dtype=np.int64), np.zeros(len(x)))
