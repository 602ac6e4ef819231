"""Initial models: small random batches, several random starts of which the most likely one goes on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.refine3d.accuracy import changes
from relionlab.engine.refine3d.gradient import STARTS, Averages, blended, likelihood, stepped
from relionlab.engine.refine3d.halves import correlation_of_sums, joint_correlation
from relionlab.engine.refine3d.maximisation import Update, flattened, maximise, posed, signal_variance
from relionlab.engine.refine3d.random_start import random_map
from relionlab.engine.refine3d.start import first_model, low_passed
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.engine.sampling.healpix import spacing
from relionlab.engine.volume import Lattice
from relionlab.jobs.refinement.batches import Batches, stage_share, step_of
from relionlab.jobs.refinement.files3d import Iteration3D
from relionlab.jobs.refinement.gradient import GradientPlan
from relionlab.jobs.refinement.run3d import Run3D
from relionlab.jobs.refinement.sampling_file import SearchGrid

_DETAIL = 5.0  # parts of the diameter: the first resolution, where none is asked for
_FINER = 2.5  # by which the last resolution is finer than the first
_BATCHES = (200, 1000)  # particles, where nothing is asked for
_START_BATCHES = 4  # batches whose average begins a descent
_SHELLS_BEYOND = 1
_BEYOND = 2  # how far the last map's shells reach, over those by which poses were compared
_LAST_PASS = 10  # batches that the last pass sees at the most
_FINEST_ORDER = 3
_T = 4.0  # the prior's T, unless another is given: as in 3D classification


@dataclass
class Descent:
    """One of the descents: its model, its averages, and how likely its last batches were."""

    number: int
    model: Model
    averages: Averages | None = None
    likelihoods: list[float] = field(default_factory=list)
    before: Model | None = None


@dataclass(frozen=True)
class Stage:
    """What an iteration does: resolution in Å, particles of its batch, step of the averages, starts that go on."""

    resolution: float
    batch: int
    step: float
    starts: int


def make_initial_model(run: Run3D, state: Iteration3D | None) -> None:
    """Make an initial model from the beginning, or go on from an iteration."""
    plan = run.options.gradient()
    assert plan is not None
    total = plan.iterations
    if state is None:
        descents, poses = _begun(run, plan)
        number = 0
        _write(run, descents[0], poses, run.first_grid(), number, None)
        batches = _batches(run)
    else:
        poses, number = state.particles, state.number
        descent, batches = _resumed(run, plan, state, total)
        descents = [descent]
    grid = run.first_grid()
    while number < total:
        run.context.stop_if_asked()
        number += 1
        stage = _stage(run, plan, number)
        if number == total:
            poses = _last(run, plan, descents[0], poses, number)
            break
        grid = run.perturbed(_grid(run, stage.resolution, finer=1.0), number)
        before = poses
        indices = batches.draw(stage.batch)
        for place, descent in enumerate(descents):
            sums = _descend(run, descent, poses, grid, stage, indices, number, plan)
            if place == 0:
                moved = _posed(poses, sums, run.data.pixel_size)
        poses = moved
        descents = _survivors(run, descents, stage.starts)
        if number % plan.write_every == 0:
            _write(run, descents[0], poses, grid, number, before)
        run.context.progress(number, total, "iterations")


# --- one iteration --------------------------------------------------------------------------------------------


def _descend(
    run: Run3D,
    descent: Descent,
    poses: Particles,
    grid: SearchGrid,
    stage: Stage,
    indices: np.ndarray,
    number: int,
    plan: GradientPlan,
) -> Sums:
    """Take one step; return the sums of its batch."""
    sums = _looked_at(run, descent.model, poses, grid, stage, indices, number, plan)
    descent.averages = blended(descent.averages, sums, _lattice(run, plan, stage), step=stage.step)
    descent.before = descent.model
    descent.model = stepped(
        descent.model,
        descent.averages,
        search=run.search(grid, sigma=None),
        update=_update(run),
        shell=run.extent / stage.resolution,
        particles=len(poses),
    )
    descent.likelihoods.append(likelihood(sums))
    return sums


def _looked_at(
    run: Run3D,
    model: Model,
    poses: Particles,
    grid: SearchGrid,
    stage: Stage,
    indices: np.ndarray,
    number: int,
    plan: GradientPlan,
) -> Sums:
    """Return the sums of an E-step over some particles, as an iteration makes it."""
    seen = 0 if plan.noise_halflife is None else number * stage.batch
    factor = 1.0 if plan.noise_halflife is None else max(plan.noise_factor * 0.5 ** (seen / plan.noise_halflife), 1.0)
    model = replace(model, radius=_radius(run, stage.resolution), sigma2=model.sigma2 * factor)
    return run.expect(model, poses, run.search(grid, sigma=None), indices=indices)


def _lattice(run: Run3D, plan: GradientPlan, stage: Stage) -> Lattice:
    """Return the lattice of the averages: it holds the finest resolution that any stage will have."""
    finest = _radius(run, _resolutions(run, plan)[1])
    return Lattice(run.data.box, max(_radius(run, stage.resolution), finest))


def _batches(run: Run3D) -> Batches:
    return Batches(len(run.data.poses), np.random.default_rng([run.seed, 0, 5]))


def _resumed(run: Run3D, plan: GradientPlan, state: Iteration3D, total: int) -> tuple[Descent, Batches]:
    """Return the descent that goes on from an iteration, and the batches that come.

    The batches are those of a run that was not interrupted. The running averages are in no file (RELION has no place for
    them): they are made anew, of the particles of the last batches as the map of the iteration sees them.
    """
    number = state.number
    model = replace(state.models[0], direction_share=None)  # of another sampling than the next iterations
    batches, descent = _batches(run), Descent(0, model)
    drawn = [batches.draw(_stage(run, plan, done).batch) for done in range(1, number + 1)]
    if not drawn or number + 1 >= total:  # the last iteration needs none
        return descent, batches
    stage = _stage(run, plan, number)
    remembered = int(np.clip(np.ceil(1 / stage.step), 1, _LAST_PASS))
    indices = np.unique(np.concatenate(drawn[-remembered:]))
    run.context.say(
        f"The running averages of earlier batches are in no file: they begin anew with {len(indices)} particles of the last"
        f" {min(remembered, number)} batches."
    )
    grid = run.perturbed(_grid(run, stage.resolution, finer=1.0), number)
    sums = _looked_at(run, model, state.particles, grid, stage, indices, number, plan)
    descent.averages = blended(None, sums, _lattice(run, plan, stage), step=1.0)
    return descent, batches


def _last(run: Run3D, plan: GradientPlan, descent: Descent, poses: Particles, number: int) -> Particles:
    """Give all particles a pose (or many, of a large set), and make the map of them."""
    resolution = _resolutions(run, plan)[1]
    batch = _batch_sizes(run, plan)[1]
    grid = run.perturbed(_grid(run, resolution, finer=2.0), number)
    search = run.search(grid, sigma=None)
    rng = np.random.default_rng([run.seed, number])
    some = np.sort(rng.permutation(len(poses))[: max(_LAST_PASS * batch, 1)])
    # poses are compared up to the last resolution; the map is made of shells beyond it, too, as far as two halves agree
    shells = _radius(run, resolution)
    search = replace(search, radius_limit=min(search.radius_limit or shells, shells))
    model = replace(descent.model, radius=min(_BEYOND * shells, run.data.box // 2 - 1))
    half = rng.permutation(np.arange(len(some)) % 2)
    first, second = (
        run.expect(model, poses, search, indices=some[half == h], report=run.reporter(number, number, share=(h, 2)))
        for h in (0, 1)
    )
    group = grid.orientations.group
    fsc = correlation_of_sums(first, second, group)
    sums = first.merged(second).in_order()
    update = replace(_update(run), tau2_fudge=1.0, norm=False, scale=False)
    after, _, spectra = maximise(
        model, poses.rows(some), sums, search=search, update=update, fsc=joint_correlation(fsc)
    )
    moved = _posed(poses, sums, run.data.pixel_size)
    state = Iteration3D(
        number, (after,), moved, grid, run.first_grid(), (spectra,), model.radius, None, None,
        changes(poses, moved, group), gradients=after.references - descent.model.references,
    )  # fmt: skip
    run.write(state)
    run.say(state, total=f" of {number}", more=[f"{len(some)} particles"])
    return moved


def last_pass(run: Run3D) -> tuple[int, Search, int]:
    """Return outermost shell, search and number of particles of one half of the last pass: it needs the most memory."""
    plan = run.options.gradient()
    assert plan is not None
    resolution = _resolutions(run, plan)[1]
    radius = min(_BEYOND * _radius(run, resolution), run.data.box // 2 - 1)
    search = run.search(_grid(run, resolution, finer=2.0), sigma=None)
    count = min(_LAST_PASS * _batch_sizes(run, plan)[1], len(run.data.poses))
    return radius, search, -(-count // 2)


def _posed(poses: Particles, sums: Sums, pixel_size: float) -> Particles:
    """Return all particles, those of a batch with their new poses."""
    indices = sums.indices[0]
    moved = posed(poses.rows(indices), sums, pixel_size=pixel_size, norm=False)
    return poses.with_rows(indices, moved)


def _survivors(run: Run3D, descents: list[Descent], starts: int) -> list[Descent]:
    """Return the descents that go on, the most likely first."""
    if len(descents) == 1:
        return descents
    recent = max(len(descents[0].likelihoods) // 2, 1)
    ranked = sorted(descents, key=lambda each: -float(np.mean(each.likelihoods[-recent:])))
    if starts < len(ranked):
        values = ", ".join(f"{np.mean(each.likelihoods[-recent:]) - _best(ranked, recent):.1f}" for each in ranked)
        run.context.say(
            f"Of {len(ranked)} random starts {starts} go{'es' if starts == 1 else ''} on (log-likelihood per particle, less"
            f" the best: {values})."
        )
    return ranked[:starts]


def _best(ranked: list[Descent], recent: int) -> float:
    return float(np.mean(ranked[0].likelihoods[-recent:]))


def _update(run: Run3D) -> Update:
    update = run.update(0)
    given = run.options.tau_fudge != run.options.default("tau_fudge")
    return update if given else replace(update, tau2_fudge=_T)


# --- the plan ---------------------------------------------------------------------------------------------------


def _stage(run: Run3D, plan: GradientPlan, number: int) -> Stage:
    """Return what an iteration does: resolution and batch grow from the first stage's to the last's in between."""
    first, last = _resolutions(run, plan)
    small, large = _batch_sizes(run, plan)
    share = stage_share(plan, number)
    frequency = (1 - share) / first + share / last
    quarter = max(plan.initial // 4, 1)
    starts = STARTS if number < 2 * quarter else STARTS // 2 if number < 3 * quarter else 1
    return Stage(1 / frequency, round(small + share * (large - small)), step_of(plan, number), starts)


def _resolutions(run: Run3D, plan: GradientPlan) -> tuple[float, float]:
    finest = 2.2 * run.data.pixel_size
    first = plan.initial_resolution or run.diameter / _DETAIL
    last = plan.final_resolution or first / _FINER
    return max(first, finest), max(min(last, first), finest)


def _batch_sizes(run: Run3D, plan: GradientPlan) -> tuple[int, int]:
    count = len(run.data.poses)
    small = min(plan.initial_batch or _BATCHES[0], count)
    return small, int(np.clip(plan.final_batch or _BATCHES[1], small, count))


def _radius(run: Run3D, resolution: float) -> int:
    return int(np.clip(np.ceil(run.extent / resolution) + _SHELLS_BEYOND, 3, run.data.box // 2 - 1))


def _grid(run: Run3D, resolution: float, *, finer: float) -> SearchGrid:
    """Return the sampling that a resolution needs: a fine step that moves the rim by two thirds of it, or less."""
    wanted = np.degrees(2 * resolution / run.diameter) / finer
    order = run.options.healpix_order
    while spacing(order) / 2**run.options.oversampling > wanted and order < _FINEST_ORDER:
        order += 1
    return run.grid(order, run.options.offset_range, 2 * run.options.offset_step)


# --- the beginning ----------------------------------------------------------------------------------------------


def _begun(run: Run3D, plan: GradientPlan) -> tuple[list[Descent], Particles]:
    count = len(run.data.poses)
    zeros = np.zeros(count)
    poses = replace(
        run.data.poses, rot=zeros, tilt=zeros, psi=zeros, origin=np.zeros((count, 2)), norm=np.ones(count),
        class_index=np.zeros(count, np.int64),
    )  # fmt: skip
    noise = run.noise()
    shell = run.extent / _resolutions(run, plan)[0]
    search = run.search(run.first_grid(), sigma=None)
    starts = STARTS if plan.initial >= STARTS else 1
    if run.given is not None:
        starts = 1
    descents = []
    for number in range(starts):
        rng = np.random.default_rng([run.seed, number, 3])
        blank = first_model(
            np.zeros((run.options.nr_classes, *[run.data.box] * 3)),
            noise,
            pixel_size=run.data.pixel_size,
            offset_sigma=run.options.offset,
            shell=max(round(shell), 1),
            shells_ahead=_SHELLS_BEYOND,
        )
        maps = run.given if run.given is not None else _random(run, plan, blank, poses, search, rng)
        references = flattened(low_passed(maps, shell), blank, search=search, update=_update(run))
        descents.append(Descent(number, replace(blank, references=references, tau2=signal_variance(references))))
    return descents, poses


def _random(
    run: Run3D, plan: GradientPlan, blank: Model, poses: Particles, search: Search, rng: np.random.Generator
) -> np.ndarray:
    small, _ = _batch_sizes(run, plan)
    size = min(_START_BATCHES * small, len(poses))
    return np.stack(
        [
            random_map(
                blank,
                poses,
                run.data.optics,
                imaging=search,
                load=run.data.load,
                indices=rng.permutation(len(poses))[:size],
                group=run.first_grid().orientations.group,
                radius=_radius(run, _resolutions(run, plan)[0]),
                rng=rng,
            )
            for _ in range(run.options.nr_classes)
        ]
    )


def _write(
    run: Run3D, descent: Descent, poses: Particles, grid: SearchGrid, number: int, before: Particles | None
) -> None:
    group = grid.orientations.group
    step = None if descent.before is None else descent.model.references - descent.before.references
    state = Iteration3D(
        number,
        (descent.model,),
        poses,
        grid,
        run.first_grid(),
        used_radius=descent.model.radius,
        gradients=np.zeros_like(descent.model.references) if step is None else step,
        changed=(UNKNOWN, UNKNOWN, 1.0) if before is None else changes(before, poses, group),
    )
    run.write(state)
    if number:
        run.say(state, total="", more=[f"log-likelihood per particle {np.mean(descent.likelihoods[-5:]):.1f}"])
