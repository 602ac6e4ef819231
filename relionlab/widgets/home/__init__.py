"""The home page of a project: the one page of the lab, in which all others open."""

from __future__ import annotations

from relionlab.widgets.home.home import Home

__all__ = ["Home"]
