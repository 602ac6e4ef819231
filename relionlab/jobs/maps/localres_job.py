"""Local resolution: how good each part of a map is, and a map filtered accordingly."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.maps import half_map_options as shared
from relionlab.jobs.options.detector import FileOrName, put_mtf
from relionlab.jobs.options.running import RunningOptions
from relionlab.params import Parameter, When

_OURS, _RESMAP = (When("do_relion_locres"),), (When("do_resmap_locres"),)


def _resmap(label: str, key: str, **more: Any) -> Parameter:
    return Parameter(
        label=label, help="Of ResMap, which is not called from here; kept for RELION.", tab="ResMap", key=key,
        level="developer", when=_RESMAP, **more,
    )  # fmt: skip


class LocalRes(Job, RunningOptions):
    """Estimate the resolution of two half-maps at every place, and filter and sharpen their map accordingly.

    The form is RELION 3.1's; RELION's own method is ticked, as in RELION 4 (3.1 ticks neither or ResMap).
    """

    title: ClassVar[str] = "Local resolution"
    type_label: ClassVar[str] = "relion.localres"
    type_number: ClassVar[int] = 16
    folder: ClassVar[str] = "LocalRes"

    fn_in: shared.HalfMap = ""
    fn_mask: Annotated[
        str, shared.mask("Only the histogram is taken within it: the resolution is estimated everywhere.")
    ] = ""
    angpix: shared.CalibratedPixelSize = 1.0
    do_relion_locres: Annotated[
        bool,
        Parameter(
            label="Use RELION's method?",
            help="The half-maps' correlation within a soft ball that is moved over the map.",
            tab="Relion",
            key="do_relion_locres",
        ),
    ] = True
    adhoc_bfac: Annotated[float, shared.b_factor("Relion", _OURS)] = -100.0
    fn_mtf: Annotated[str, FileOrName, shared.transfer_file("Relion")] = ""
    do_resmap_locres: Annotated[
        bool,
        Parameter(
            label="Use ResMap?",
            help="ResMap is not called from here; such a job can be written, read, and run by RELION.",
            tab="ResMap",
            key="do_resmap_locres",
            level="developer",
        ),
    ] = False
    fn_resmap: Annotated[str, _resmap("ResMap executable", "fn_resmap", pattern="ResMap*")] = ""
    pval: Annotated[float, _resmap("P-value", "pval")] = 0.05
    minres: Annotated[float, _resmap("Highest resolution", "minres", unit="Å")] = 0.0
    maxres: Annotated[float, _resmap("Lowest resolution", "maxres", unit="Å")] = 0.0
    stepres: Annotated[float, _resmap("Resolution step size", "stepres", unit="Å")] = 1.0

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if self.do_resmap_locres or not self.do_relion_locres:
            found.append(
                "ResMap is not called from here: tick RELION's method (do_relion_locres) and untick ResMap"
                " (do_resmap_locres), or run this job with RELION."
            )
        return found

    def prepare(self, directory: Path) -> None:
        """Put the curve of a detector that is named into the project."""
        put_mtf(directory, self.fn_mtf)

    def outputs(self, output: str) -> list[Node]:
        """Return the resolution map, the filtered map and the pictures."""
        if self.do_resmap_locres:
            return [Node(f"{output}half1_resmap.mrc", "Image3D.mrc.resmap.localresmap")]
        return [
            Node(f"{output}histogram.pdf", "LogFile.pdf.relion.localres"),
            Node(f"{output}relion_locres_filtered.mrc", "DensityMap.mrc.relion.localresfiltered"),
            Node(f"{output}relion_locres.mrc", "Image3D.mrc.relion.localresmap"),
        ]

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab postprocess --locres``."""
        workers = max(self.nr_mpi * self.nr_threads, 1)
        spread = ["--j", str(workers)] if workers > 1 else []
        arguments = [
            "--locres",
            "--o",
            f"{output}relion",
            *self._flags_without_threads(),
            *spread,
            *shlex.split(self.other_args),
        ]
        return [Command("postprocess", tuple(arguments))]

    def _flags_without_threads(self) -> list[str]:
        flags = self.flags()
        place = flags.index("--j")
        return flags[:place] + flags[place + 2 :]
