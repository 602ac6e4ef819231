"""The list of micrographs from which those to look at are ticked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import traitlets

from relionlab.io.particles import Particles
from relionlab.jobs.micrographs.listing import names_of
from relionlab.widgets.parts.page_files import page_script
from relionlab.widgets.parts.telling import TellingWidget

_MEASURED = (("rlnDefocusU", "defocus", "µm", 1e-4, 2), ("rlnCtfMaxResolution", "CTF", "Å", 1.0, 1))
"""Label, head of the column, unit, factor, digits."""


class MicrographTable(TellingWidget):
    """Shows names, what is measured of each micrograph, and how many picks it has; tells "chosen" with the names that are ticked."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("auto_picker.css")

    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Heads of the columns."""
    units = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Unit of each column, "" for none."""
    formats = traitlets.List().tag(sync=True)
    """Digits after the point in each column; None: text."""
    rows = traitlets.List().tag(sync=True)
    """Of each micrograph: name, and values (None: not known)."""
    chosen = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the ticked ones, in the order in which they were ticked."""

    def __init__(self, micrographs: Particles) -> None:
        super().__init__()
        self._names = names_of(micrographs)
        self._columns = [
            (head, unit, digits, [float(value) * factor for value in micrographs.column(label)])
            for label, head, unit, factor, digits in _MEASURED
            if label in micrographs
        ]
        self.columns = ["micrograph", *(head for head, *_ in self._columns), "picks", "hand"]
        self.units = ["", *(unit for _, unit, _, _ in self._columns), "", ""]
        self.formats = [None, *(digits for _, _, digits, _ in self._columns), 0, 0]
        self.count({}, {})

    def count(self, picks: dict[str, int], edits: dict[str, int]) -> None:
        """Show how many picks and hand edits the micrographs have, as far as they are known."""
        short = short_names(self._names)
        self.rows = [
            {
                "name": name,
                "values": [
                    short[place],
                    *(_known(values[place]) for *_, values in self._columns),
                    picks.get(name),
                    edits.get(name) or None,
                ],
            }
            for place, name in enumerate(self._names)
        ]

    def words(self, name: str) -> str:
        """Return what is measured of a micrograph, in words."""
        place = self._names.index(name)
        parts = [
            f"{values[place]:.{digits}f} {unit}"
            for _, unit, digits, values in self._columns
            if np.isfinite(values[place])
        ]
        return ", ".join(parts)


def short_names(names: Sequence[str]) -> list[str]:
    """Return the names without folders and ending, or whole where two would be the same."""
    short = [name.rpartition("/")[2].rpartition(".")[0] or name for name in names]
    return short if len(set(short)) == len(short) else list(names)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
