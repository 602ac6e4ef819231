"""Where a form's values may come from: the defaults, presets, RELION's saved settings, and earlier jobs of the type."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import ipywidgets as w

from relionlab.errors import ParameterError, RelionlabError
from relionlab.jobs.base import Job
from relionlab.project import Project
from relionlab.project.presets import Preset, presets, save_preset
from relionlab.widgets.forms.choice_box import ChoiceBox
from relionlab.widgets.parts.buttons import Message, button

MOST_JOBS = 40
_WHOSE = {"user": "my preset", "project": "project's preset", "RELION": "RELION"}


class StartValues(w.VBox):
    """A box that loads and saves named values.

    declared  the job type
    project   whose presets and jobs are offered as well; may be ``None``
    present   returns the job that the form holds; ``take`` is called with the one that it shall hold
    """

    def __init__(
        self,
        declared: type[Job],
        project: Project | None,
        *,
        present: Callable[[], Job],
        take: Callable[[Job], None],
        message: Message,
    ) -> None:
        self._declared, self._project, self._present, self._take = declared, project, present, take
        self._message = message
        self.toggle = w.ToggleButton(
            description="Values …", tooltip="Presets, and values of earlier jobs", layout=w.Layout(width="80px")
        )
        self.box = ChoiceBox(
            placeholder="choose values, or name these to save them",
            label="Preset or earlier job",
            tip="Load the defaults, a preset or an earlier job's values; or type a name and save",
        )
        self.box.layout.width = "380px"
        self.box.on_open(self.look)
        self.box.on_choose(self.load)
        self._known: dict[str, Preset] = {}
        buttons = [self._button("Save for me", "Keep these values for all my projects", self.save, "100px")]
        if project is not None:
            tip = "Keep these values in the project folder, for all who work in it"
            buttons.append(self._button("Save in project", tip, lambda: self.save(for_project=True), "122px"))
        buttons.append(self._button("Delete", "Remove the preset that is named in the box", self.delete, "76px"))
        super().__init__([w.HBox([self.box, *buttons])])
        self.add_class("rl-panel")
        self.toggle.observe(lambda _change: self._show(), "value")
        self._show()

    def look(self) -> None:
        """List what there is."""
        found = presets(self._declared, self._project)
        self._known = {f"{preset.owner}:{preset.name}": preset for preset in found}
        lines = [{"id": "defaults", "title": "Defaults", "detail": "of RELION's form"}]
        lines += [{"id": key, "title": one.name, "detail": _WHOSE[one.owner]} for key, one in self._known.items()]
        self.box.offer(lines + self._jobs(), note="Presets leave the inputs as they are; a job's values replace all.")

    def load(self, identity: str) -> None:
        """Take the values of "defaults", a preset ("user:fine") or a job ("job:Class2D/job003")."""
        try:
            self._take(self._values(identity))
        except RelionlabError as error:
            self._message.say(str(error), wrong=True)
            return
        self.box.value = identity.partition(":")[2] if identity in self._known else ""

    def save(self, *, for_project: bool = False) -> None:
        """Keep the form's values under the name in the box."""
        saved = save_preset(self._present(), self.box.value, project=self._project if for_project else None)
        where = "in the project" if for_project else "for you"
        self._message.say(f"Saved {where} as {saved.name}; inputs are not part of it.")

    def delete(self) -> None:
        """Remove the preset whose name stands in the box, the project's before the user's own."""
        name = self.box.value.strip()
        named = [one for one in presets(self._declared, self._project) if one.name == name]
        if not named:
            raise ParameterError(f"There is no preset named {name!r}: choose one from the list first.")
        named[-1].delete()
        self.box.value = ""
        self._message.say(f"The {_WHOSE[named[-1].owner]} {name} is deleted.")

    def _values(self, identity: str) -> Job:
        present = self._present()
        if identity == "defaults":
            inputs = {name: getattr(present, name) for name, p in present.parameters().items() if p.node}
            return self._declared(**inputs)
        if identity in self._known:
            return self._known[identity].job(present)
        assert self._project is not None
        return self._project.job(identity.removeprefix("job:")).job

    def _jobs(self) -> list[dict[str, str]]:
        """Return the earlier jobs of the type, newest first."""
        lines = []
        if self._project is not None:
            with suppress(RelionlabError):
                own = [p for p in self._project.pipeline.processes if p.name.startswith(f"{self._declared.folder}/")]
                for process in reversed(own[-MOST_JOBS:]):
                    detail = " · ".join(filter(None, ((process.alias or "").rpartition("/")[2], process.state)))
                    lines.append({"id": f"job:{process.name}", "title": process.name, "detail": detail})
        return lines

    def _show(self) -> None:
        self.layout.display = "" if self.toggle.value else "none"

    def _button(self, label: str, tip: str, method: Callable[[], None], width: str) -> w.Button:
        return button(label, tip, method, message=self._message, width=width)
