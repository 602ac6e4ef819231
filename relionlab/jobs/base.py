"""What every job type and every drop-in program has: a declaration, inputs, outputs, a recipe.

A :class:`Job` is a form: its parameters have RELION's job.star keys. A :class:`Program` is a command line: its
parameters have RELION's flags. A job does its work by programs: :meth:`Job.commands` gives the very command lines
that a user could type, and a running job parses them again, so there is one route from value to recipe.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from relionlab.jobs.context import Context
from relionlab.params import Declared, Dialect, to_text


@dataclass(frozen=True)
class Node:
    """A typed file passed between jobs.

    path  relative to the project, with forward slashes
    kind  RELION 4's label, as "ParticleGroupMetadata.star.relion.class2d"
    """

    path: str
    kind: str


@dataclass(frozen=True)
class Command:
    """One program with its arguments, as it would be typed after ``relionlab``."""

    program: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        import shlex

        return shlex.join(("relionlab", self.program, *self.arguments))


class Program(Declared):
    """A drop-in for one of RELION's programs; the subclass's name in lower case is the program's name."""

    typed_as_flags: ClassVar[bool] = True

    name: ClassVar[str]
    """The program's name after ``relionlab``: "refine", "star_handler" …"""

    def run(self, context: Context) -> None:
        """Do the work."""
        raise NotImplementedError

    def look(self, context: Context) -> None:
        """Raise what :meth:`run` would raise before its work begins, and warn as it would; reads no more than a moment allows.

        Nothing is written. The values are checked apart from it (:meth:`check`).
        """

    def without_effect(self) -> list[str]:
        """Return the flags that were given and change nothing here."""
        declared = self.parameters()
        given = (name for name in declared if name in self.model_fields_set and declared[name].unused)
        return [str(declared[name].flag) for name in given if getattr(self, name) != self.default(name)]

    def pictured(self) -> str:
        """Return the directory whose logfile.pdf is to be drawn after the work, "" for none; jobs draw their own."""
        return ""


class Job(Declared):
    """A job type; an instance is a job with its parameters filled in.

    Values of job.star variables that this declaration does not know (a site's own, or of a later RELION) are kept
    in ``extra`` and written back.
    """

    type_label: ClassVar[str]
    """RELION 4's process label: "relion.class2d"."""
    type_number: ClassVar[int]
    """RELION 3.1's process number: 8."""
    folder: ClassVar[str]
    """Directory of this type's jobs: "Class2D"."""

    extra: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_later_relion(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that a job.star of RELION 4 or 5 means, which may say things twice after a conversion."""
        return values

    def label(self) -> str:
        """Return RELION 4's process label for these parameters (some types have a label per variant)."""
        return self.type_label

    def inputs(self) -> list[Node]:
        """Return the files that this job takes from other jobs."""
        return [
            Node(value, parameter.node)
            for name, parameter in self.parameters().items()
            if parameter.node
            and self.applies(name)
            and (value := getattr(self, name))
            and value not in (parameter.names() if parameter.names else ())
        ]

    def expected(self, name: str) -> str:
        """Return the node label of what the file must hold that a parameter names, "" if it may hold anything."""
        return self.parameters()[name].node or ""

    def wrong_inputs(self, directory: Path) -> str:  # noqa: ARG002
        """Return what is wrong with the files that the values name, as far as only the job type knows it; "" if nothing is."""
        return ""

    def prepare(self, directory: Path) -> None:
        """Put into the project ``directory`` what the values name and it lacks, as of a library; for most jobs nothing."""

    def outputs(self, output: str) -> list[Node]:
        """Return the nodes that the job makes in its directory ``output`` ("Class2D/job001/")."""
        raise NotImplementedError

    def commands(self, output: str) -> list[Command]:
        """Return the programs that do the job's work, in order; results go to ``output`` ("Class2D/job001/")."""
        raise NotImplementedError

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:
        """Return job.star's variables and values, the unknown ones included, sorted by variable."""
        return dict(sorted((super().job_options(dialect) | {key: to_text(value) for key, value in self.extra}).items()))
