"""A picture: a HoloViews description with a title and a sentence that says what is seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Picture:
    """One view of one result.

    description  a HoloViews object, with options for Bokeh and for Matplotlib
    title        a few words
    caption      what is drawn, in which units, and what to look for

    The last line of a notebook cell shows it. Page and PDF draw the same description.
    """

    description: Any
    title: str
    caption: str = ""

    def save(self, path: str | Path) -> Path:
        """Write the picture as .html (self-contained), .pdf or .png; the suffix decides."""
        from relionlab.display.render import save

        return save(self, path)

    def _ipython_display_(self) -> None:
        from relionlab.display.render import show_in_notebook

        show_in_notebook(self)

    def __repr__(self) -> str:
        return f"Picture({self.title!r})"
