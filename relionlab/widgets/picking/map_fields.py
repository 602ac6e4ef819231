"""What needs new maps when it is changed: diameters, references, filters; in the fields of the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as w

from relionlab.errors import ParameterError
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.project import Project
from relionlab.widgets.forms.field import Field
from relionlab.widgets.forms.files import files_for
from relionlab.widgets.parts.buttons import Message, button

NAMES = (
    "fn_refs_autopick",
    "fn_ref3d_autopick",
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
        self._fields = {
            name: Field(AutoPick, name, on_change=self._entered, files=files_for(AutoPick.parameters()[name], project))
            for name in NAMES
            if job.applies(name)
        }
        self.message = Message()
        for name, field in self._fields.items():
            field.write(getattr(job, name))
        self._go = button(
            "Compute new maps",
            "Search the micrographs that are shown again, with these values",
            self.compute,
            message=self.message,
            icon="refresh",
            width="170px",
        )
        rows = w.VBox([field.row for field in self._fields.values()])
        super().__init__([w.VBox([rows, w.HBox([self._go, self.message])])], selected_index=None)
        self.set_title(0, "Diameters, references, filters: what needs new maps")

    @property
    def changes(self) -> dict[str, Any]:
        """The values that differ from the job's; raises ParameterError if one cannot be read."""
        values = {name: field.read() for name, field in self._fields.items()}
        return {name: value for name, value in values.items() if value != getattr(self._job, name)}

    def compute(self) -> None:
        """Compute new maps with these values; raises ParameterError if they are wrong."""
        changes = self.changes
        self._job.changed(**changes).check()
        self.message.say("")
        self._compute(changes)

    def _entered(self, name: str) -> None:
        try:
            problems = self._job.changed(**self.changes).problems()
            self.message.say(" ".join(problems), wrong=True)
            self._fields[name].show_problem("")
        except ParameterError as error:
            self._fields[name].show_problem(str(error))
