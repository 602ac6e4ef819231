"""One look each second at a project's pipeline file, for all views of a kernel that want to know when it changes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Protocol
from weakref import WeakSet

from relionlab.project import Project
from relionlab.project.pipeline_file import PIPELINE_FILE
from relionlab.widgets.parts.watching import Watch


class Refreshed(Protocol):
    """A view that can look again."""

    comm: object

    def refresh(self) -> None:
        """Look again."""
        ...


class _Follower:
    """Tells its views when the file has changed; ends with the last of them."""

    def __init__(self, project: Project) -> None:
        self._file = project.directory / PIPELINE_FILE
        self._seen = self._stamp()
        self.views: WeakSet[Refreshed] = WeakSet()
        self.watch: Watch | None = None

    def look(self) -> bool:
        """Look once; returns whether anybody is left who wants to know."""
        stamp = self._stamp()
        views = [view for view in self.views if view.comm is not None]  # a closed widget has none
        if stamp != self._seen:
            self._seen = stamp
            for view in views:
                view.refresh()
        return bool(views)

    def _stamp(self) -> tuple[int, int]:
        try:
            told = self._file.stat()
        except OSError:
            return 0, 0
        return told.st_mtime_ns, told.st_size


_followers: dict[Path, _Follower] = {}
_adding = threading.Lock()


def follow_changes(project: Project, view: Refreshed) -> None:
    """Have a view refreshed whenever jobs of the project begin, end, come or go, as long as it is open."""
    with _adding:
        follower = _followers.setdefault(project.directory, _Follower(project))
        follower.views.add(view)
        if follower.watch is None or not follower.watch.alive:
            follower.watch = Watch(follower.look)
