"""Small pictures and tables as HTML: an average beside its deviation, all that is known of one image."""

from __future__ import annotations

import base64
import html
import io

import ipywidgets as w
import numpy as np

from relionlab.display.column_words import heading, meaning, value_text
from relionlab.display.image_views import ImageLook, greys
from relionlab.display.mosaic import enlarge
from relionlab.io.table import Table


def picture(image: np.ndarray, words: str, *, pixels: int = 220, look: ImageLook = ImageLook()) -> str:  # noqa: B008
    """Return an image (y, x) as an HTML figure with words below it, ``pixels`` wide."""
    from PIL import Image

    drawn = greys(image[None], look)[0]
    if drawn.shape[0] == drawn.shape[1]:
        drawn = enlarge(drawn, pixels)
    stream = io.BytesIO()
    Image.fromarray(drawn).save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode()
    told = html.escape(words)
    return (
        f'<figure class="rl-figure"><img src="data:image/png;base64,{data}" alt="{told}" width="{pixels}"/>'
        f"<figcaption>{told}</figcaption></figure>"
    )


def pictures(parts: list[str]) -> w.HTML:
    """Return HTML figures beside each other."""
    return w.HTML(f'<div class="rl-figures">{"".join(parts)}</div>')


def row_card(table: Table, row: int) -> w.HTML:
    """Return all that a table knows of a row: label, value, meaning."""
    lines = [
        f'<tr title="{html.escape(meaning(label))}"><th>{html.escape(heading(label))}</th>'
        f"<td>{html.escape(value_text(table[label][row]))}</td>"
        f'<td class="rl-muted">{html.escape(_words(label))}</td></tr>'
        for label in table.labels
    ]
    return w.HTML(f'<table class="rl-card">{"".join(lines)}</table>')


def _words(label: str) -> str:
    words = meaning(label)
    return words.partition(": ")[2] if ": " in words else ""
