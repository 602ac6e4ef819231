"""Any file or job in the viewer that fits it."""

from __future__ import annotations

import html
from pathlib import Path

import ipywidgets as w

from relionlab.errors import InputError, RelionlabError
from relionlab.widgets.parts.log_view import LogView
from relionlab.widgets.parts.opening import Opener

_TEXTS = (".out", ".err", ".txt", ".log", ".json", ".py", ".sh", ".com", ".bild", ".cxc", ".job")
_MOST_CHARACTERS = 400_000
_PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".gif")


def viewer(path: Path, *, opener: Opener | None = None) -> w.Widget:
    """Return a widget that shows a file: text as text, pictures as they are, all else in the viewer that fits it.

    Raises InputError where there is no such file, or nothing can show it.
    """
    if not path.exists():
        raise InputError(f"{path} is not there: its job has not made it yet, or it was deleted or cleaned away.")
    ending = path.suffix.lower()
    if ending in _TEXTS:
        log = LogView(height="440px")
        log.show(path.read_text(errors="replace")[-_MOST_CHARACTERS:], most=20_000)
        return log
    if ending in _PICTURES:
        kind = "svg+xml" if ending == ".svg" else ending[1:]
        return w.Image(value=path.read_bytes(), format=kind, layout=w.Layout(max_width="100%", align_self="flex-start"))
    if ending in (".pdf", ".eps"):
        return _told(
            path, "Open it in JupyterLab's file browser, or with a program of your own: it is made for printing."
        )
    try:
        return _interactive(path, opener)
    except RelionlabError as error:
        return _told(path, str(error))


def _interactive(path: Path, opener: Opener | None) -> w.Widget:
    from relionlab.widgets.gallery.looking import look

    return look(path, opener=opener)


def _told(path: Path, text: str) -> w.HTML:
    return w.HTML(f'<div><b>{html.escape(path.name)}</b></div><div class="rl-muted">{html.escape(text)}</div>')
