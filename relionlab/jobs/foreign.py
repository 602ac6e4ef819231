"""Jobs of types that are not declared here: opened, shown, kept and written back without loss."""

from __future__ import annotations

from typing import ClassVar

from relionlab.errors import JobStateError, ParameterError
from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.process_types import ProcessType, process_type
from relionlab.params import Dialect


class ForeignJob(Job):
    """A job that only RELION (or a later relionlab) can run; all its variables and values are kept as text.

    job_type  what the file says: "9", "relion.class3d.tomo" …
    options   (variable, value) in the file's order; run.job files of old RELIONs give the form's labels instead
    """

    type_label: ClassVar[str] = ""
    type_number: ClassVar[int] = -1
    folder: ClassVar[str] = ""

    job_type: str
    options: tuple[tuple[str, str], ...] = ()

    def process(self) -> ProcessType:
        """Return RELION's type; one that nobody knows gets a folder named after its label's last part."""
        try:
            return process_type(self.job_type)
        except ParameterError:
            return ProcessType(self.job_type, self.job_type.rsplit(".", 1)[-1].capitalize())

    def label(self) -> str:
        """Return the label in RELION 4's form."""
        return self.process().label if self.job_type.isdigit() else self.job_type

    def value(self, variable: str) -> str:
        """Return the text of one variable; raises ParameterError where the job has none of this name."""
        options = dict(self.options)
        if variable not in options:
            raise ParameterError(f"{self.label()} has no variable {variable!r}; it has {', '.join(sorted(options))}.")
        return options[variable]

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:  # noqa: ARG002 - kept as they are
        """Return the variables and values as they were read."""
        return dict(self.options)

    def inputs(self) -> list[Node]:
        """Return no nodes: which variables are inputs is not known; the pipeline file tells."""
        return []

    def outputs(self, output: str) -> list[Node]:  # noqa: ARG002
        """Return no nodes: the pipeline file tells what RELION made."""
        return []

    def commands(self, output: str) -> list[Command]:  # noqa: ARG002
        """Raise JobStateError: relionlab has no recipe for this type."""
        raise JobStateError(
            f"relionlab cannot run {self.label()} yet; run this job with RELION in the same project, then use its results here."
        )
