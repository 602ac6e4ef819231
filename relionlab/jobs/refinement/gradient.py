"""Gradient-driven refinement (VDAM): its flags, in RELION 3.1's and in RELION 4's words, and the plan that both mean.

RELION 3.1's stochastic gradient descent (--sgd) and RELION 4's variable-metric gradient descent with adaptive moments
(--grad) go through the same three stages: few particles at low resolution, then more and finer, then many. The first names
the iterations of each stage, the second their total and fractions of it. Whichever is typed, one plan comes out, and
relionlab follows it by VDAM.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from relionlab.params import Declared, Parameter, flagged

_gradient = partial(flagged, tab="Gradient")
_sgd = partial(flagged, tab="Gradient of RELION 3.1")
_FIRST_RESOLUTION, _LAST_RESOLUTION = 35.0, 15.0  # Å; those of RELION 3.1's --sgd
_FIRST_BATCH, _LAST_BATCH = 100, 500  # particles; the same


@dataclass(frozen=True)
class GradientPlan:
    """The stages of a gradient-driven run.

    initial, inbetween, final  iterations of each stage
    initial_resolution, final_resolution  Å, to which the first and the last stage are limited; ``None``: found on the way
    initial_batch, final_batch  particles of an iteration in the first and the last stage; ``None``: found from the data
    em_iterations      how many of the last iterations see all particles, by expectation maximisation
    step, step_scheme  length of a gradient's step (``None``: its own), and how it changes: "plain" or "<inflation>-step"
    momentum           share of the last step that goes into the next
    inactivity         share of the particles below which a class is replaced
    write_every        iterations between two that are written; the last is written always
    noise_factor, noise_halflife  by how much the noise is overstated at first, and after how many particles half of
                       it is gone; ``None``: it is not
    anneal             keep classes alike in the first stage, and let them part in the second
    blobs              begin with random blobs, not with random averages
    lowest_resolution  Å, up to which signal that the gradient underestimates is put right
    """

    initial: int
    inbetween: int
    final: int
    initial_resolution: float | None = None
    final_resolution: float | None = None
    initial_batch: int | None = None
    final_batch: int | None = None
    em_iterations: int = 0
    step: float | None = None
    step_scheme: str = ""
    momentum: float = 0.9
    inactivity: float = 0.0
    write_every: int = 10
    noise_factor: float = 8.0
    noise_halflife: int | None = None
    anneal: bool = True
    blobs: bool = True
    lowest_resolution: float = 20.0

    @property
    def iterations(self) -> int:
        """Number of iterations in all."""
        return self.initial + self.inbetween + self.final


def _stage_value(label: str, what: str, help: str, *, unit: str, **more: Any) -> Parameter:  # noqa: A002
    """Declare a value of a stage, that both RELIONs have and name alike but for the beginning."""
    return _gradient(
        label, f"--grad_{what}", help, unit=unit, other_flags=(f"--sgd_{what}",), none_as="-1", **more
    )  # fmt: skip


class GradientOptions(Declared):
    """The flags of a gradient-driven run."""

    grad: Annotated[
        bool,
        _gradient(
            "Gradient-driven",
            "--grad",
            "Take steps along the gradient of small random batches (VDAM) instead of averaging"
            " all particles in each iteration: for initial models, and for many particles.",
        ),
    ] = False
    grad_ini_frac: Annotated[
        float,
        _gradient("First stage", "--grad_ini_frac", "Share of the iterations in the first stage.", bounds=(0, 1)),
    ] = 0.3
    grad_fin_frac: Annotated[
        float,
        _gradient("Last stage", "--grad_fin_frac", "Share of the iterations in the last stage.", bounds=(0, 1)),
    ] = 0.2
    grad_em_iters: Annotated[
        int,
        _gradient(
            "EM iterations at the end",
            "--grad_em_iters",
            "How many of the last iterations see all particles.",
            unit="iterations",
            bounds=(0, None),
        ),
    ] = 0
    grad_ini_resol: Annotated[
        float | None,
        _stage_value(
            "First resolution",
            "ini_resol",
            "Limit of the first stage; -1: found from the data, 35 with --sgd.",
            unit="Å",
            bounds=(1, None),
        ),
    ] = None
    grad_fin_resol: Annotated[
        float | None,
        _stage_value(
            "Last resolution",
            "fin_resol",
            "Limit of the last stage; -1: found from the data, 15 with --sgd.",
            unit="Å",
            bounds=(1, None),
        ),
    ] = None
    grad_ini_subset: Annotated[
        int | None,
        _stage_value(
            "First batch",
            "ini_subset",
            "Particles of an iteration in the first stage; -1: found from the data, 100 with --sgd.",
            unit="particles",
            bounds=(1, None),
        ),
    ] = None
    grad_fin_subset: Annotated[
        int | None,
        _stage_value(
            "Last batch",
            "fin_subset",
            "Particles of an iteration in the last stage; -1: found from the data, 500 with --sgd.",
            unit="particles",
            bounds=(1, None),
        ),
    ] = None
    grad_stepsize: Annotated[
        float | None,
        _stage_value("Step size", "stepsize", "Length of a step; -1: its own.", unit="unitless", bounds=(0, None)),
    ] = None
    grad_stepsize_scheme: Annotated[
        str,
        _gradient(
            "Step size scheme", "--grad_stepsize_scheme", "How steps change: plain, or as 3-step; empty: its own."
        ),
    ] = ""
    grad_write_iter: Annotated[
        int | None,
        _stage_value(
            "Write every",
            "write_iter",
            "Iterations between two that are written; -1: 10, with --sgd each.",
            unit="iterations",
            bounds=(1, None),
        ),
    ] = None
    grad_min_resol: Annotated[
        float,
        _gradient(
            "Correct the signal up to",
            "--grad_min_resol",
            "Up to this resolution signal that the gradient underestimates is put right.",
            unit="Å",
            bounds=(1, None),
        ),
    ] = 20.0
    mu: Annotated[
        float, _gradient("Momentum", "--mu", "Share of the last step that goes into the next.", bounds=(0, 1))
    ] = 0.9
    class_inactivity_threshold: Annotated[
        float,
        _gradient(
            "Replace classes below",
            "--class_inactivity_threshold",
            "Share of the particles below which a class gives its place to a copy of a larger one; 0: never.",
            bounds=(0, 1),
        ),
    ] = 0.0
    no_init_blobs: Annotated[
        bool,
        _gradient("No blobs", "--no_init_blobs", "Begin with averages of random orientations, not with random blobs."),
    ] = False
    sgd: Annotated[
        bool,
        _sgd("Stochastic gradient descent", "--sgd", "RELION 3.1's gradient; understood, and done as --grad, by VDAM."),
    ] = False
    stochastic_em: Annotated[
        bool,
        _sgd(
            "Stochastic EM",
            "--stochastic_em",
            "RELION 3.1's stand-in for --sgd; understood as --sgd, and done by VDAM.",
        ),
    ] = False
    sgd_ini_iter: Annotated[
        int,
        _sgd("Initial iterations", "--sgd_ini_iter", "Of the first stage.", unit="iterations", bounds=(0, 9999)),
    ] = 50
    sgd_inbetween_iter: Annotated[
        int,
        _sgd(
            "In-between iterations", "--sgd_inbetween_iter", "Of the second stage.", unit="iterations", bounds=(0, 9999)
        ),
    ] = 200
    sgd_fin_iter: Annotated[
        int,
        _sgd("Final iterations", "--sgd_fin_iter", "Of the last stage.", unit="iterations", bounds=(0, 9999)),
    ] = 50
    sgd_sigma2fudge_initial: Annotated[
        float,
        _sgd(
            "Noise factor",
            "--sgd_sigma2fudge_initial",
            "By how much the noise is overstated at first, if --sgd_sigma2fudge_halflife is given.",
            bounds=(0.1, None),
        ),
    ] = 8.0
    sgd_sigma2fudge_halflife: Annotated[
        int | None,
        _sgd(
            "Noise half-life",
            "--sgd_sigma2fudge_halflife",
            "Particles after which half of the overstatement of the noise is gone; -1: it is not overstated.",
            unit="particles",
            none_as="-1",
            bounds=(1, None),
        ),
    ] = None
    sgd_skip_anneal: Annotated[
        bool,
        _sgd("Do not anneal", "--sgd_skip_anneal", "Let several classes part from the beginning, not slowly."),
    ] = False

    def is_gradient(self) -> bool:
        """Say whether a gradient drives the run."""
        return self.grad or self.sgd or self.stochastic_em

    def gradient_problems(self) -> list[str]:
        """Return what is wrong with the stages."""
        if not self.is_gradient():
            return []
        if not self.grad and not self.sgd_ini_iter + self.sgd_inbetween_iter + self.sgd_fin_iter:
            return ["--sgd_ini_iter, --sgd_inbetween_iter and --sgd_fin_iter are all 0: give some iterations."]
        if self.grad and self.grad_ini_frac + self.grad_fin_frac > 1:
            total = self.grad_ini_frac + self.grad_fin_frac
            return [
                f"--grad_ini_frac and --grad_fin_frac add up to {total:g}: they share the iterations, give at most 1."
            ]
        return []


def gradient_plan(options: GradientOptions, iterations: int) -> GradientPlan | None:
    """Return the plan that the flags mean, ``None`` where no gradient drives the run.

    iterations  --iter: the total with --grad; --sgd has its own numbers
    """
    if not options.is_gradient():
        return None
    old = not options.grad
    if old:
        stages = (options.sgd_ini_iter, options.sgd_inbetween_iter, options.sgd_fin_iter)
    else:
        first, last = (int(iterations * part) for part in (options.grad_ini_frac, options.grad_fin_frac))
        stages = (first, max(iterations - first - last, 0), last)

    def given(value: Any, of_sgd: Any, of_grad: Any = None) -> Any:
        return value if value is not None else of_sgd if old else of_grad

    return GradientPlan(
        *stages,
        initial_resolution=given(options.grad_ini_resol, _FIRST_RESOLUTION),
        final_resolution=given(options.grad_fin_resol, _LAST_RESOLUTION),
        initial_batch=given(options.grad_ini_subset, _FIRST_BATCH),
        final_batch=given(options.grad_fin_subset, _LAST_BATCH),
        em_iterations=options.grad_em_iters,
        step=options.grad_stepsize,
        step_scheme=options.grad_stepsize_scheme,
        momentum=options.mu,
        inactivity=options.class_inactivity_threshold,
        write_every=given(options.grad_write_iter, 1, 10),
        noise_factor=options.sgd_sigma2fudge_initial,
        noise_halflife=options.sgd_sigma2fudge_halflife,
        anneal=not options.sgd_skip_anneal,
        blobs=not options.no_init_blobs,
        lowest_resolution=options.grad_min_resol,
    )
