"""A table of text in which a row can be opened by a click or Enter, and rows can be ticked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import traitlets

from relionlab.widgets.parts.page_files import joined, page_script
from relionlab.widgets.parts.state_dots import DOTS
from relionlab.widgets.parts.telling import TellingWidget


class RowTable(TellingWidget):
    """Shows rows of text; tells "open" with the key of a row that is clicked.

    columns     labels; one that begins with ">" stands at the right edge of its column (numbers)
    tip         what a click on a row does, in words; "": rows cannot be opened
    selectable  whether rows have a box to tick
    height      the highest that the table grows; beyond that it scrolls
    """

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = DOTS + joined(Path(__file__).with_suffix(".css"))

    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Labels of the columns."""
    rows = traitlets.List().tag(sync=True)
    """Per row: key and cells. A cell is a text, or [text, "state", "muted", "strong" or "wrong"]."""
    selected = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Keys of the rows that are ticked."""
    selectable = traitlets.Bool(default_value=False).tag(sync=True)
    """Whether rows can be ticked."""
    tip = traitlets.Unicode("").tag(sync=True)
    """What a click does."""
    height = traitlets.Unicode("none").tag(sync=True)
    """Most height of the table."""
    empty = traitlets.Unicode("").tag(sync=True)
    """What stands there when there are no rows."""

    def __init__(self, columns: Sequence[str], **traits: Any) -> None:
        super().__init__(columns=list(columns), **traits)

    def show(self, rows: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Show these rows: a key, and a cell for each column."""
        shown = [[key, list(cells)] for key, cells in rows]
        if shown != self.rows:
            self.rows = shown
