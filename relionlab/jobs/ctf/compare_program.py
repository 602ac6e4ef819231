"""The program ``compare_ctf``: how far two estimates of the CTFs of the same micrographs lie apart."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from relionlab.io.job_names import as_folder
from relionlab.io.particles import read_particles, write_particles
from relionlab.io.star import write_star
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.ctf.comparison import TABLE, compare, estimates_of, read_estimates
from relionlab.jobs.finding import find_files
from relionlab.params import Parameter


class CompareCtf(Program):
    """Compare two estimates of the CTFs of the same micrographs: differences of each, a picture, and those that agree."""

    name: ClassVar[str] = "compare_ctf"
    title: ClassVar[str] = "Comparison of CTFs"

    i: Annotated[
        str,
        Parameter(
            label="First estimate",
            help="micrographs_ctf.star of a CtfFind job.",
            tab="I/O",
            flag="--i",
            required=True,
            pattern="*.star",
        ),
    ] = ""
    other: Annotated[
        str,
        Parameter(
            label="Second estimate",
            help="Another such list (also Gctf's), or CTFFIND 4's or Gctf's files of single micrographs by a wildcard, as"
            ' "Other/*.txt" or "Other/*_gctf.log". Micrographs are known by their names.',
            tab="I/O",
            flag="--with",
            required=True,
        ),
    ] = ""
    o: Annotated[
        str,
        Parameter(label="Output directory", help='As "CtfCompared/".', tab="I/O", flag="--o"),
    ] = "CtfCompared/"
    agree_to: Annotated[
        float | None,
        Parameter(
            label="Keep those that agree to",
            help="Write micrographs_agreeing.star: the rows of the first list whose two CTFs are less than 90° apart in phase down"
            " to this resolution. Images corrected by the wrong one of two CTFs are worthless beyond the point at which they are"
            " 90° apart. -1: write none.",
            tab="I/O",
            unit="Å",
            flag="--agree_to",
            bounds=(0.5, 100),
            suggested=(3, 20, 0.5),
            none_as="-1",
        ),
    ] = None

    def pictured(self) -> str:
        """Return the directory whose pictures are to be drawn when the program has run."""
        return self.o

    def run(self, context: Context) -> None:
        """Match the micrographs, write their differences, and the list of those that agree."""
        self.check()
        listed = read_particles(context.path(self.i), kind="micrographs")
        second = read_estimates([context.path(name) for name in find_files(context, self.other)], self.other)
        found = compare(
            estimates_of(listed, self.i), second, voltage_kv=np.asarray(listed.column("rlnVoltage"), float).tolist()
        )
        folder = as_folder(self.o)
        context.path(folder or ".").mkdir(parents=True, exist_ok=True)
        write_star(context.path(f"{folder}{TABLE}.star"), [found.table()])
        context.say(f" {found}")
        if len(found.names) < len(listed):
            context.say(f" {len(listed) - len(found.names)} micrographs of {self.i} are not in {self.other}")
        context.say(f" Written: {folder}{TABLE}.star")
        if self.agree_to is not None:
            kept = found.rows[found.different.resolution <= self.agree_to]
            write_particles(context.path(f"{folder}micrographs_agreeing.star"), listed.rows(kept))
            context.say(
                f" Written: {folder}micrographs_agreeing.star with the {len(kept)} of {len(found.names)} micrographs whose CTFs"
                f" agree to {self.agree_to:g} Å"
            )
