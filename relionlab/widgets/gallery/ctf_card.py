"""One micrograph's CTF: Thon rings beside their model, the profile with its fit, the numbers, and where to go from here."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import ipywidgets as w

from relionlab.display.bokeh_view import BokehView
from relionlab.display.column_words import value_text
from relionlab.display.thon import CtfList, ctf_profiles, read_ctf_list, thon_rings
from relionlab.errors import RelionlabError
from relionlab.widgets.gallery import linked
from relionlab.widgets.parts.buttons import Message, button
from relionlab.widgets.parts.opening import Drawer, Opener

_NUMBERS = {
    "rlnDefocusU": "Defocus U",
    "rlnDefocusV": "V",
    "rlnDefocusAngle": "angle",
    "rlnPhaseShift": "phase shift",
    "rlnCtfMaxResolution": "rings fit to",
    "rlnCtfFigureOfMerit": "figure of merit",
}


class CtfCard(w.VBox):
    """The CTF of one row of a micrographs_ctf.star.

    star    the list
    row     of the micrograph, from 0
    opener  where its particles and the micrograph are opened; by default below
    """

    def __init__(self, star: str | Path, row: int, *, opener: Opener | None = None) -> None:
        listed = read_ctf_list(star)
        self.one = CtfList(listed.micrographs.rows([row]), listed.star)
        self.name = str(self.one.micrographs.column("rlnMicrographName")[0])
        self.message = Message()
        drawer = Drawer()
        where = opener or drawer
        made = partial(button, message=self.message, width="108px")
        near = {"near": self.one.star, "opener": where}
        buttons = w.HBox(
            [
                made(
                    "Micrograph", "The micrograph with its particles", lambda: linked.open_micrograph(self.name, **near)
                ),
                made(
                    "Particles",
                    "The particles of this micrograph",
                    lambda: linked.open_particles_of_micrograph(self.name, **near),
                ),
            ]
        )
        drawn: list[w.Widget] = []
        for picture in (partial(thon_rings, pixels=280), ctf_profiles):
            try:
                drawn.append(BokehView(picture(self.one)))
            except RelionlabError as error:  # RELION's users delete these files to save room
                self.message.say(str(error))
        told = "Left half: what was observed; right half: the fit. The rings have to meet. Profile: black observed, orange fit, blue quality."
        row_of = w.HBox(drawn, layout=w.Layout(flex_flow="row wrap", align_items="center"))
        parts: list[w.Widget] = [
            w.HTML(self.numbers()),
            row_of,
            w.HTML(f'<div class="rl-muted">{told}</div>'),
            buttons,
            self.message,
        ]
        super().__init__([*parts, *([] if opener is not None else [drawer])])

    def numbers(self) -> str:
        """Return the fit's numbers as a line of HTML."""
        table = self.one.micrographs.particles
        parts = [
            f"{words} <b>{value_text(round(float(table[label][0]), 3))} {table.unit(label)}</b>".replace(
                " </b>", "</b>"
            )
            for label, words in _NUMBERS.items()
            if label in table
        ]
        return f'<div class="rl-ctf-numbers">{" &nbsp; ".join(parts)}</div>'
