"""The list of micrographs: which one is shown, which are kept, how many picks each has; sorted by any column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import traitlets

from relionlab.widgets.parts.page_files import page_script
from relionlab.widgets.parts.telling import TellingWidget


class MicrographList(TellingWidget):
    """Shows one line for each micrograph; only those that are seen are drawn, so that ten thousand do not stall the page.

    A click on a line tells "show" with its index, a tick "keep" or "drop" with the indices of all that it is for; a click on
    a heading sorts.
    """

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("micrograph_list.css")

    headings = traitlets.List().tag(sync=True)
    """Of each column: title, unit, tip, decimals (-1: text)."""
    rows = traitlets.List().tag(sync=True)
    """Of each micrograph: the values of its columns; None: not known."""
    kept = traitlets.List().tag(sync=True)
    """Of each micrograph: whether it is kept."""
    counts = traitlets.List().tag(sync=True)
    """Of each micrograph: its picks; None: not looked at yet."""
    shown = traitlets.Int(-1).tag(sync=True)
    """Index of the micrograph that is shown."""
    order = traitlets.List(traitlets.Int()).tag(sync=True)
    """Indices in the order of the lines."""
    height = traitlets.Int(300).tag(sync=True)
    """Height in screen pixels."""

    def fill(self, headings: Sequence[tuple[str, str, str, int]], rows: Sequence[Sequence[Any]]) -> None:
        """Show these columns and lines, in their order."""
        with self.hold_sync():
            self.headings = [list(heading) for heading in headings]
            self.rows = [list(row) for row in rows]
            self.order = list(range(len(rows)))

    def beside(self, step: int) -> int:
        """Return the index of the micrograph ``step`` lines below the one that is shown; the same at either end."""
        if self.shown not in self.order:
            return self.order[0] if self.order else -1
        place = self.order.index(self.shown) + step
        return self.order[min(max(place, 0), len(self.order) - 1)]
