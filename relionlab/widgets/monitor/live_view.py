"""What a live view is: a widget that shows results as they arrive, one small step of reading at a time."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as w


class LiveView(w.VBox):
    """Shows one kind of result of a job while it runs.

    path   the job's directory
    title  of its tab
    shown  whether its tab is in front: what takes long to draw waits for that
    """

    title = ""

    def __init__(self, path: Path, *children: w.Widget) -> None:
        self.path = path
        self.shown = False
        super().__init__(list(children))

    def look(self) -> bool:
        """Do one step of reading what is new, a fraction of a second long; return whether more is waiting."""
        raise NotImplementedError
