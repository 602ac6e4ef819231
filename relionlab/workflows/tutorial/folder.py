"""The tutorial's folder: a project, its page, and what is written down beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from relionlab.errors import ProjectError
from relionlab.project import Project

ALIAS = "tutorial"
PAGE = "index.html"
CLOCK_FILE = ".tutorial_times.json"


def open_or_create(directory: Path) -> Project:
    """Return the project of a folder, made if the folder is empty or not there."""
    if (directory / "default_pipeline.star").exists():
        return Project.open(directory)
    if directory.exists() and any(directory.iterdir()):
        raise ProjectError(f"{directory} is no project, and not empty: give another folder with --dir.")
    return Project.create(directory)


def begin_anew(directory: Path) -> None:
    """Remove the folder of an earlier tutorial; nothing else is ever removed."""
    if not directory.exists():
        return
    if not (directory / CLOCK_FILE).exists():
        raise ProjectError(f"{directory} was not made by the tutorial, so --fresh leaves it alone: remove it yourself.")
    shutil.rmtree(directory)


def recorded(path: Path) -> dict[str, Any] | None:
    """Return what is written down of a simulation, ``None`` if there is nothing that can be read."""
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None
