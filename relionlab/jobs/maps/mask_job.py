"""Mask creation: a solvent mask from a map."""

from __future__ import annotations

import shlex
from typing import ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.maps.mask_options import MaskOptions
from relionlab.jobs.options.running import QueueOptions, ThreadOptions


class MaskCreate(Job, MaskOptions, ThreadOptions, QueueOptions):
    """Make a solvent mask: low-pass filter a map, cut it at a threshold, extend it and give it a soft edge."""

    title: ClassVar[str] = "Mask creation"
    type_label: ClassVar[str] = "relion.maskcreate"
    type_number: ClassVar[int] = 12
    folder: ClassVar[str] = "MaskCreate"

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if not self.fn_in:
            found.append("Input 3D map (fn_in) is empty: give a map (*.mrc).")
        return found

    def outputs(self, output: str) -> list[Node]:
        """Return the mask."""
        return [Node(f"{output}mask.mrc", "Mask3D.mrc.relion")]

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab mask_create``."""
        arguments = ["--o", f"{output}mask.mrc", *self.flags(), *shlex.split(self.other_args)]
        return [Command("mask_create", tuple(arguments))]
