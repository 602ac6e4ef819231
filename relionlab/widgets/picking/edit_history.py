"""Hand edits of automatic picks, micrograph by micrograph, each of which can be taken back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from relionlab.engine.picking import Edits
from relionlab.widgets.picking.pick_layers import Edit

_SAME = 1e-3
"""px: a pick that is edited is named by its very place."""


class EditHistory:
    """What was edited, in order.

    read   returns the edits of a micrograph
    write  keeps them
    """

    def __init__(self, read: Callable[[str], Edits], write: Callable[[str, Edits], None]) -> None:
        self._read, self._write = read, write
        self._done: list[tuple[str, str, Edits]] = []  # stroke, micrograph, its edits before
        self._undone: list[tuple[str, str, Edits]] = []

    def apply(self, edit: Edit) -> None:
        """Do what was done in the page."""
        before = self._read(edit.micrograph)
        after = changed(before, edit)
        if after == before:
            return
        self._done.append((edit.stroke, edit.micrograph, before))
        self._undone.clear()
        self._write(edit.micrograph, after)

    def undo(self) -> str | None:
        """Take the last stroke back; returns the micrograph that it was in, ``None`` if there is none."""
        return self._turn(self._done, self._undone)

    def redo(self) -> str | None:
        """Do again what was taken back last; returns the micrograph that it was in, ``None`` if there is none."""
        return self._turn(self._undone, self._done)

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is anything to do again."""
        return bool(self._undone)

    def _turn(self, of: list[tuple[str, str, Edits]], to: list[tuple[str, str, Edits]]) -> str | None:
        if not of:
            return None
        stroke, micrograph, _ = of[-1]
        while of and of[-1][:2] == (stroke, micrograph):
            _, _, before = of.pop()
            to.append((stroke, micrograph, self._read(micrograph)))
            self._write(micrograph, before)
            if not stroke:
                break
        return micrograph


def changed(edits: Edits, edit: Edit) -> Edits:
    """Return the layer of edits after one more: picks of the layer "added" were added before, those of "auto" were not."""
    added, removed = edits.added, edits.removed
    if edit.kind != "add":
        mine = np.hypot(added[:, 0] - edit.x, added[:, 1] - edit.y) <= _SAME
        if edit.layer == "auto":
            removed = np.vstack([removed, [[edit.x, edit.y]]])
        elif mine.any():
            added = added[~mine]
        else:
            return edits
    if edit.kind == "add":
        added = np.vstack([added, [[edit.x, edit.y]]])
    elif edit.kind == "move":
        added = np.vstack([added, [[edit.to_x, edit.to_y]]])
    return Edits(added, removed)
