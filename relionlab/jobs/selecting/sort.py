"""Sort: score particles by how unlike the others they are."""

from __future__ import annotations

import shlex
from typing import Annotated, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.options.running import MpiOptions, QueueOptions
from relionlab.params import Parameter, When

_PICKED = (When("is_autopick"),)


class Sort(Job, QueueOptions, MpiOptions):
    """Score particles by their difference from the aligned reference, to find those that are none.

    RELION had this job up to 3.0; 3.1's pipeline file still has its number. The score is a column of the list: select by it.
    """

    type_label: ClassVar[str] = "relion.sort"
    type_number: ClassVar[int] = 6
    folder: ClassVar[str] = "Sort"
    title: ClassVar[str] = "Particle sorting"

    input_star: Annotated[
        str,
        Parameter(
            label="Input particles to be sorted",
            help="Particles of an Extract job after template picking, or a run_itNNN_data.star.",
            tab="I/O",
            key="input_star",
            flag="--i",
            node="ParticleGroupMetadata.star.relion",
            pattern="*.star",
            required=True,
        ),
    ] = ""
    is_autopick: Annotated[
        bool,
        Parameter(
            label="Are these from an Extract job?",
            help="Yes: each pick's best template and its angle are taken. No: the references of the classification or refinement.",
            tab="I/O",
            key="is_autopick",
        ),
    ] = True
    autopick_refs: Annotated[
        str,
        Parameter(
            label="Autopicking references",
            help="The templates that the particles were picked with, in their order.",
            tab="I/O",
            key="autopick_refs",
            flag="--ref",
            node="Image2DGroupMetadata.star.relion",
            pattern="*.{star,mrcs}",
            required=True,
            when=_PICKED,
        ),
    ] = ""
    angpix_ref: Annotated[
        float | None,
        Parameter(
            label="Pixel size in references",
            help="-1: as their header says.",
            tab="I/O",
            unit="Å",
            key="angpix_ref",
            flag="--angpix_ref",
            bounds=(0.01, 100),
            none_as="-1",
            when=_PICKED,
        ),
    ] = None
    do_ctf: Annotated[
        bool,
        Parameter(
            label="Are references CTF corrected?",
            help="Yes for class averages and maps that were made with CTF correction: the particle's CTF is then put on them.",
            tab="CTF",
            key="do_ctf",
            flag="--ctf",
        ),
    ] = True
    do_ignore_first_ctfpeak: Annotated[
        bool,
        Parameter(
            label="Ignore CTFs until first peak?",
            help="Yes only where the references were made that way.",
            tab="CTF",
            key="do_ignore_first_ctfpeak",
            flag="--ctf_intact_first_peak",
            when=(When("do_ctf"),),
        ),
    ] = False

    def outputs(self, output: str) -> list[Node]:
        """Return the list of particles with their scores."""
        return [Node(output + "particles_sort.star", "ParticleGroupMetadata.star.relion")]

    def commands(self, output: str) -> list[Command]:
        """Return the call of ``particle_sort``."""
        place = ("--o", output + "particles_sort.star")
        return [Command("particle_sort", (*self.flags(), *place, *shlex.split(self.other_args)))]
