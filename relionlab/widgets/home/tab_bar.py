"""A bar of tabs that can be closed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import traitlets

from relionlab.widgets.parts.page_files import page_script
from relionlab.widgets.parts.telling import TellingWidget


class TabBar(TellingWidget):
    """Shows titles, one of them in front; tells "show" and "close" with the key of a tab."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("tab_bar.css")

    tabs = traitlets.List().tag(sync=True)
    """Per tab: key and title."""
    current = traitlets.Unicode("").tag(sync=True)
    """Key of the tab in front."""

    def show(self, tabs: Sequence[tuple[str, str]], current: str) -> None:
        """Show these tabs (key, title), and which is in front."""
        shown = [list(tab) for tab in tabs]
        if shown != self.tabs:
            self.tabs = shown
        self.current = current
