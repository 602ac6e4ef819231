"""Post-processing: the resolution within a mask, and the sharpened map."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.maps.postprocess_options import PostProcessOptions
from relionlab.jobs.options.detector import put_mtf
from relionlab.jobs.options.running import QueueOptions
from relionlab.params import Parameter


class PostProcess(Job, PostProcessOptions, QueueOptions):
    """Find the resolution of two half-maps within a mask, and sharpen their mean."""

    title: ClassVar[str] = "Post-processing"
    type_label: ClassVar[str] = "relion.postprocess"
    type_number: ClassVar[int] = 15
    folder: ClassVar[str] = "PostProcess"

    do_adhoc_bfac: Annotated[
        bool,
        Parameter(
            label="Use your own B-factor?",
            help="Instead of the estimated one, as for a map that does not reach beyond 10 Å.",
            tab="Sharpen",
            key="do_adhoc_bfac",
        ),
    ] = False

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.do_auto_bfac and self.do_adhoc_bfac:
            found.append(
                "Estimate B-factor automatically (do_auto_bfac) and your own (do_adhoc_bfac) exclude each other."
            )
        if not self.fn_mask:
            found.append("Solvent mask (fn_mask) is empty: make one with MaskCreate.")
        return found

    def prepare(self, directory: Path) -> None:
        """Put the curve of a detector that is named into the project."""
        put_mtf(directory, self.fn_mtf)

    def outputs(self, output: str) -> list[Node]:
        """Return the maps, the curves and the pictures."""
        return [
            Node(f"{output}postprocess.mrc", "DensityMap.mrc.relion.postprocess"),
            Node(f"{output}postprocess_masked.mrc", "DensityMap.mrc.relion.postprocess.masked"),
            Node(f"{output}postprocess.star", "ProcessData.star.relion.postprocess"),
            Node(f"{output}logfile.pdf", "LogFile.pdf.relion.postprocess"),
        ]

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab postprocess``."""
        arguments = ["--o", f"{output}postprocess", *self.flags(), *shlex.split(self.other_args)]
        return [Command("postprocess", tuple(arguments))]
