"""The power spectrum of the micrograph that is shown, computed in a thread, so that picking goes on meanwhile."""

from __future__ import annotations

import base64
import html
import io
import threading
import time
from pathlib import Path

import ipywidgets as w
import numpy as np

from relionlab.display.ctf_rings import Rings, rings_of
from relionlab.display.micrograph_image import MicrographImage
from relionlab.errors import RelionlabError
from relionlab.io.particles import Particles

_FACTS = (
    ("rlnDefocusU", "Defocus U", "Å", 0),
    ("rlnDefocusV", "Defocus V", "Å", 0),
    ("rlnDefocusAngle", "Angle", "°", 1),
    ("rlnPhaseShift", "Phase shift", "°", 1),
    ("rlnCtfMaxResolution", "Fits to", "Å", 1),
    ("rlnCtfFigureOfMerit", "Merit", "", 3),
)


class CtfPanel(w.HTML):
    """Shows one power spectrum, left the observed rings, right the CTF where the list has it.

    pixels  side of the picture on the screen
    """

    def __init__(self, *, pixels: int = 360) -> None:
        super().__init__(layout=w.Layout(min_height=f"{pixels + 24}px"))
        self.pixels, self.is_open = pixels, False
        self._wanted = 0
        self._kept: dict[tuple[str, int], str] = {}

    def show(self, path: Path, pixel_size: float | None, listed: Particles, *, row: int) -> threading.Thread | None:
        """Show the power spectrum of a micrograph, ``row`` of the list; it appears when it is computed, in a thread."""
        self.is_open = True
        self._wanted += 1
        turn, key = self._wanted, (str(path), row)
        if key in self._kept:
            self.value = self._kept[key]
            return None
        self.value = '<div class="rl-muted">Computing the power spectrum, about a second …</div>'

        def compute() -> None:
            time.sleep(0.05)  # while somebody leafs through micrographs only the last one is computed
            if turn != self._wanted:
                return
            try:
                rings = rings_of(MicrographImage(path, pixel_size), listed, row)
                made = self._drawn(rings, path.name, _facts(listed, row))
            except (RelionlabError, OSError) as error:
                made = f'<div class="rl-problem">There is no power spectrum: {html.escape(str(error))}</div>'
            self._kept[key] = made
            if turn == self._wanted:
                self.value = made

        thread = threading.Thread(target=compute, name="relionlab-spectrum", daemon=True)
        thread.start()
        return thread

    def close_view(self) -> None:
        """Compute no more."""
        self.is_open = False
        self._wanted += 1

    def _drawn(self, rings: Rings, name: str, facts: str) -> str:
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(rings.greys).save(buffer, "PNG")
        picture = base64.b64encode(buffer.getvalue()).decode()
        told = f"Edge at {rings.finest:.1f} Å."
        if rings.has_model:
            merit = f", correlation {rings.merit:.2f}" if np.isfinite(rings.merit) else ""
            told = f"Left: observed; right: the CTF of the list{merit}. {told}"
        else:
            told = f"The list knows no CTF of this micrograph. {told}"
        picture_html = (
            f'<img width="{self.pixels}" height="{self.pixels}" alt="Power spectrum of {html.escape(name)}. {told}"'
            f' src="data:image/png;base64,{picture}"><div class="rl-muted" style="font-size:11px;line-height:1.4">{told}</div>'
        )
        return f'<div style="display:flex;gap:14px"><div>{picture_html}</div><div>{facts}</div></div>'


def _facts(listed: Particles, row: int) -> str:
    """Return what the list says of a micrograph's CTF, as a table."""
    lines = []
    for label, title, unit, digits in _FACTS:
        if label in listed and np.isfinite(value := float(listed.column(label)[row])):
            lines.append(
                f'<tr><td class="rl-muted">{title}</td><td style="text-align:right">{value:,.{digits}f} {unit}</td></tr>'
            )
    return f'<table style="font-size:12px;line-height:1.6">{"".join(lines)}</table>'
