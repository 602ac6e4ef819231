"""The box of a parameter that names a file: it lists the outputs that fit, with what they hold, and browses folders."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relionlab.params import Parameter
from relionlab.project import Project
from relionlab.project.input_choices import InputChoice, alternatives, input_choices, matching_files
from relionlab.widgets.forms.choice_box import ChoiceBox

MOST_READ = 60
"""Files whose heads are read for one list; a longer list says nothing of the others."""
_TAKE, _FOLDER, _BACK = "take:", "folder:", "back:"


class FileBox(ChoiceBox):
    """A text box for a file's name, relative to the project, whose list offers what fits, newest first.

    parameter  whose file it is
    project    whose files are offered; without one the box only takes names
    """

    def __init__(self, parameter: Parameter, project: Project | None, **traits: Any) -> None:
        super().__init__(
            placeholder=_in_words(parameter.pattern or ""),
            label=parameter.label,
            tip=parameter.help,
            **traits,
        )
        self.parameter, self.project = parameter, project
        self._found: list[InputChoice] = []
        self._turn = 0
        self.on_open(self.look)
        self.on_choose(self._chosen)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and names that it offers now."""
        return tuple(choice.path for choice in input_choices(self.parameter, self.project))

    def look(self) -> None:
        """List what fits now; what the files hold follows as soon as it has been read."""
        self._found = input_choices(self.parameter, self.project)
        self._list({})
        self._turn += 1
        if self.project is not None:
            threading.Thread(target=self._read, args=(self._turn,), name="relionlab-files", daemon=True).start()

    def browse(self, folder: Path) -> None:
        """List the folders and the fitting files of a folder."""
        self._turn += 1
        lines = [{"id": _BACK, "title": "◂ Outputs that fit", "stay": True}]
        if folder.parent != folder:
            lines.append({"id": f"{_FOLDER}{folder.parent}", "title": "../", "stay": True})
        try:
            inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
            files = matching_files(self.parameter.pattern or "*", folder)
        except OSError as error:
            self.offer(lines, note=f"{folder} cannot be read: {error.strerror}.")
            return
        lines += [{"id": f"{_FOLDER}{path}", "title": f"{path.name}/", "stay": True} for path in inside]
        lines += [
            {"id": f"{_TAKE}{self._named(name)}", "title": Path(name).name, "detail": said} for name, said in files
        ]
        self.offer(lines, note=f"{folder}" if files or inside else f"{folder}: nothing that fits.")

    def _read(self, turn: int) -> None:
        assert self.project is not None
        told = {choice.path: choice.holds(self.project.directory) for choice in self._found[:MOST_READ]}
        if turn == self._turn:
            self._list(told)

    def _list(self, held: Mapping[str, str]) -> None:
        lines: list[dict[str, Any]] = [
            {
                "id": f"{_TAKE}{choice.path}",
                "title": choice.path,
                "detail": " · ".join(filter(None, (held.get(choice.path), choice.origin))),
                "mark": choice.state if choice.state in ("scheduled", "running", "failed", "aborted") else "",
            }
            for choice in self._found
        ]
        note = "" if lines else "No job has made such a file yet."
        if self.project is not None:
            lines.append({"id": f"{_FOLDER}{self.project.directory}", "title": "Browse folders …", "stay": True})
        self.offer(lines, note=note)

    def _chosen(self, identity: str) -> None:
        if identity.startswith(_TAKE):
            self.value = identity.removeprefix(_TAKE)
        elif identity.startswith(_FOLDER):
            self.browse(Path(identity.removeprefix(_FOLDER)))
        else:
            self.look()

    def _named(self, path: str) -> str:
        return self.project.relative(path) if self.project is not None else path


def file_box(parameter: Parameter, project: Project | None, *, width: str) -> FileBox:
    """Return the box for a parameter's file, as wide as asked."""
    made = FileBox(parameter, project)
    made.layout.width, made.layout.margin = width, "2px"
    return made


def _in_words(pattern: str) -> str:
    """Return a pattern as it is read: "*.star or *.mrcs" for "*.{star,mrcs}"."""
    if pattern in ("*", "*.*"):
        return "a file"
    return " or ".join(alternatives(pattern.replace("*/*", "Folder/*")))
