"""Picking by hand without a screen: micrographs, their picks, which of them are kept, and a thread that saves it all.

    picking = open_hand_picking(project.job("CtfFind/job003"))        # or a list, a folder, a job of picks to correct
    picking.add(picking.names[0], 812.5, 455.0)
    picking.undo(picking.names[0])
    picking.close()

Files and names are RELION's: MICROGRAPH_manualpick.star, coords_suffix_manualpick.star, micrographs_selected.star.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.io.atomic import atomic_write
from relionlab.io.coordinate_files import CoordinateFiles
from relionlab.io.particles import Particles, write_particles
from relionlab.jobs.micrographs.listing import names_of
from relionlab.project import JobDirectory
from relionlab.workflows.hand_picks import HandPicks
from relionlab.workflows.saving import Saver

PICKNAME = "manualpick"
SELECTION = "micrographs_selected.star"
_SETTINGS = ".picker.json"


class HandPicking:
    """Picks by hand on a list of micrographs.

    directory    the project (or folder) that names are relative to
    folder       where coordinates are written, "ManualPick/job006/"
    micrographs  the list, with whatever CtfFind knows of them
    pixel_size   Å, where neither list nor files say it
    dropped      names of micrographs that are not kept
    job          the ManualPick job, if there is one
    filaments    whether picks are the ends of filaments, two by two
    """

    def __init__(
        self,
        directory: Path,
        folder: str,
        micrographs: Particles,
        *,
        pixel_size: float | None = None,
        dropped: set[str] | None = None,
        job: JobDirectory | None = None,
        filaments: bool = False,
    ) -> None:
        self.directory, self.folder, self.micrographs, self.job = directory, folder, micrographs, job
        self.filaments = filaments
        self.names = names_of(micrographs)
        self.files = CoordinateFiles(folder, f"_{PICKNAME}.star")
        self._pixel_size = pixel_size
        self._dropped = set(dropped or ())
        self._open: dict[str, tuple[HandPicks, int]] = {}
        self._counts: dict[str, int] = {}
        self._lock = threading.RLock()
        self._saver = Saver()
        self._closed = False

    # --- micrographs ----------------------------------------------------------------------------------------------

    def path(self, name: str) -> Path:
        """Return where a micrograph's image lies."""
        return self.directory / name

    def coordinate_path(self, name: str) -> Path:
        """Return where a micrograph's picks are written."""
        return self.directory / str(self.files.path_of(name))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.names)}

    def pixel_size(self, name: str) -> float | None:
        """Return the pixel size in Å as the list has it, else as it was given; None: as the image file says."""
        for label in ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"):
            if label in self.micrographs:
                size = float(self.micrographs.column(label)[self._rows[name]])
                if size > 0:
                    return size
        return self._pixel_size

    def number(self, name: str, label: str) -> float:
        """Return a number that the list has of a micrograph (rlnDefocusU …); nan if it has none."""
        if label not in self.micrographs:
            return float("nan")
        try:
            return float(self.micrographs.column(label)[self._rows[name]])
        except (TypeError, ValueError):
            return float("nan")

    @property
    def kept(self) -> list[str]:
        """The micrographs that later jobs get, in the order of the list."""
        return [name for name in self.names if name not in self._dropped]

    def is_kept(self, name: str) -> bool:
        """Whether later jobs get this micrograph."""
        return name not in self._dropped

    def keep(self, *names: str) -> None:
        """Have later jobs get these micrographs (again)."""
        self._dropped.difference_update(names)
        self._saver.later("selection", self._write_selection)

    def drop(self, *names: str) -> None:
        """Keep these micrographs from later jobs; their picks stay."""
        self._dropped.update(names)
        self._saver.later("selection", self._write_selection)

    # --- picks ----------------------------------------------------------------------------------------------------

    def picks(self, name: str) -> HandPicks:
        """Return a micrograph's picks, read again if another program has written them since; do not change them directly.

        Raises InputError if their file cannot be understood.
        """
        path = self.coordinate_path(name)
        with self._lock:
            opened = self._open.get(name)
            if opened is not None and (self._saver.waits(name) or opened[1] == _written(path)):
                return opened[0]
        written = _written(path)
        found = HandPicks.read(path, filaments=self.filaments)
        with self._lock:
            if self._open.get(name) is not opened:
                return self.picks(name)  # another thread was quicker
            self._open[name] = (found, written)
            self._counts[name] = len(found)
            return found

    def add(self, name: str, x: float, y: float, *, stroke: str = "") -> None:
        """Add a particle at (x, y) in px; steps of the same ``stroke`` are undone together."""
        self._change(name, lambda picks: picks.add(x, y, stroke=stroke))

    def remove(self, name: str, x: float, y: float, *, stroke: str = "") -> None:
        """Remove the particle that is at this very place; of a filament, both ends."""
        self._change(name, lambda picks: picks.remove(x, y, stroke=stroke))

    def move(self, name: str, start: tuple[float, float], end: tuple[float, float], *, stroke: str = "") -> None:
        """Move the particle that is at ``start`` to ``end``."""
        self._change(name, lambda picks: picks.move(start, end, stroke=stroke))

    def undo(self, name: str) -> None:
        """Take a micrograph's last stroke back."""
        self._change(name, lambda picks: picks.undo())

    def redo(self, name: str) -> None:
        """Do again what was taken back last."""
        self._change(name, lambda picks: picks.redo())

    def clear(self, name: str) -> None:
        """Remove all picks of a micrograph, in one stroke."""

        def emptied(picks: HandPicks) -> None:
            for x, y in zip(picks.x.tolist(), picks.y.tolist(), strict=True):
                picks.remove(x, y, stroke="clear")

        self._change(name, emptied)

    def count(self, name: str) -> int | None:
        """Return how many picks a micrograph has; None as long as its file has not been looked at."""
        with self._lock:
            return len(self._open[name][0]) if name in self._open else self._counts.get(name)

    @property
    def total(self) -> int:
        """All picks of the kept micrographs, as far as their files have been looked at."""
        return sum(self.count(name) or 0 for name in self.kept)

    def count_all(self, then: Callable[[], Any] | None = None) -> threading.Thread:
        """Look at the files of all micrographs in a thread; ``then`` is called at its end."""

        def look() -> None:
            for name in self.names:
                if self._closed:
                    return
                if self.count(name) is None:
                    self._counts[name] = self._counted(name)
            if then is not None:
                then()

        thread = threading.Thread(target=look, name="relionlab-counting", daemon=True)
        thread.start()
        return thread

    # --- how it is shown ------------------------------------------------------------------------------------------

    def remember(self, settings: dict[str, Any]) -> None:
        """Keep how micrographs are shown beside the picks, so that they look the same next time."""
        kept = dict(settings)
        self._saver.later("settings", lambda: self._write_settings(kept))

    def remembered(self) -> dict[str, Any]:
        """Return what was kept last; nothing if there is nothing, or it cannot be read."""
        try:
            found = json.loads((self.directory / self.folder / _SETTINGS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    # --- saving ---------------------------------------------------------------------------------------------------

    @property
    def unsaved(self) -> bool:
        """Whether anything is not on the disk yet; for a fraction of a second after each change, unless saving fails."""
        return self._saver.busy

    @property
    def problem(self) -> str:
        """Why saving fails, in a sentence; it is tried again and again. "": it does not fail."""
        return self._saver.problem

    def on_saved(self, callback: Callable[[], Any]) -> None:
        """Have a function called, in the saving thread, whenever something was saved, or could not be."""
        self._saver.listeners.append(callback)

    def save(self) -> None:
        """Write what is not written yet, and come back when it is on the disk. Raises InputError if it cannot be written."""
        self._saver.flush()

    def close(self) -> None:
        """Save, and end the thread that does."""
        self._closed = True
        self._saver.close()

    def _change(self, name: str, step: Callable[[HandPicks], Any]) -> None:
        with self._lock:
            step(self.picks(name))
            self._saver.later(name, lambda: self._write(name))

    def _write(self, name: str) -> None:
        path = self.coordinate_path(name)
        with self._lock:
            self._open[name][0].write(path)
            self._open[name] = (self._open[name][0], _written(path))

    def _write_selection(self) -> None:
        if self.job is not None:
            self.job.wait(5)  # it writes the same list while it runs, a second or two
        rows = np.array([row for row, name in enumerate(self.names) if self.is_kept(name)], dtype=np.int64)
        write_particles(self.directory / self.folder / SELECTION, self.micrographs.rows(rows))

    def _write_settings(self, settings: dict[str, Any]) -> None:
        with atomic_write(self.directory / self.folder / _SETTINGS) as temporary:
            temporary.write_text(json.dumps(settings, indent=1), encoding="utf-8")

    def _counted(self, name: str) -> int:
        """Count the lines of a file's table: far quicker than to read it, and right for all that are written here."""
        heads = ("_", "#", "data_", "loop_")
        try:
            with self.coordinate_path(name).open(encoding="utf-8", errors="replace") as lines:
                return sum(1 for line in lines if (text := line.strip()) and not text.startswith(heads))
        except OSError:
            return 0  # nothing is picked, or it is said when it is opened


def _written(path: Path) -> int:
    """Return when a file was written last; 0: it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
