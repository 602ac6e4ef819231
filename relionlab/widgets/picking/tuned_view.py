"""One micrograph of the automatic picker: its picks by figure of merit, what hands did, and what is known of it."""

from __future__ import annotations

import html
from pathlib import Path

import ipywidgets as w
import numpy as np

from relionlab.display.micrograph_image import MicrographImage
from relionlab.display.picks import BY_HAND, MISSED, WRONG
from relionlab.display.words import many
from relionlab.engine.picking import Edits, Picks
from relionlab.engine.picking.agreement import matched
from relionlab.widgets.picking.micrograph_view import MicrographView

_AROUND = 10  # screen pixels beside a picture


class TunedView(w.VBox):
    """A micrograph with the layers auto (rings by figure of merit), added (squares), removed (crosses) and missed (dashed).

    pixels  longer side of the picture on the screen
    """

    def __init__(self, *, pixels: int) -> None:
        self.name = ""
        self.view = MicrographView(pixels=pixels, axes=False, add_to="added")
        self.view.layer("auto", style="ring", removed_to="removed", moved_to="added")
        self.view.layer("missed", style="dashed", colour=MISSED, editable=False)
        self.view.layer("removed", style="cross", colour=WRONG, editable=False)
        self.view.layer("added", style="square", colour=BY_HAND)
        self._caption = w.HTML()
        super().__init__([self._caption, self.view], layout=w.Layout(width="auto"))
        self.add_class("rl-tuned")

    def show(self, name: str, path: Path, pixel_size: float, *, pixels: int) -> None:
        """Show a micrograph, without picks; raises ImageError if it cannot be read."""
        self.name = name
        self.layout.width, self.layout.flex = f"{pixels + _AROUND}px", "0 0 auto"
        self.view.pixels = pixels
        self.view.show(MicrographImage(path, pixel_size), name=name)
        self._caption.value = f'<div class="rl-tuned-caption"><b>{_short(name)}</b></div>'

    def wait(self) -> None:
        """Say that its maps are being computed."""
        self._caption.value = f'<div class="rl-tuned-caption"><b>{_short(self.name)}</b> <span class="rl-muted">maps are computed …</span></div>'

    def draw(self, picks: Picks, edits: Edits, *, known: np.ndarray | None, radius: float, words: str = "") -> None:
        """Show these picks.

        picks   with the hand edits laid over them
        known   (m, 2) px of the particles that are known; those without a pick are dashed
        radius  px within which a pick is on a particle
        words   more to be said of the micrograph, as its defocus
        """
        automatic = np.isfinite(picks.fom)
        missed = np.zeros((0, 2))
        if known is not None:
            found = matched(np.stack([picks.x, picks.y], axis=1), known, radius)
            missed = known[np.setdiff1d(np.arange(len(known)), found)]
        with self.view.hold_sync():
            self.view.picks(picks.x[automatic], picks.y[automatic], picks.fom[automatic], layer="auto")
            self.view.picks(edits.added[:, 0], edits.added[:, 1], layer="added")
            self.view.picks(edits.removed[:, 0], edits.removed[:, 1], layer="removed")
            self.view.picks(missed[:, 0], missed[:, 1], layer="missed")
        parts = [many(len(picks), "pick")]
        if len(edits):
            parts.append(f"hand +{len(edits.added)} −{len(edits.removed)}")
        if known is not None:
            parts.append(f"{len(missed)} missed")
        said = " · ".join(part for part in [*parts, words] if part)
        self._caption.value = f'<div class="rl-tuned-caption"><b>{_short(self.name)}</b> <span class="rl-muted">{html.escape(said)}</span></div>'

    def tint(self, rejected: np.ndarray | None) -> None:
        """Tint the places (y, x) where the noise limits let nothing be picked; ``None``: nothing."""
        self.view.tint(rejected)


def _short(name: str) -> str:
    return html.escape(name.rpartition("/")[2].rpartition(".")[0] or name)
