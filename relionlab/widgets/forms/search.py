"""The box that finds a parameter by its label, RELION's key, its flag or a word of its help, on any page and level."""

from __future__ import annotations

from collections.abc import Callable

from relionlab.jobs.parameter_search import find_parameters
from relionlab.params import Declared
from relionlab.widgets.forms.choice_box import ChoiceBox

MOST = 12


class SearchBox(ChoiceBox):
    """A search over the parameters of a declaration; ``found`` is called with the name of the one that is chosen."""

    def __init__(self, declared: type[Declared], found: Callable[[str], None]) -> None:
        super().__init__(
            placeholder="Find a parameter",
            label="Find a parameter",
            tip="Finds by label, RELION's name, flag (--K) or a word of the help; Enter takes the first",
            icon="",
            eager=True,
        )
        self.layout.width = "160px"
        self._declared, self._found = declared, found
        self.observe(lambda _change: self.search(self.value), "value")
        self.on_choose(self._chosen)

    def search(self, text: str) -> list[str]:
        """List the parameters that a text may mean, and return their names, the likeliest first."""
        names = find_parameters(self._declared, text)[:MOST]
        self.offer([self._line(name) for name in names], note="" if names or not text.strip() else "Nothing like that.")
        return names

    def _line(self, name: str) -> dict[str, str]:
        parameter = self._declared.parameters()[name]
        place = " · ".join(filter(None, (parameter.flag, parameter.tab)))
        return {
            "id": name,
            "title": parameter.label,
            "detail": place,
            "mark": parameter.level if parameter.level != "basic" else "",
        }

    def _chosen(self, name: str) -> None:
        self.value = ""
        self._found(name)
