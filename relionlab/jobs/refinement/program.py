"""The program ``refine``: RELION's relion_refine, for 2D and 3D classification, initial models and auto-refinement."""

from __future__ import annotations

from typing import ClassVar

from relionlab.errors import ParameterError
from relionlab.jobs.base import Program
from relionlab.jobs.context import Context
from relionlab.jobs.options.compute import ComputeOptions, GpuIds
from relionlab.jobs.options.helix import HelixOptions2D, HelixSymmetryOptions
from relionlab.jobs.options.running import Threads
from relionlab.jobs.refinement.class2d import CentreClasses, FastSubsets, Iterations
from relionlab.jobs.refinement.gradient import GradientOptions, GradientPlan, gradient_plan
from relionlab.jobs.refinement.options import (
    Classes,
    CtfOptions,
    InputOptions,
    MaskDiameter,
    OffsetRange,
    PsiSampling,
    ResolutionLimit,
    SamplingOptions2D,
    TauFudge,
    UseCtf,
    ZeroMask,
)
from relionlab.jobs.refinement.program_options import ProgramOptions
from relionlab.jobs.refinement.program_options3d import ProgramOptions3D
from relionlab.jobs.refinement.program_problems import problems_in
from relionlab.jobs.refinement.relion_only import RefusedOptions, UnusedOptions

_OLD_GRADIENT = (
    " {flag} is RELION 3.1's: it is done as RELION 4's --grad, by VDAM, in {plan.initial} + {plan.inbetween} + {plan.final}"
    " iterations."
)


class Refine(
    Program,
    InputOptions,
    CtfOptions,
    SamplingOptions2D,
    HelixSymmetryOptions,
    HelixOptions2D,
    ComputeOptions,
    RefusedOptions,
    UnusedOptions,
    GradientOptions,
    ProgramOptions3D,
    ProgramOptions,
):
    """Classify or refine particle images in two or three dimensions, as relion_refine does.

    Without a 3D reference it makes 2D class averages; with one (--ref) it classifies (--K) or refines (--auto_refine
    --split_random_halves) maps; --denovo_3dref with --grad makes an initial model. Defaults are those of the program,
    which differ from the forms'.
    """

    name: ClassVar[str] = "refine"

    nr_classes: Classes = 1
    nr_iter: Iterations = 50
    tau_fudge: TauFudge = 1.0
    particle_diameter: MaskDiameter = None
    do_zero_mask: ZeroMask = False
    psi_sampling: PsiSampling = 5.0
    offset_range: OffsetRange = 6.0
    highres_limit: ResolutionLimit = None
    do_center: CentreClasses = False
    do_fast_subsets: FastSubsets = False
    do_ctf_correction: UseCtf = False
    nr_threads: Threads = 1
    gpu_ids: GpuIds = None

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        return [*super().problems(), *problems_in(self)]

    def gradient(self) -> GradientPlan | None:
        """Return the stages of a gradient-driven run (--grad, --sgd); ``None``: expectation maximisation."""
        return gradient_plan(self, self.nr_iter)

    def iterations(self) -> int:
        """Return the number of iterations in all."""
        plan = self.gradient()
        return self.nr_iter if plan is None else plan.iterations

    def psi_step(self, order: int) -> float:
        """Return the in-plane step (°) of a 3D search: --psi_step, or else what directions of this HEALPix order have."""
        return self.psi_sampling * 2 if "psi_sampling" in self.model_fields_set else 60 / 2.0**order

    def local_sigmas(self) -> tuple[float, float, float] | None:
        """Return the widths (°) of local searches in rot, tilt and psi; ``None``: all poses are searched.

        An angle that is not limited, where another is, has width 0.
        """
        if self.sigma_ang is not None and self.sigma_ang > 0:
            return (self.sigma_ang,) * 3
        widths = tuple(max(width or 0.0, 0.0) for width in (self.sigma_rot, self.sigma_tilt, self.sigma_psi))
        return widths if any(widths) else None  # type: ignore[return-value]

    def run(self, context: Context) -> None:
        """Classify or refine the particles."""
        if self.print_metadata_labels:
            from relionlab.io.labels import labels

            context.say("\n".join(f"{one.name:>40} ({one.type}) : {one.meaning}" for one in labels().values()))
            return
        if self.print_symmetry_ops:
            from relionlab.jobs.refinement.symmetry_text import operations_text

            context.say(operations_text(self.sym))
            return
        self.check()
        if self.fn_cont and self.fn_img and "fn_img" in self.model_fields_set:
            raise ParameterError("--i and --continue exclude each other: a continued run keeps its particles.")
        plan = self.gradient()
        if plan is not None and not self.grad:
            flag = "--sgd" if self.sgd else "--stochastic_em"
            context.say(_OLD_GRADIENT.format(flag=flag, plan=plan))
        if self._is_3d(context):
            from relionlab.jobs.refinement.refinement3d import refine3d

            self._check_3d()
            refine3d(self, context)
        else:
            from relionlab.jobs.refinement.classification2d import classify

            self._check_2d()
            classify(self, context)

    def look(self, context: Context) -> None:
        """Look at the list of particles, the heads of their stacks, reference and mask."""
        from relionlab.jobs.refinement.first_look import look_at_inputs

        in_3d = self._is_3d(context)
        (self._check_3d if in_3d else self._check_2d)()
        look_at_inputs(self, context, in_3d=in_3d)

    def _is_3d(self, context: Context) -> bool:
        from relionlab.jobs.refinement.dimensions import continues_3d, is_3d_reference

        if self.fn_cont:
            return continues_3d(self.fn_cont, context)
        return self.denovo_3dref or self.auto_refine or (bool(self.ref) and is_3d_reference(self.ref, context))

    def _check_3d(self) -> None:
        given = [
            flag
            for flag, there in (("--skip_rotate", self.skip_rotate), ("--local_offsets", self.local_offsets))
            if there
        ]
        if given and self.is_gradient():
            raise ParameterError(
                f"{given[0]} is for runs that see all particles in each iteration: leave it out, or --grad (--sgd)."
            )

    def _check_2d(self) -> None:
        if self.firstiter_cc:
            raise ParameterError(
                "--firstiter_cc is not there yet for 2D classes: bring the references to the particles' grey scale."
            )
