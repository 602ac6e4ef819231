"""3D auto-refinement: one map from all particles, with independent halves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, get_args

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.context import PlainContext
from relionlab.jobs.options.helix import HelixOptions3D
from relionlab.jobs.options.sampling_steps import SamplingStep, healpix_order
from relionlab.jobs.refinement.dimensions import other_kind
from relionlab.jobs.refinement.form3d import FormWithReference, symmetry_problems
from relionlab.jobs.refinement.options import MaskDiameter, OffsetRange, OffsetStep, ZeroMask
from relionlab.jobs.refinement.options3d import AngularStep, Blush, RelaxedSymmetry
from relionlab.params import Parameter, When

_ONLY_FIRST = " It counts for the first iterations: the sampling becomes finer by itself."

InitialStep = Annotated[
    SamplingStep,
    replace(
        get_args(AngularStep)[1],
        label="Initial angular sampling",
        help="About how far apart directions and in-plane angles are at first. 7.5 degrees suits most; 3.7 particles of"
        " icosahedral symmetry." + _ONLY_FIRST,
        when=(),
        on_continue=False,
    ),
]
InitialOffsetRange = Annotated[
    float,
    replace(
        get_args(OffsetRange)[1],
        label="Initial offset range",
        help="How far from its previous centre a particle is searched." + _ONLY_FIRST,
        when=(),
        on_continue=False,
    ),
]
InitialOffsetStep = Annotated[
    float,
    replace(
        get_args(OffsetStep)[1],
        label="Initial offset step",
        help="Distance between the offsets that are tried." + _ONLY_FIRST,
        when=(),
        on_continue=False,
    ),
]
LocalFrom = Annotated[
    SamplingStep,
    Parameter(
        label="Local searches from auto-sampling",
        help="From this sampling on, particles are searched only around their last angles. 1.8 degrees suits most; 0.9"
        " particles of icosahedral symmetry. At or below the initial sampling, searches are local from the beginning, and"
        " the input must have angles.",
        tab="Sampling",
        key="auto_local_sampling",
        on_continue=True,
    ),
]
SolventFsc = Annotated[
    bool,
    Parameter(
        label="Use solvent-flattened FSCs?",
        help="Judge the resolution by half-maps within the reference mask, corrected for what the mask itself contributes."
        " It helps where the mask holds a small part of the box.",
        tab="Optimisation",
        key="do_solvent_fsc",
        flag="--solvent_correct_fsc",
        when=(When("fn_mask", "!=", ""),),
        on_continue=True,
    ),
]
Faster = Annotated[
    bool,
    Parameter(
        label="Use finer angular sampling faster?",
        help="Refine the sampling as soon as the resolution asks for it, without waiting until the angles have settled."
        " Fewer iterations, and once in a while a slightly worse map.",
        tab="Sampling",
        key="auto_faster",
        flag="--auto_ignore_angles",
        on_continue=True,
    ),
]
Relaxed = Annotated[
    str,
    RelaxedSymmetry(
        help="Point group that the particles nearly have: local searches try each at the equivalents of its angles too, so"
        " that what breaks the symmetry can come out. With C1 as symmetry."
    ),
]


class Refine3D(Job, FormWithReference, HelixOptions3D):
    """Refine one map from all particles, in two independent halves, until nothing is gained any more.

    Defaults are those of RELION 3.1's form. RELION 5 resizes references that do not fit.
    """

    title: ClassVar[str] = "3D auto-refine"
    type_label: ClassVar[str] = "relion.refine3d"
    type_number: ClassVar[int] = 10
    folder: ClassVar[str] = "Refine3D"

    particle_diameter: MaskDiameter = 200.0
    do_zero_mask: ZeroMask = True
    do_solvent_fsc: SolventFsc = False
    do_blush: Blush = False
    sampling: InitialStep = "7.5 degrees"
    offset_range: InitialOffsetRange = 5.0
    offset_step: InitialOffsetStep = 1.0
    auto_local_sampling: LocalFrom = "1.8 degrees"
    relax_sym: Relaxed = ""
    auto_faster: Faster = False

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = [*super().problems(), *self.input_problems(), *self.reference_problems(), *self.helix_problems()]
        if self.do_solvent_fsc and not self.fn_mask:
            found.append(
                "Use solvent-flattened FSCs? (do_solvent_fsc) is ticked, but Reference mask (fn_mask) is empty: give the mask"
                " within which the half-maps are compared, or untick it."
            )
        if self.relax_sym:
            found += symmetry_problems("Relax symmetry (relax_sym)", self.relax_sym)
        if self.do_blush:
            found.append("Blush regularisation (do_blush) is not done here: untick it, or run this job with RELION 5.")
        return found

    def wrong_inputs(self, directory: Path) -> str:
        """Return that the optimiser to continue is of another type of job."""
        return other_kind(self.folder, self.fn_cont, PlainContext(directory)) if self.fn_cont else ""

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab refine``."""
        fresh = ["--auto_refine", "--split_random_halves", "--flatten_solvent", "--oversampling", "1"]
        fresh += ["--healpix_order", str(healpix_order(self.sampling)), "--low_resol_join_halves", "40"]
        local = ["--auto_local_healpix_order", str(healpix_order(self.auto_local_sampling))]
        if self.auto_faster:
            local.append("--auto_resol_angles")
        return [self.refine_command(output, [*fresh, "--norm", "--scale"], first=local)]

    def outputs(self, output: str) -> list[Node]:
        """Return the final particles, half-map, map and optimiser."""
        root = self.result_root(output)
        return [
            Node(f"{root}_data.star", "ParticleGroupMetadata.star.relion.refine3d"),
            Node(f"{root}_optimiser.star", "OptimiserData.star.relion.refine3d"),
            Node(f"{root}_half1_class001_unfil.mrc", "DensityMap.mrc.relion.halfmap.refine3d"),
            Node(f"{root}_class001.mrc", "DensityMap.mrc.relion.refine3d"),
        ]
