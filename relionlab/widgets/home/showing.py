"""Opening a file in the home page from outside of it, as a double click in JupyterLab's list of files does."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as w

from relionlab.errors import ProjectError

if TYPE_CHECKING:
    from relionlab.widgets.home.home import Home

_LATEST: list[weakref.ref[Home]] = []


def remember(home: Home) -> None:
    """Make this the page in which files are opened."""
    _LATEST[:] = [weakref.ref(home)]


def show_in_home(path: str | Path) -> w.Widget:
    """Open a file or a job directory, named from the home page's folder, as a tab of the home page.

    Raises ProjectError if there is no home page in this kernel.
    """
    home = _LATEST[0]() if _LATEST else None
    if home is None:
        raise ProjectError("There is no home page here: show one with Home().")
    return home.open_file(path)
