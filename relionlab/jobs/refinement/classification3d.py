"""3D classification: all particles in each iteration, K maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from relionlab.engine.likelihood.particles import Particles
from relionlab.engine.refine3d.accuracy import accuracies, changes
from relionlab.engine.refine3d.grids import fine_grid
from relionlab.engine.refine3d.maximisation import maximise
from relionlab.engine.refine3d.state import Model, Search
from relionlab.engine.refine3d.sums import Sums
from relionlab.jobs.refinement.files3d import Iteration3D
from relionlab.jobs.refinement.run3d import Run3D, spread


def classify3d(run: Run3D, state: Iteration3D | None) -> None:
    """Classify from the beginning, or from an iteration on."""
    total = run.options.iterations()
    if state is None:
        state = _begun(run)
    while state.number < total:
        run.context.stop_if_asked()
        state = _iterate(run, state, total)


def _begun(run: Run3D) -> Iteration3D:
    assert run.given is not None
    model = run.referenced(run.given)
    poses = replace(run.data.poses, norm=np.ones(len(run.data.poses)))
    grid = run.first_grid()
    state = Iteration3D(0, (model,), poses, grid, grid, sigmas=run.options.local_sigmas())
    run.write(state)
    return state


def _iterate(run: Run3D, state: Iteration3D, total: int) -> Iteration3D:
    number, before = state.number + 1, state.particles
    widths = run.options.local_sigmas()
    grid = run.perturbed(state.grid, number)
    search = run.search(grid, sigma=spread(widths))
    if number == 1 and _alike(state.models[0].references):
        sums = _seeded(run, state.models[0], before, search, total)
    else:
        sums = run.expect(state.models[0], before, search, report=run.reporter(number, total))
    model, particles, spectra = maximise(state.models[0], before, sums, search=search, update=run.update(number))
    group = grid.orientations.group
    used = fine_grid(state.models[0], search)
    angles, offsets = accuracies(model, particles, sums, grid=used, group=group) if search.align else (None, None)
    finished = Iteration3D(
        number,
        (model,),
        particles,
        grid,
        state.first_grid,
        (spectra,),
        used.radius,
        angles,
        offsets,
        changes(before, particles, group),
        sigmas=widths,
    )
    run.write(finished)
    share = ", ".join(f"{100 * value:.1f}" for value in model.class_share)
    run.say(
        finished,
        total=f" of {total}",
        more=[f"classes {share} %", f"{100 * finished.changed[2]:.1f} % changed class"],
    )
    run.context.progress(number, total, "iterations")
    return finished


def _alike(references: np.ndarray) -> bool:
    """Say whether several classes begin with the same map."""
    return len(references) > 1 and all(np.array_equal(references[0], other) for other in references[1:])


def _seeded(run: Run3D, model: Model, poses: Particles, search: Search, total: int) -> Sums:
    """Return the sums of a pass in which each class gets an equal share of the particles, drawn at random.

    Classes that begin alike would stay so; the noise of different particles makes them differ.
    """
    held = np.random.default_rng([run.seed, 1]).permutation(np.arange(len(poses)) % model.classes)
    found: Sums | None = None
    for c in range(model.classes):
        alone = replace(model, references=model.references[c : c + 1], class_share=np.ones(1))
        report = run.reporter(1, total, share=(c, model.classes))
        sums = run.expect(alone, poses, search, indices=np.flatnonzero(held == c), report=report)
        found = sums if found is None else found.beside(sums)
    assert found is not None
    run.context.say(f"{model.classes} classes begin with one map: in this iteration each sees other particles.")
    return found.in_order()
