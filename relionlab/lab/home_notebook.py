"""The notebook of a project's home page."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from relionlab.io.atomic import atomic_write

HOME = "home.ipynb"


def template() -> str:
    """Return the notebook as it is laid into a folder."""
    return files("relionlab.lab").joinpath(HOME).read_text(encoding="utf-8")


def write_home_notebook(folder: Path) -> Path:
    """Lay the notebook of the home page into a folder, and return where it is; one that is there stays as it is."""
    place = folder / HOME
    if not place.exists():
        with atomic_write(place) as temporary:
            temporary.write_text(template(), encoding="utf-8")
    return place
