"""CTF estimation: defocus, astigmatism and, with a phase plate, phase shift of every micrograph."""

from __future__ import annotations

import shlex
from typing import ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.ctf.options import CtfOptions
from relionlab.jobs.options.running import MpiOptions, QueueOptions
from relionlab.params import Dialect

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
        """Return job.star's variables, as the dialect's form has them."""
        written = super().job_options(dialect)
        if _TOMOGRAPHY & {key for key, _ in self.extra}:  # RELION 5's form for tilt series has no unweighted averages
            written.pop("use_noDW", None)
        return written

    def outputs(self, output: str) -> list[Node]:
        """Return the list of micrographs with their CTF, and the pictures."""
        return [
            Node(f"{output}micrographs_ctf.star", "MicrographGroupMetadata.star.relion.ctf"),
            Node(f"{output}logfile.pdf", "LogFile.pdf.relion.ctffind"),
        ]

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab run_ctffind``.

        Results that an interrupted run left are always kept: the program knows by their settings whether they count.
        """
        arguments = ["--o", output, *self.flags(), *self.side_by_side(), "--only_do_unfinished"]
        return [Command("run_ctffind", (*arguments, *shlex.split(self.other_args)))]
