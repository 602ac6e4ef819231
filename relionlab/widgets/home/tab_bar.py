"""A bar of tabs that can be closed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import traitlets

from relionlab.widgets.parts.page_files import page_script
from relionlab.widgets.parts.telling import TellingWidget


class TabBar(TellingWidget):
    """Shows titles, one of them in front; tells "show", "keep" and "close" with the key of a tab, and "seen" and "left" with
    that of a place in a page that shows it, or showed it.
    """

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("tab_bar.css")

    tabs = traitlets.List().tag(sync=True)
    """Per tab: key and title."""
    current = traitlets.Unicode("").tag(sync=True)
    """Key of the tab in front."""
    preview = traitlets.Unicode("").tag(sync=True)
    """Key of the tab that the next one replaces unless something is done in it; "" if there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._shown, self._places = False, set[str]()
        self.on("seen", self._seen)
        self.on("left", self._places.discard)

    @property
    def deserted(self) -> bool:
        """Whether a page showed it once, and none does any more."""
        return self._shown and not self._places

    def show(self, tabs: Sequence[tuple[str, str]], current: str, preview: str = "") -> None:
        """Show these tabs (key, title), which is in front, and which is only looked at."""
        shown = [list(tab) for tab in tabs]
        if shown != self.tabs:
            self.tabs = shown
        self.preview = preview
        self.current = current

    def _seen(self, place: str) -> None:
        self._shown = True
        self._places.add(place)
