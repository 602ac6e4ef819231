"""What all programs that work micrograph by micrograph take: which of them now, and how many side by side."""

from __future__ import annotations

from typing import Annotated

from relionlab.jobs.micrographs.each import Choice
from relionlab.params import Declared, Dialect, Parameter

_REDO = "redo_micrographs"

Redo = Annotated[
    str,
    Parameter(
        label="Redo these",
        help="Micrographs that are done anew when the job is continued, although there is a result: names, parts of names"
        " or wildcards with commas between them, as *_0021*,mic7; the others keep theirs. Not in RELION.",
        tab="I/O",
        key=_REDO,
        flag="--redo",
        level="advanced",
        on_continue=True,
        once=True,
    ),
]


class RedoOptions(Declared):
    """For forms and programs: micrographs that are to be done once more."""

    redo_micrographs: Redo = ""

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:
        """Return job.star's variables; this one, which RELION does not know, only where it is set."""
        written = super().job_options(dialect)
        if not self.redo_micrographs:
            written.pop(_REDO, None)
        return written


class MicrographOptions(RedoOptions):
    """For programs: which micrographs are done in this run, and on how many workers."""

    only_do_unfinished: Annotated[
        bool,
        Parameter(
            label="Only unfinished micrographs",
            help="Keep results that are there already and whole: goes on after an interruption.",
            tab="I/O",
            flag="--only_do_unfinished",
        ),
    ] = False
    do_at_most: Annotated[
        int | None,
        Parameter(
            label="Do at most",
            help="Work on no more micrographs than this in one run; those that have a result do not count.",
            tab="I/O",
            unit="micrographs",
            flag="--do_at_most",
            bounds=(0, None),
            none_as="-1",
        ),
    ] = None
    j: Annotated[
        int,
        Parameter(
            label="Threads",
            help="Micrographs that are worked on side by side; 0: as the settings say. Fewer start where memory is short.",
            tab="Compute",
            unit="threads",
            flag="--j",
            bounds=(0, None),
        ),
    ] = 0

    def choice(self) -> Choice:
        """Return which micrographs are to be worked on."""
        return Choice(self.only_do_unfinished, self.redo_micrographs, self.do_at_most)
