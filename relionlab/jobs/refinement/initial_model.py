"""Initial model: a map from particles alone."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args

from relionlab.jobs.base import Command, Job, Node
from relionlab.jobs.context import PlainContext
from relionlab.jobs.options.sampling_steps import SamplingStep, healpix_order
from relionlab.jobs.refinement.dimensions import other_kind
from relionlab.jobs.refinement.form3d import FormOf3D, map_nodes, symmetry_problems
from relionlab.jobs.refinement.options import Classes, MaskDiameter, OffsetRange, OffsetStep, TauFudge
from relionlab.jobs.refinement.options3d import AngularStep, Symmetry
from relionlab.params import Dialect, Parameter, When

_STAGED, _VDAM = (When("nr_iter", "==", None),), (When("nr_iter", "!=", None),)
_STAGES = ("sgd_ini_iter", "sgd_inbetween_iter", "sgd_fin_iter")
_LATER_VALUES = ["--oversampling", "1", "--healpix_order", "1", "--offset_range", "6", "--offset_step", "2"]
"""The search of RELION 4's form, which does not show it."""


def _stage(label: str, key: str, flag: str, help: str, **more: Any) -> Parameter:  # noqa: A002 - the form's word
    """Declare a value of RELION 3.1's SGD page."""
    return Parameter(
        label=label, key={"3.1": key}, flag=flag, help=help, tab="SGD", when=_STAGED, on_continue=True, **more
    )  # fmt: skip


_iterations = partial(_stage, unit="iterations", bounds=(0, 9999))
_batch = partial(_stage, unit="particles", bounds=(1, None))

MiniBatches = Annotated[
    int | None,
    Parameter(
        label="Number of VDAM mini-batches",
        help="Number of gradient steps: 200 suit most data, 100 a first look. Empty: RELION 3.1's three stages on the SGD"
        " page are taken, by the same algorithm. RELION 4 and 5 know only this number.",
        tab="Optimisation",
        unit="iterations",
        key={"4": "nr_iter", "5": "nr_iter"},
        flag="--iter",
        none_as="",
        bounds=(1, 9999),
        suggested=(50, 500, 10),
        on_continue=True,
    ),
]
Regularisation = Annotated[
    float,
    replace(get_args(TauFudge)[1], key={"4": "tau_fudge", "5": "tau_fudge"}, when=_VDAM),
]
Flatten = Annotated[
    bool,
    Parameter(
        label="Flatten and enforce non-negative solvent?",
        help="Mask the model with the particle's sphere and take negative density out of it in each iteration.",
        tab="Optimisation",
        key="do_solvent",
        flag="--flatten_solvent",
        on_continue=True,
    ),
]
ModelSymmetry = Annotated[
    str,
    replace(
        get_args(Symmetry)[1],
        tab="Optimisation",
        help="Point group of the particle: C1, C4, D2, T, O, I1 … In doubt C1, and look at the model first.",
        flag=None,
        when=(),
    ),
]
RunInC1 = Annotated[
    bool,
    Parameter(
        label="Run in C1 and apply symmetry later?",
        help="Make the model without symmetry, find the axes in it, turn it and impose the symmetry at the end. It is often"
        " more robust than symmetry from the beginning. RELION 4 and 5 have it, and tick it by default.",
        tab="Optimisation",
        key={"4": "do_run_C1", "5": "do_run_C1"},
    ),
]
_STEP, _RANGE, _OFFSET = (get_args(alias)[1] for alias in (AngularStep, OffsetRange, OffsetStep))
InitialStep = Annotated[
    SamplingStep,
    replace(_STEP, label="Initial angular sampling", key={"3.1": "sampling"}, when=_STAGED),
]
SearchRange = Annotated[float, replace(_RANGE, key={"3.1": "offset_range"}, when=_STAGED)]
SearchStep = Annotated[float, replace(_OFFSET, key={"3.1": "offset_step"}, when=_STAGED)]
SkipPadding = Annotated[
    bool,
    Parameter(
        label="Skip padding?",
        help="Do not pad maps before their Fourier transform (--pad 1), as RELION 4 and 5 always do here.",
        tab="Compute",
        level="advanced",
        key={"3.1": "do_pad1"},
        when=_STAGED,
        on_continue=True,
    ),
]


class InitialModel(Job, FormOf3D):
    """Make one or several maps from particles alone, by gradient steps over small random batches.

    Defaults are those of RELION 3.1's form: three stages of 50, 200 and 50 iterations, symmetry from the beginning. With
    nr_iter it is RELION 4's: so many VDAM mini-batches, and the symmetry found and imposed at the end (do_run_c1).
    """

    title: ClassVar[str] = "Initial model"
    type_label: ClassVar[str] = "relion.initialmodel"
    type_number: ClassVar[int] = 18
    folder: ClassVar[str] = "InitialModel"

    nr_iter: MiniBatches = None
    tau_fudge: Regularisation = 4.0
    nr_classes: Classes = 1
    particle_diameter: MaskDiameter = 200.0
    do_solvent: Flatten = True
    sym_name: ModelSymmetry = "C1"
    do_run_c1: RunInC1 = False
    sampling: InitialStep = "15 degrees"
    offset_range: SearchRange = 6.0
    offset_step: SearchStep = 2.0
    sgd_ini_iter: Annotated[
        int,
        _iterations(
            "Number of initial iterations", "sgd_ini_iter", "--sgd_ini_iter",
            "Iterations of the first stage: few particles, low resolution, all classes alike.", suggested=(10, 300, 10),
        ),
    ] = 50  # fmt: skip
    sgd_inbetween_iter: Annotated[
        int,
        _iterations(
            "Number of in-between iterations", "sgd_inbetween_iter", "--sgd_inbetween_iter",
            "Iterations of the second stage, in which batches grow, detail comes and classes part.", suggested=(50, 500, 50),
        ),
    ] = 200  # fmt: skip
    sgd_fin_iter: Annotated[
        int,
        _iterations(
            "Number of final iterations", "sgd_fin_iter", "--sgd_fin_iter",
            "Iterations of the last stage: many particles, finest resolution.", suggested=(10, 300, 10),
        ),
    ] = 50  # fmt: skip
    sgd_ini_resol: Annotated[
        float,
        _stage(
            "Initial resolution", "sgd_ini_resol", "--sgd_ini_resol", "Limit of the first stage.", unit="Å",
            bounds=(1, None), suggested=(10, 60, 5),
        ),
    ] = 35.0  # fmt: skip
    sgd_fin_resol: Annotated[
        float,
        _stage(
            "Final resolution", "sgd_fin_resol", "--sgd_fin_resol", "Limit of the last stage; finer is Refine3D's work.",
            unit="Å", bounds=(1, None), suggested=(5, 30, 5),
        ),
    ] = 15.0  # fmt: skip
    sgd_ini_subset_size: Annotated[
        int,
        _batch(
            "Initial mini-batch size", "sgd_ini_subset_size", "--sgd_ini_subset",
            "Particles of an iteration in the first stage.", suggested=(30, 300, 10),
        ),
    ] = 100  # fmt: skip
    sgd_fin_subset_size: Annotated[
        int,
        _batch(
            "Final mini-batch size", "sgd_fin_subset_size", "--sgd_fin_subset",
            "Particles of an iteration in the last stage.", suggested=(100, 2000, 100),
        ),
    ] = 500  # fmt: skip
    sgd_write_iter: Annotated[
        int,
        _iterations(
            "Write-out frequency", "sgd_write_iter", "--sgd_write_iter", "Iterations between two that are written.",
            suggested=(1, 50, 1),
        ),
    ] = 10  # fmt: skip
    sgd_sigma2fudge_halflife: Annotated[
        int | None,
        _stage(
            "Increased noise variance half-life", "sgd_sigma2fudge_halflife", "--sgd_sigma2fudge_halflife",
            "Overstate the noise at first, and let half of the overstatement go after so many particles; empty: do not. About"
            " 1000 helps difficult data.", unit="particles", none_as="-1", level="advanced",
        ),
    ] = None  # fmt: skip
    do_pad1: SkipPadding = False

    def iterations(self) -> int:
        """Return the number of iterations in all."""
        staged = sum(getattr(self, name) for name in _STAGES)
        return staged if self.nr_iter is None else self.nr_iter

    def finds_axes(self) -> bool:
        """Say whether the model is turned onto its axes at the end."""
        return self.do_run_c1 and self.sym_name.strip().upper() != "C1"

    def padding(self) -> str:
        """Return the value of --pad; RELION 4 never pads here."""
        return super().padding() if self.nr_iter is None else "1"

    def job_options(self, dialect: Dialect = "3.1") -> dict[str, str]:
        """Return job.star's variables and values; RELION 4 and 5 get the sum of the three stages, and the stages to keep."""
        options = super().job_options(dialect)
        if dialect == "3.1" or self.nr_iter is not None:
            return options
        stages = {name: str(getattr(self, name)) for name in _STAGES}
        return dict(sorted((options | stages | {"nr_iter": str(self.iterations())}).items()))

    @classmethod
    def of_later_relion(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Return the fields without the number of mini-batches, where it is the sum of stages that stand beside it."""
        stages = [values[name] for name in _STAGES if name in values]
        if len(stages) == len(_STAGES) and values.get("nr_iter") == sum(stages):
            return {name: value for name, value in values.items() if name != "nr_iter"}
        return values

    def problems(self) -> list[str]:
        """Return what is wrong with the values, in words."""
        found = [*super().problems(), *self.input_problems(), *symmetry_problems("Symmetry (sym_name)", self.sym_name)]
        if not self.iterations():
            found.append(
                "The three stages (sgd_ini_iter, sgd_inbetween_iter, sgd_fin_iter) have no iterations: give some, or the number"
                " of VDAM mini-batches (nr_iter)."
            )
        return found

    def wrong_inputs(self, directory: Path) -> str:
        """Return that the optimiser to continue is of another type of job."""
        return other_kind(self.folder, self.fn_cont, PlainContext(directory)) if self.fn_cont else ""

    def commands(self, output: str) -> list[Command]:
        """Return ``relionlab refine``, and what turns and symmetrises the model where RELION 4's form has it."""
        fresh = ["--denovo_3dref", "--zero_mask", "--sym", "C1" if self.do_run_c1 else self.sym_name]
        if self.nr_iter is None:
            first = ["--sgd"]
            fresh += ["--oversampling", "1", "--healpix_order", str(healpix_order(self.sampling))]
        else:
            first = ["--grad"]
            fresh += [*_LATER_VALUES, "--auto_sampling"]
        commands = [self.refine_command(output, fresh, first=first)]
        if self.nr_iter is not None or self.do_run_c1:
            commands.append(self._symmetrise(output))
        return commands

    def outputs(self, output: str) -> list[Node]:
        """Return the last iteration's particles, model and maps, and the model that is ready to use."""
        stem = self._last(output)
        nodes = [
            Node(f"{stem}_data.star", "ParticleGroupMetadata.star.relion.initialmodel"),
            Node(f"{stem}_model.star", "ImageGroupMetadata.star.relion.initialmodel"),
            *map_nodes(stem, self.nr_classes, "DensityMap.mrc.relion.initialmodel"),
        ]
        if self.nr_iter is not None or self.do_run_c1:
            nodes.append(Node(f"{output}initial_model.mrc", "DensityMap.mrc.relion.initialmodel"))
        return nodes

    def _last(self, output: str) -> str:
        return f"{self.result_root(output)}_it{self.iterations():03d}"

    def _symmetrise(self, output: str) -> Command:
        group = self.sym_name if self.finds_axes() else "C1"
        model = f"{self._last(output)}_model.star"
        chosen = ["--apply_sym", "--select_largest_class"]
        return Command("align_symmetry", ("--i", model, "--o", f"{output}initial_model.mrc", "--sym", group, *chosen))
