"""What the home page remembers for a user: open tabs, hidden jobs, projects opened lately. In the user's own folder.

Nothing of it is written into a project: a folder that is only looked at stays as it is, and colleagues keep their own view.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from relionlab.io.atomic import atomic_write
from relionlab.project.pipeline_file import PIPELINE_FILE

MOST_RECENT = 8


@dataclass
class HomeMemory:
    """What is remembered about one project's page.

    place    the file
    project  the project's folder
    tabs     keys of the open tabs, in their order
    current  key of the tab in front
    preview  key of the tab that the next job replaces
    hidden   names of jobs that are not listed
    forms    key of a form's tab -> the job in it, as JSON
    """

    place: Path
    project: str
    tabs: list[str] = field(default_factory=list)
    current: str = ""
    preview: str = ""
    hidden: list[str] = field(default_factory=list)
    forms: dict[str, str] = field(default_factory=dict)
    _written: dict[str, Any] | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, project: Path) -> HomeMemory:
        """Return what is remembered of a folder; nothing, if it is met for the first time."""
        name = hashlib.sha256(str(project).encode()).hexdigest()[:16]
        memory = cls(state_folder() / f"{name}.json", str(project))
        with suppress(OSError, ValueError, TypeError):
            found = json.loads(memory.place.read_text())
            for key in ("tabs", "current", "preview", "hidden", "forms"):
                if isinstance(found.get(key), type(getattr(memory, key))):
                    setattr(memory, key, found[key])
        return memory

    def keep(self) -> None:
        """Write it down if it has changed; where that is not possible, the page works without."""
        record: dict[str, Any] = {key: value for key, value in asdict(self).items() if key not in ("place", "_written")}
        if record == self._written:
            return  # two windows may show the project: the one in which something is done tells what is remembered
        with suppress(OSError), atomic_write(self.place) as path:
            path.write_text(json.dumps({**record, "opened": time.time()}, indent=1) + "\n")
        self._written = record


def state_folder() -> Path:
    """Return where such things are kept: XDG_STATE_HOME/relionlab, by default below ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "relionlab"


def recent_projects() -> list[Path]:
    """Return the folders of the projects that were opened lately and still are there, the last one first."""
    found: list[tuple[float, Path]] = []
    for place in state_folder().glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads(place.read_text())
            found.append((float(record["opened"]), Path(record["project"])))
    there = [project for _, project in sorted(found, reverse=True) if (project / PIPELINE_FILE).exists()]
    return there[:MOST_RECENT]
