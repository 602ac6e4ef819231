"""The recipe of a 3D run: read, check, and hand over to classification, auto-refinement or initial model."""

from __future__ import annotations

from dataclasses import replace

from relionlab.engine.refine3d.maximisation import prior_variance
from relionlab.jobs.context import Context
from relionlab.jobs.options.run_names import continued_root
from relionlab.jobs.refinement.checks import check_output
from relionlab.jobs.refinement.checks3d import check_search, judge_references, why_poses
from relionlab.jobs.refinement.files3d import Iteration3D
from relionlab.jobs.refinement.hook import hook_named
from relionlab.jobs.refinement.input import Dataset, read_dataset, read_table
from relionlab.jobs.refinement.maps import read_maps, read_mask
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.run3d import Run3D
from relionlab.jobs.refinement.run_options3d import saved_options3d
from relionlab.jobs.refinement.saved3d import Saved3D, read_iteration3d
from relionlab.jobs.refinement.shared_run import check_unfinished, seeded


def refine3d(options: Refine, context: Context) -> None:
    """Classify, refine, or make an initial model, from the beginning or from where an earlier run stopped."""
    saved = read_iteration3d(options.fn_cont, context.directory) if options.fn_cont else None
    if saved is not None:
        options = saved_options3d(options, saved)
        if not options.auto_refine:
            check_unfinished(options, saved.iteration)
    options = seeded(options)
    root = continued_root(options.o, options.fn_cont) if saved is not None else options.o
    check_output(root, context)
    source = options.fn_img or options.fn_cont
    table = saved.table if saved is not None else read_table(options.fn_img, context)
    data = read_dataset(table, options, context, root=root, references_2d=False, copies=bool(why_poses(options)))
    check_search(data.table, options, source=source)
    run = _run(options, context, data, root)
    state = None if saved is None else _restored(run, saved)
    try:
        _go(run, state)
    finally:
        run.close()


def _go(run: Run3D, state: Iteration3D | None) -> None:
    if run.options.gradient() is not None:
        from relionlab.jobs.refinement.gradient3d import make_initial_model

        make_initial_model(run, state)
    elif run.options.auto_refine:
        from relionlab.jobs.refinement.auto_refine import auto_refine

        auto_refine(run, state, hook=hook_named(run.context.settings.reconstruct_hook))
    else:
        from relionlab.jobs.refinement.classification3d import classify3d

        classify3d(run, state)


def _run(options: Refine, context: Context, data: Dataset, root: str) -> Run3D:
    given = None
    if not options.fn_cont and options.ref:
        given = read_maps(options, context, box=data.box, pixel_size=data.pixel_size)
        judge_references(given, options, context, pixel_size=data.pixel_size, source=options.ref)
        options = options.changed(nr_classes=len(given))
    masks = [
        read_mask(name, context, box=data.box, pixel_size=data.pixel_size, resized=options.trust_ref_size, flag=flag)
        if name
        else None
        for name, flag in ((options.fn_mask, "--solvent_mask"), (options.solvent_mask2, "--solvent_mask2"))
    ]
    return Run3D(options, context, data, root, given, *masks)


def _restored(run: Run3D, saved: Saved3D) -> Iteration3D:
    """Return the iteration that a run goes on from, with what follows from its maps."""
    state = saved.state(run.data.poses)
    for model in state.models:
        run.check_groups(model)
    ahead = state.progress.shells_ahead or run.options.incr_size
    shared = run.update(saved.iteration).shared_prior
    models = tuple(
        replace(model, tau2=prior_variance(model.references, model.class_share, shared=shared)).resolved_to(
            model.resolution_shell, ahead=ahead
        )
        for model in state.models
    )
    run.context.say(f"Continuing from iteration {saved.iteration} of {run.options.fn_cont}.")
    return replace(state, models=models)
