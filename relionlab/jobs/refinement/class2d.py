"""2D classification: sort particle images into class averages."""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.context import PlainContext
from relionlab.jobs.options.compute import ComputeOptions
from relionlab.jobs.options.helix import HelixOptions2D
from relionlab.jobs.options.run_names import continued_root
from relionlab.jobs.options.running import RunningOptions
from relionlab.jobs.refinement.dimensions import other_kind
from relionlab.jobs.refinement.options import (
    Classes,
    CtfOptions,
    InputOptions,
    MaskDiameter,
    ResolutionLimit,
    SamplingOptions2D,
    TauFudge,
    ZeroMask,
    fast_subsets,
    iterations,
)
from relionlab.params import Parameter, When

_EM = (When("do_em"),)

UseEm = Annotated[
    bool,
    Parameter(
        label="Use EM algorithm?",
        help="Expectation maximisation: every iteration sees all particles. The default, and the only algorithm of"
        " RELION 3.1.",
        tab="Optimisation",
        key={"4": "do_em", "5": "do_em"},
    ),
]
UseGradient = Annotated[
    bool,
    Parameter(
        label="Use VDAM algorithm?",
        help="Gradient steps over small random batches, RELION 4's faster algorithm for many particles (variable-metric"
        " gradient descent with adaptive moments). RELION 4 and 5 start from it. Tick either this or EM.",
        tab="Optimisation",
        key={"4": "do_grad", "5": "do_grad"},
        flag="--grad",
    ),
]
Iterations = Annotated[int, iterations({"3.1": "nr_iter", "4": "nr_iter_em", "5": "nr_iter_em"}, when=_EM)]
MiniBatches = Annotated[
    int,
    Parameter(
        label="Number of VDAM mini-batches",
        help="Number of gradient steps of the VDAM algorithm. 200 suit most data; fewer for a first look.",
        tab="Optimisation",
        key={"4": "nr_iter_grad", "5": "nr_iter_grad"},
        flag="--iter",
        bounds=(1, None),
        suggested=(50, 500, 10),
        when=(When("do_grad"),),
        on_continue=True,
    ),
]
FastSubsets = Annotated[bool, fast_subsets({"3.1": "do_fast_subsets"})]
CentreClasses = Annotated[
    bool,
    Parameter(
        label="Centre class averages?",
        help="Move each average to its centre of mass in every iteration, so that particles end up centred. RELION 4"
        " and 5 have it; leave it off for particles that are seldom alone in their mask.",
        tab="Optimisation",
        key={"4": "do_center", "5": "do_center"},
        level="advanced",
        flag="--center_classes",
        on_continue=True,
    ),
]


class Class2D(Job, InputOptions, CtfOptions, SamplingOptions2D, HelixOptions2D, ComputeOptions, RunningOptions):
    """Sort particle images into class averages, aligned in the plane.

    Defaults are those of RELION 3.1's form (psi_sampling 6°, T = 2, 25 iterations, EM). RELION 4 and 5 start from
    VDAM and centre the classes.
    """

    title: ClassVar[str] = "2D classification"
    type_label: ClassVar[str] = "relion.class2d"
    type_number: ClassVar[int] = 8
    folder: ClassVar[str] = "Class2D"

    nr_classes: Classes = 1
    tau_fudge: TauFudge = 2.0
    do_em: UseEm = True
    nr_iter: Iterations = 25
    do_grad: UseGradient = False
    nr_iter_grad: MiniBatches = 200
    do_fast_subsets: FastSubsets = False
    particle_diameter: MaskDiameter = 200.0
    do_zero_mask: ZeroMask = True
    highres_limit: ResolutionLimit = None
    do_center: CentreClasses = False

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = super().problems()
        if not self.fn_img and not self.fn_cont:
            found.append(
                "Input images STAR file (fn_img) is empty: give a particles.star, or an optimiser to continue."
            )
        if self.do_em == self.do_grad:
            both = "both ticked" if self.do_em else "both off"
            found.append(
                f"Use EM algorithm? (do_em) and Use VDAM algorithm? (do_grad) are {both}: tick one of the two."
            )
        if self.do_helix:
            found.append("Helical segments (do_helix) are not classified yet: untick it, or run this job with RELION.")
        return found

    def wrong_inputs(self, directory: Path) -> str:
        """Return that the optimiser to continue is of another type of job."""
        return other_kind(self.folder, self.fn_cont, PlainContext(directory)) if self.fn_cont else ""

    def commands(self, output: str) -> list[Command]:
        """Return the one command: ``relionlab refine``."""
        fixed = ["--pad", "2", "--flatten_solvent", "--oversampling", "1", "--norm", "--scale"]
        if self.do_grad:
            fixed += ["--class_inactivity_threshold", "0.1", "--grad_write_iter", "10"]
        if self.use_gpu and not self.gpu_ids:
            fixed += ["--gpu", ""]
        arguments = ["--o", f"{output}run", *self.flags(), *fixed, *shlex.split(self.other_args)]
        return [Command("refine", tuple(arguments))]

    def outputs(self, output: str) -> list[Node]:
        """Return the last iteration's particles and model."""
        root = continued_root(f"{output}run", self.fn_cont) if self.fn_cont else f"{output}run"
        stem = f"{PurePosixPath(root)}_it{self.nr_iter_grad if self.do_grad else self.nr_iter:03d}"
        return [
            Node(f"{stem}_data.star", "ParticleGroupMetadata.star.relion.class2d"),
            Node(f"{stem}_model.star", "ImageGroupMetadata.star.relion.class2d"),
            Node(f"{stem}_optimiser.star", "OptimiserData.star.relion.class2d"),
        ]
