"""The list of jobs at the left of the home page, which can be folded away."""

from __future__ import annotations

import ipywidgets as w


class FoldingSide(w.HBox):
    """A widget, and the button that folds it away.

    Beside a page that wants the width, as a picker, it is folded from the start; what is chosen there holds for all such pages.
    """

    def __init__(self, content: w.Widget) -> None:
        self._left = w.Box([content])
        self._left.add_class("rl-left")
        self._button = w.Button(layout=w.Layout(width="22px"))
        self._button.on_click(lambda _button: self.turn())
        self._button.add_class("rl-fold")
        self._open = {"usual": True, "wide": False}
        self._beside = "usual"
        super().__init__([self._left, self._button])
        self.add_class("rl-side")
        self._draw()

    @property
    def folded(self) -> bool:
        """Whether it is folded away."""
        return not self._open[self._beside]

    def turn(self) -> None:
        """Fold it away, or show it."""
        self._open[self._beside] = self.folded
        self._draw()

    def stand_beside(self, *, wide: bool) -> None:
        """Be told whether the page beside it wants the width."""
        self._beside = "wide" if wide else "usual"
        self._draw()

    def _draw(self) -> None:
        self._left.layout.display = "none" if self.folded else ""
        self._button.description = "»" if self.folded else "«"
        self._button.tooltip = "Show the list of jobs" if self.folded else "Fold the list of jobs away"
