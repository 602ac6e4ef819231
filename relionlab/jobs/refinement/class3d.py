"""3D classification: sort particles into maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.context import PlainContext
from relionlab.jobs.options.helix import HelixOptions3D
from relionlab.jobs.options.sampling_steps import healpix_order
from relionlab.jobs.refinement.dimensions import other_kind
from relionlab.jobs.refinement.form3d import FormWithReference, map_nodes, symmetry_problems
from relionlab.jobs.refinement.options import (
    Align,
    Classes,
    CoarserSampling,
    MaskDiameter,
    OffsetRange,
    OffsetStep,
    ResolutionLimit,
    TauFudge,
    ZeroMask,
    fast_subsets,
    iterations,
)
from relionlab.jobs.refinement.options3d import AngularStep, Blush, RelaxedSymmetry
from relionlab.params import Parameter, When

_ALIGNED = (When("dont_skip_align"),)
_LOCAL = (*_ALIGNED, When("do_local_ang_searches"))

Iterations = Annotated[int, iterations("nr_iter")]
FastSubsets = Annotated[bool, fast_subsets("do_fast_subsets")]
LocalSearches = Annotated[
    bool,
    Parameter(
        label="Perform local angular searches?",
        help="Search only around the angles that the particles have in the input, as after a refinement. It is faster, and"
        " keeps a consensus while classes part.",
        tab="Sampling",
        key="do_local_ang_searches",
        when=_ALIGNED,
        on_continue=True,
    ),
]
LocalRange = Annotated[
    float,
    Parameter(
        label="Local angular search range",
        help="How far around its angles a particle is searched: three standard deviations of what is expected.",
        tab="Sampling",
        unit="°",
        key="sigma_angles",
        flag="--sigma_ang",
        flag_factor=1 / 3,
        bounds=(0.001, 180),
        suggested=(0.5, 15, 0.5),
        when=_LOCAL,
        on_continue=True,
    ),
]
Relaxed = Annotated[
    str,
    RelaxedSymmetry(
        help="Point group that the particles nearly have: each is tried at the equivalents of its angles too, so that what"
        " breaks the symmetry can come out. With C1 as symmetry, and local searches.",
        when=_LOCAL,
    ),
]


class Class3D(Job, FormWithReference, HelixOptions3D):
    """Sort particles into maps, aligned in space or with the angles that they have.

    Defaults are those of RELION 3.1's form (one class, T = 4, 25 iterations, 7.5 degrees). RELION 5 resizes references
    that do not fit.
    """

    title: ClassVar[str] = "3D classification"
    type_label: ClassVar[str] = "relion.class3d"
    type_number: ClassVar[int] = 9
    folder: ClassVar[str] = "Class3D"

    nr_classes: Classes = 1
    tau_fudge: TauFudge = 4.0
    nr_iter: Iterations = 25
    do_fast_subsets: FastSubsets = False
    particle_diameter: MaskDiameter = 200.0
    do_zero_mask: ZeroMask = True
    highres_limit: ResolutionLimit = None
    do_blush: Blush = False
    dont_skip_align: Align = True
    sampling: AngularStep = "7.5 degrees"
    offset_range: OffsetRange = 5.0
    offset_step: OffsetStep = 1.0
    do_local_ang_searches: LocalSearches = False
    sigma_angles: LocalRange = 5.0
    relax_sym: Relaxed = ""
    allow_coarser: CoarserSampling = False

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = [*super().problems(), *self.input_problems(), *self.reference_problems(), *self.helix_problems()]
        if self.applies("relax_sym") and self.relax_sym:
            found += symmetry_problems("Relax symmetry (relax_sym)", self.relax_sym)
        elif self.relax_sym:
            found.append(
                f"Relax symmetry (relax_sym) is {self.relax_sym}, but equivalents are tried in local searches only: tick"
                " Perform local angular searches? (do_local_ang_searches), or empty it."
            )
        if self.do_blush:
            found.append("Blush regularisation (do_blush) is not done here: untick it, or run this job with RELION 5.")
        return found

    def wrong_inputs(self, directory: Path) -> str:
        """Return that the optimiser to continue is of another type of job."""
        return other_kind(self.folder, self.fn_cont, PlainContext(directory)) if self.fn_cont else ""

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab refine``."""
        fresh = ["--flatten_solvent", "--norm", "--scale"]
        search = ["--oversampling", "1", "--healpix_order", str(healpix_order(self.sampling))]
        return [self.refine_command(output, fresh, first=search if self.dont_skip_align else None)]

    def outputs(self, output: str) -> list[Node]:
        """Return the last iteration's particles, model, optimiser and maps."""
        stem = f"{self.result_root(output)}_it{self.nr_iter:03d}"
        return [
            # RELION 4 and 5 call the particles of both kinds of 3D jobs so
            Node(f"{stem}_data.star", "ParticleGroupMetadata.star.relion.refine3d"),
            Node(f"{stem}_model.star", "ImageGroupMetadata.star.relion.class3d"),
            Node(f"{stem}_optimiser.star", "OptimiserData.star.relion.class3d"),
            *map_nodes(stem, self.nr_classes, "DensityMap.mrc.relion.class3d"),
        ]
