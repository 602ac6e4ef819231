"""CTF estimation: defocus, astigmatism and, with a phase plate, phase shift of every micrograph."""

from __future__ import annotations

import shlex
from typing import ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.ctffind_options import CtfOptions
from relionlab.jobs.running_options import MpiOptions, QueueOptions
from relionlab.params import Dialect

_OURS = ("redo_micrographs",)
_TOMOGRAPHY = {"localsearch_nominal_defocus", "exp_factor_dose"}


class CtfFind(Job, CtfOptions, MpiOptions, QueueOptions):
    """Estimate the CTF of every micrograph, by a fit of its own or by CTFFIND 4.1 where it is installed.

    Defaults are those of RELION 3.1's form; RELION 4 ticks the power spectra of motion correction.
    """

    title: ClassVar[str] = "CTF estimation"
    type_label: ClassVar[str] = "relion.ctffind"
    type_number: ClassVar[int] = 2
    folder: ClassVar[str] = "CtfFind"

    def label(self) -> str:
        """Return RELION 4's label, which names the program; RELION knows no other than these two."""
        return f"{self.type_label}.{'gctf' if self.use_gctf else 'ctffind4'}"

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:
        """Return job.star's variables; those that RELION does not know only where they are set."""
        written = super().job_options(dialect)
        for name in _OURS:
            if getattr(self, name) == self.default(name):
                written.pop(str(self.parameters()[name].key), None)
        if _TOMOGRAPHY & {key for key, _ in self.extra}:  # RELION 5's form for tilt series has no unweighted averages
            written.pop("use_noDW", None)
        return written

    def outputs(self, output: str) -> list[Node]:
        """Return the list of micrographs with their CTF."""
        return [Node(f"{output}micrographs_ctf.star", "MicrographGroupMetadata.star.relion.ctf")]

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab run_ctffind``.

        Results that an interrupted run left are always kept: the program knows by their settings whether they count.
        """
        workers = ["--j", str(self.nr_mpi)] if self.nr_mpi > 1 else []
        arguments = ["--o", output, *self.flags(), *workers, "--only_do_unfinished", *shlex.split(self.other_args)]
        return [Command("run_ctffind", tuple(arguments))]
