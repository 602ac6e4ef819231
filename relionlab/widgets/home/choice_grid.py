"""A few big choices beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import traitlets

from relionlab.widgets.parts.page_files import page_script
from relionlab.widgets.parts.telling import TellingWidget


@dataclass(frozen=True)
class Choice:
    """One choice: what is told when it is taken, its title, what it leads to, what speaks for it; ``strong`` stands out."""

    key: str
    title: str
    line: str
    told: str
    strong: bool = False


class ChoiceGrid(TellingWidget):
    """Shows choices as big buttons; tells "choice" with the key of the one that is taken."""

    _esm = page_script(Path(__file__).with_suffix(".js"))
    _css = Path(__file__).with_name("choice_grid.css")

    choices = traitlets.List().tag(sync=True)
    """Per choice: key, title, line, told, strong."""

    def show(self, choices: Sequence[Choice]) -> None:
        """Show these choices."""
        self.choices = [asdict(choice) for choice in choices]
