"""Total and extra iterations of a job that is continued: two numbers that follow one another.

RELION's form means the total, Scipion's the extra ones; both are shown, so that nobody has to know.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w


class MoreIterations(w.HBox):
    """Shows "25 done; continue to [40] in all = [15] more".

    change  called with the total when a hand changes either number
    """

    def __init__(self, change: Callable[[int], None]) -> None:
        self._change, self._silent, self.done = change, False, 0
        self._told = w.HTML()
        self.total = w.BoundedIntText(min=0, max=99_999, layout=w.Layout(width="74px"), tooltip="Iterations in all")
        self.extra = w.BoundedIntText(min=0, max=99_999, layout=w.Layout(width="74px"), tooltip="Iterations more")
        self.total.observe(lambda change: self._typed(change["new"]), "value")
        self.extra.observe(lambda change: self._typed(self.done + change["new"]), "value")
        words = (w.HTML('<span class="rl-muted">in all =</span>'), w.HTML('<span class="rl-muted">more</span>'))
        super().__init__([self._told, self.total, words[0], self.extra, words[1]])
        self.add_class("rl-more-iterations")
        self.follow(None, 0)

    def follow(self, done: int | None, total: Any) -> None:
        """Show how many iterations are done and how many there shall be in all; ``None``: nothing to show."""
        self.layout.display = "none" if done is None or not isinstance(total, int) else ""
        if done is None or not isinstance(total, int):
            return
        self.done = done
        self._silent = True
        try:
            self._told.value = f'<span class="rl-muted">{done} iterations done; continue to</span>'
            self.total.value, self.extra.value = total, max(total - done, 0)
        finally:
            self._silent = False

    def _typed(self, total: int) -> None:
        if not self._silent:
            self._change(total)
