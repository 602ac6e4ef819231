"""The home pages of a kernel: the last one is where files are opened, as by a double click in JupyterLab's list of files."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets as w

from relionlab.errors import ProjectError

if TYPE_CHECKING:
    from relionlab.widgets.home.home import Home

_MADE: list[weakref.ref[Home]] = []


def remember(home: Home) -> None:
    """Make this the page in which files are opened."""
    _MADE.append(weakref.ref(home))


def keep_all() -> None:
    """Have all home pages remember what is open and typed in them."""
    for home in _open():
        home.keep()


def close_deserted() -> None:
    """Close the home pages that no page of a browser shows any more: each would watch its project for ever.

    The last one stays: the browser may come back to it.
    """
    for home in _open()[:-1]:
        if home.tabs.bar.deserted:
            home.close()


def _open() -> list[Home]:
    """Return the home pages that are not closed, the last one last."""
    homes = [home for place in _MADE if (home := place()) is not None and home.comm is not None]
    _MADE[:] = [weakref.ref(home) for home in homes]
    return homes


def show_in_home(path: str | Path) -> w.Widget:
    """Open a file or a job directory, named from the home page's folder, as a tab of the home page.

    Raises ProjectError if there is no home page in this kernel.
    """
    homes = _open()
    if not homes:
        raise ProjectError("There is no home page here: show one with Home().")
    return homes[-1].open_file(path)
