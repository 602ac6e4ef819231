"""Auto-refinement: two half-sets, refined apart, sampled finer as they improve, joined when they have converged."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from relionlab.engine.classify2d.accuracy import UNKNOWN
from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.polar import PolarGrid
from relionlab.engine.refine3d.accuracy import accuracies, changes
from relionlab.engine.refine3d.grids import fine_grid
from relionlab.engine.refine3d.halves import Halves, Hook, joined, maximise_halves
from relionlab.engine.refine3d.schedule import Stage, Standing, judged, next_stage, step_needed
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.errors import ParameterError
from relionlab.jobs.refinement.files3d import Iteration3D, write_final
from relionlab.jobs.refinement.outcome import outcome_of
from relionlab.jobs.refinement.progress import Progress
from relionlab.jobs.refinement.run3d import Run3D, finer_step
from relionlab.jobs.refinement.sampling_file import SearchGrid
from relionlab.jobs.refinement.verdict import verdict

_HIGH = 0.2  # FSC in the last shell used, from which more shells are added
_MORE_SHELLS = 5


def auto_refine(run: Run3D, state: Iteration3D | None, *, hook: Hook | None = None) -> None:
    """Refine from the beginning, or from an iteration on.

    hook  see engine/refine3d/halves.py
    """
    if state is None:
        state = _begun(run)
    while True:
        run.context.stop_if_asked()
        state = _prepared(run, state)
        if state.progress.converged or state.number >= run.options.auto_iter_max:
            _last(run, state, hook)
            return
        state = _iterate(run, state, hook)


def _begun(run: Run3D) -> Iteration3D:
    assert run.given is not None
    model = run.referenced(run.given)
    poses = replace(run.data.poses, norm=np.ones(len(run.data.poses)), half=_halves(run))
    if min(np.sum(poses.half == 1), np.sum(poses.half == 2)) < 1:
        raise ParameterError(
            f"One half-set has no particles ({len(poses)} in all): give more, or a column rlnRandomSubset with both 1 and 2."
        )
    grid = run.first_grid()
    state = Iteration3D(0, (model, model), poses, grid, grid, sigmas=run.local_widths(grid))
    run.write(state)
    return state


def _iterate(run: Run3D, state: Iteration3D, hook: Hook | None) -> Iteration3D:
    number, before = state.number + 1, state.particles
    grid = run.perturbed(state.grid, number)
    sigmas = run.local_widths(grid)
    search = run.local_search(grid)
    sums = _expect(run, state.models, before, search, number)
    found, used = _maximise(run, state, sums, search, hook)
    particles = _together(before, found.particles)
    group = grid.orientations.group
    of_halves = [
        accuracies(model, some, each, grid=used, group=group)
        for model, some, each in zip(found.models, found.particles, sums, strict=True)
    ]
    angles, offsets = (np.mean([each[k] for each in of_halves], axis=0) for k in (0, 1))
    changed = changes(before, particles, group) if number > 1 else (UNKNOWN, UNKNOWN, 1.0)
    progress = _judged(run, state.progress, shell=found.models[0].resolution_shell, changed=changed, grid=grid)
    high = bool(found.fsc[min(used.radius, len(found.fsc) - 1)] > _HIGH)
    ahead = (state.progress.shells_ahead or run.options.incr_size) + (_MORE_SHELLS if high else 0)
    models = tuple(replace(m, radius=min(m.resolution_shell + ahead, m.box // 2)) for m in found.models)
    progress = replace(progress, large_increase=high, shells_ahead=ahead)
    finished = Iteration3D(
        number, models, particles, grid, state.first_grid, found.spectra, used.radius, angles, offsets, changed, progress,
        sigmas=sigmas,
    )  # fmt: skip
    run.write(finished)
    run.say(
        finished,
        total="",
        more=[
            f"poses moved {changed[0]:.2f}° and {changed[1]:.2f} Å" if changed[0] < UNKNOWN else "first poses",
            f"accuracy {angles[0]:.2f}° and {offsets[0]:.2f} Å",
        ],
    )
    run.context.progress(number, _expected(run, grid, number), "iterations")
    return finished


def _last(run: Run3D, state: Iteration3D, hook: Hook | None) -> None:
    """Join the half-sets: one more pass with all shells, and the files of the result."""
    number = state.number + 1
    grid = run.perturbed(state.grid, number)
    sigmas = run.local_widths(grid)
    search = run.local_search(grid)
    why = "The half-sets have converged" if state.progress.converged else f"--auto_iter_max ends it at {state.number}"
    run.context.say(f"{why}: one more pass with all shells, then they are joined.")
    models = tuple(replace(model, radius=model.box // 2) for model in state.models)
    state = replace(state, models=models)
    before = state.particles
    sums = _expect(run, models, before, search, number)
    found, used = _maximise(run, state, sums, search, hook)
    particles = _together(before, found.particles)
    model, spectra = joined(
        found, sums, search=search, update=replace(run.update(number), tau2_fudge=run.options.tau_fudge)
    )
    angles, offsets = accuracies(model, found.particles[0], sums[0], grid=used, group=grid.orientations.group)
    last = Iteration3D(
        number, (model,), particles, grid, state.first_grid, (spectra,), used.radius, angles, offsets,
        changes(before, particles, grid.orientations.group), state.progress, sigmas=sigmas,
    )  # fmt: skip
    write_final(run.root, last, run.data.table, half_maps=(found.unfiltered[0], found.unfiltered[1]), **run.written())
    run.say(last, total=" (the last)")
    run.context.progress(number, number, "iterations")
    for sentence in verdict(outcome_of(run.context.path(f"{run.root}_model.star"))):
        run.context.say(sentence)


def _halves(run: Run3D) -> np.ndarray:
    return halves_of(run.data.poses, run.seed, images=run.data.table.particles["rlnImageName"])


def halves_of(poses: Particles, seed: int, *, images: np.ndarray | None = None) -> np.ndarray:
    """Return the half-set, 1 or 2, of each particle: the one that it has, or at random, equally many.

    images  (N,) names: copies of one image, as symmetry expansion makes them, stay together
    """
    if np.isin(poses.half, (1, 2)).all():
        return poses.half
    row: np.ndarray = np.arange(len(poses))
    if images is not None:
        _, first, copy_of = np.unique(images, return_index=True, return_inverse=True)
        row = np.argsort(np.argsort(first))[copy_of]
    return (np.random.default_rng([seed, 7]).permutation(np.arange(row.max() + 1) % 2) + 1)[row]


# --- one iteration -----------------------------------------------------------------------------------------------


def _expect(run: Run3D, models: tuple[Model, ...], poses: Particles, search: Search, number: int) -> tuple[Sums, Sums]:
    total = number + 1
    first, second = (
        run.expect(
            models[half],
            poses,
            search,
            indices=np.flatnonzero(poses.half == half + 1),
            report=run.reporter(number, total, share=(half, 2)),
        )
        for half in (0, 1)
    )
    return first, second


def _maximise(
    run: Run3D, state: Iteration3D, sums: tuple[Sums, Sums], search: Search, hook: Hook | None
) -> tuple[Halves, PolarGrid]:
    number = state.number + 1
    first, second = (state.particles.rows(np.flatnonzero(state.particles.half == half)) for half in (1, 2))
    used = fine_grid(state.models[0], search)
    join = run.options.low_resol_join_halves
    reached = run.extent / max(state.models[0].resolution_shell, 1)
    found = maximise_halves(
        (state.models[0], state.models[1]),
        (first, second),
        sums,
        search=search,
        update=run.update(number),
        join_shell=0 if join is None else int(np.ceil(run.extent / max(join, reached))),
        radius=used.radius,
        corrected_by_mask=run.options.do_solvent_fsc,
        hook=hook,
    )
    return found, used


def _together(before: Particles, parts: tuple[Particles, Particles]) -> Particles:
    """Return all particles, from those of the two half-sets."""
    for half, part in enumerate(parts, 1):
        before = before.with_rows(np.flatnonzero(before.half == half), part)
    return before


def _judged(
    run: Run3D, progress: Progress, *, shell: int, changed: tuple[float, float, float], grid: SearchGrid
) -> Progress:
    """Return what is remembered after an iteration that reached a shell and changed poses so much."""
    step = finer_step(grid.orientations, run.options.oversampling)
    return _remembered(progress, judged(_standing(progress), shell=shell, changed=changed, step=step))


def _prepared(run: Run3D, state: Iteration3D) -> Iteration3D:
    """Return an iteration as the next one begins from it: sampled finer, or converged, if nothing has improved.

    This is decided from what stands in an iteration's files, as RELION does: so either program decides alike whether it made
    them itself, was killed after them, or was given them by the other.
    """
    if state.rotations is None or state.offsets is None or not state.number:
        return state
    grid, pixel = state.grid, run.data.pixel_size
    stage = Stage(grid.orientations.order, grid.offset_range / pixel, grid.offset_step / pixel)
    resolution = run.extent / max(state.models[0].resolution_shell, 1)
    standing, following = next_stage(
        _standing(state.progress),
        stage,
        step=finer_step(grid.orientations, run.options.oversampling),
        accuracy=(float(state.rotations[0]), float(state.offsets[0]) / pixel),
        moved=state.changed[1] / pixel,
        oversampling=run.options.oversampling,
        despite_changes=run.options.auto_ignore_angles,
        needed=step_needed(resolution, diameter=run.diameter) if run.options.auto_resol_angles else np.inf,
    )
    state = replace(state, progress=_remembered(state.progress, standing))
    if following == stage:
        return state
    finer = run.grid(following.order, following.offset_range, following.offset_step)
    return replace(
        state, grid=replace(finer, orientations=finer.orientations.perturbed(grid.orientations.perturbation))
    )


def _standing(progress: Progress) -> Standing:
    return Standing(**{item.name: getattr(progress, item.name) for item in fields(Standing)})


def _remembered(progress: Progress, standing: Standing) -> Progress:
    return replace(progress, **{item.name: getattr(standing, item.name) for item in fields(Standing)})


def _expected(run: Run3D, grid: SearchGrid, number: int) -> int:
    """Return a guess of how many iterations there will be: three more per finer order that may come."""
    return number + 3 * max(run.options.auto_local_healpix_order - grid.orientations.order, 0) + 5
