"""What needs new maps when it is changed: diameters, references, filters; a short form of these alone."""

from __future__ import annotations

import html
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

import ipywidgets as w

from relionlab.errors import ParameterError
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.params import Parameter, to_text
from relionlab.project import Project
from relionlab.widgets.parts.buttons import Message, button

NAMES = (
    "fn_refs_autopick",
    "fn_ref3d_autopick",
    "ref3d_symmetry",
    "ref3d_sampling",
    "angpix_ref",
    "log_diam_min",
    "log_diam_max",
    "log_maxres",
    "particle_diameter",
    "psi_sampling_autopick",
    "lowpass",
    "highpass",
    "shrink",
    "do_invert_refs",
    "do_ctf_autopick",
    "log_invert",
)
"""Parameters of the form on which the maps depend."""


class MapFields(w.Accordion):
    """A drawer of those that apply to the job, with a button that computes new maps.

    compute  is called with the values that differ from the job's
    """

    def __init__(self, job: AutoPick, project: Project, compute: Callable[[dict[str, Any]], None]) -> None:
        self._job, self._compute = job, compute
        self._entries = {name: _entry(name, getattr(job, name), project) for name in NAMES if job.applies(name)}
        self.message = Message()
        for entry in self._entries.values():
            entry.observe(self._entered, "value")
        go = button(
            "Compute new maps",
            "Search the micrographs that are shown again, with these values",
            self.compute,
            message=self.message,
            icon="refresh",
            width="170px",
        )
        rows = w.GridBox(
            [_labelled(name, entry) for name, entry in self._entries.items()],
            layout=w.Layout(grid_template_columns="repeat(2, minmax(0, 1fr))", grid_gap="2px 24px"),
        )
        super().__init__([w.VBox([rows, w.HBox([go, self.message])])], selected_index=None)
        self.set_title(0, "Diameters, references, filters: what needs new maps")

    @property
    def changes(self) -> dict[str, Any]:
        """The values that differ from the job's; raises ParameterError if one cannot be read."""
        values = {name: _read(name, entry) for name, entry in self._entries.items()}
        return {name: value for name, value in values.items() if value != getattr(self._job, name)}

    def compute(self) -> None:
        """Compute new maps with these values; raises ParameterError if they are wrong."""
        changes = self.changes
        self._job.changed(**changes).check()
        self.message.say("")
        self._compute(changes)

    def _entered(self, _change: Any) -> None:
        try:
            self.message.say(" ".join(self._job.changed(**self.changes).problems()), wrong=True)
        except ParameterError as error:
            self.message.say(str(error), wrong=True)


def _entry(name: str, value: Any, project: Project) -> w.Widget:
    """Return the box in which a value is typed, ticked or chosen."""
    parameter = AutoPick.parameters()[name]
    plain, choices = AutoPick.kind(name)
    wide = w.Layout(width="auto", flex="1 1 auto", min_width="60px")
    if choices:
        return w.Dropdown(options=choices, value=value, layout=wide, tooltip=parameter.help)
    if plain is bool:
        return w.Checkbox(value=value, indent=False, layout=wide, tooltip=parameter.help)
    if parameter.node or parameter.pattern:
        files = tuple(_files(parameter, project))
        return w.Combobox(value=to_text(value), options=files, layout=wide, tooltip=parameter.help)
    none = "none" if parameter.none_as is not None else ""
    return w.Text(value=to_text(value), placeholder=none, layout=w.Layout(width="90px"), tooltip=parameter.help)


def _read(name: str, entry: w.Widget) -> Any:
    if not isinstance(entry, w.Text | w.Combobox):
        return entry.value
    if AutoPick.kind(name)[0] is str:
        return None if entry.value == "" and AutoPick.parameters()[name].none_as is not None else entry.value
    return AutoPick.parse(name, entry.value)


def _labelled(name: str, entry: w.Widget) -> w.HBox:
    parameter = AutoPick.parameters()[name]
    unit = "" if parameter.unit == "unitless" else f" ({parameter.unit})"
    tip = html.escape(parameter.help, quote=True)
    label = w.HTML(
        f'<span class="rl-label" title="{tip}">{html.escape(parameter.label)}{unit}</span>',
        layout=w.Layout(width="230px", flex="0 0 auto"),
    )
    return w.HBox([label, entry], layout=w.Layout(overflow="hidden"))


def _files(parameter: Parameter, project: Project) -> list[str]:
    """Return the project's files that may be given, newest job first."""
    pattern = parameter.pattern or "*"
    head, brace, rest = pattern.partition("{")
    endings, _, tail = rest.partition("}")
    patterns = [f"{head}{ending}{tail}" for ending in endings.split(",")] if brace else [pattern]
    paths = [node.path for node in reversed(project.pipeline.nodes)]
    return [path for path in paths if any(fnmatch(path.rpartition("/")[2], one) for one in patterns)]
