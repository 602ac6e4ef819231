"""The recipe of a 2D classification: read, check, plan, iterate, write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from relionlab.engine.classify2d.accuracy import accuracies, changes
from relionlab.engine.classify2d.expectation import Expectation, Sums
from relionlab.engine.classify2d.maximisation import Update, low_pass, maximise, prior_variance
from relionlab.engine.classify2d.start import first_model, noise_model, seed_search, seeds
from relionlab.engine.classify2d.state import Model, Search
from relionlab.engine.likelihood.first_look import FirstLook
from relionlab.engine.parallel import executor_for
from relionlab.engine.steps import Executor, shards
from relionlab.jobs.context import Context
from relionlab.jobs.options.run_names import continued_root
from relionlab.jobs.refinement.averages2d import Averages, batch_size
from relionlab.jobs.refinement.batches import step_of
from relionlab.jobs.refinement.checks import check_output
from relionlab.jobs.refinement.files import Iteration, Saved, read_iteration, restored, write_iteration
from relionlab.jobs.refinement.gradient import GradientPlan
from relionlab.jobs.refinement.input import read_dataset, read_table
from relionlab.jobs.refinement.memory2d import Memory2D
from relionlab.jobs.refinement.program import Refine
from relionlab.jobs.refinement.run_options import optimiser_options, sampling_options, saved_options
from relionlab.jobs.refinement.shared_run import SharedRun, check_unfinished, seeded

_OFFSETS_PER_PERIOD = 3
"""Offsets tried per period of the finest detail in play: a finer grid would tell nothing more."""


def classify(options: Refine, context: Context) -> None:
    """Classify the particles, from the beginning or from where an earlier run stopped."""
    saved = read_iteration(options.fn_cont, context.directory) if options.fn_cont else None
    if saved is not None:
        options = saved_options(options, saved)
        check_unfinished(options, saved.iteration)
    options = seeded(options)
    root = continued_root(options.o, options.fn_cont) if saved is not None else options.o
    check_output(root, context)
    table = saved.table if saved is not None else read_table(options.fn_img, context)
    data = read_dataset(table, options, context, root=root)
    if data.references is not None:
        options = options.changed(nr_classes=len(data.references))
    run = Run(options, context, data, root)
    run.go(saved)


@dataclass
class Run(SharedRun):
    """A classification under way."""

    memory: Memory2D = field(init=False)

    def go(self, saved: Saved | None) -> None:
        """Make or restore the first model, and iterate."""
        search = self._search()
        if self.context.settings.device == "gpu" or self.options.gpu_ids is not None:
            self.context.warn("A GPU was asked for: 2D classification computes on the CPU in this release.")
        self.memory = Memory2D(self, search)
        executor = executor_for(replace(self.context.settings, workers=self.memory.plan.workers))
        try:
            state = self._restored(saved) if saved is not None else self._begun(executor, search)
            total, plan = self.options.iterations(), self.options.gradient()
            steps = 0 if plan is None else total - max(plan.em_iterations, 1)
            averages = None
            while state.number < total:
                self.context.stop_if_asked()
                if plan is None or state.number >= steps:
                    state = self._iterate(state, executor, search)
                else:
                    averages = averages or self._averages(state, executor, search, plan)
                    state = self._step(state, executor, search, plan, averages)
        finally:
            executor.close()

    # --- steps -----------------------------------------------------------------------------------------------

    def _step(
        self, state: Iteration, executor: Executor, search: Search, plan: GradientPlan, averages: Averages
    ) -> Iteration:
        """Take one step along the gradient: a batch, blended into the running averages, makes the next averages."""
        number = state.number + 1
        size = batch_size(plan, number, particles=len(self.data.table), classes=self.options.nr_classes)
        batch = averages.batches.draw(size)
        step = self._looking(state, search, number)
        model, search = step.model, step.search
        sums = averages.after(self._seen(step, batch, executor, number), step_of(plan, number))
        update = replace(self._update(number), norm=False, scale=False)
        some = state.particles.rows(batch)
        after, moved, spectra = maximise(model, some, sums, search=search, update=update)
        particles = state.particles.with_rows(batch, moved)
        finished = Iteration(
            number, after, particles, spectra, step.grid.radius, None, None, changes(some, moved), search.perturbation
        )
        if number % plan.write_every == 0:
            self._write(finished)
            self._say(finished)
        self.context.progress(number, self.options.iterations(), "iterations")
        return finished

    def _averages(self, state: Iteration, executor: Executor, search: Search, plan: GradientPlan) -> Averages:
        """Return the averages and the batches with which a run by batches begins, or goes on.

        The batches are those of a run that was not interrupted. Its averages are in no file (RELION has no place for them):
        they are made anew, of the particles of the last batches as the class averages of the iteration see them.
        """
        count, number = len(self.data.table), state.number
        averages = Averages(count, self._random(0))
        indices = averages.replayed(plan, number, self.options.nr_classes)
        if len(indices):
            self.context.say(
                "The running averages of earlier batches are in no file: they begin anew with"
                f" {len(indices)} particles of the last batches."
            )
            averages.begin(self._seen(self._looking(state, search, number), indices, executor, number))
        return averages

    def _looking(self, state: Iteration, search: Search, number: int) -> Expectation:
        """Return the E-step of an iteration by batches."""
        model = state.model
        box = model.box
        seen = min(model.resolution_shell + self.options.incr_size, box // 2)
        search = self._perturbed(search, replace(model, radius=box // 2), number)
        search = replace(search, radius_limit=min(search.radius_limit or seen, seen))
        whole = replace(model, radius=box // 2)  # all averages lie on one grid
        return Expectation(whole, state.particles, self.data.optics, search=search, load=self.data.load)

    def _seen(self, step: Expectation, batch: np.ndarray, executor: Executor, number: int) -> Sums:
        pieces = [batch[some] for some in shards(len(batch), self.context.settings.particles_per_shard)]
        return executor.run(step, pieces, self.reporter(number, self.options.iterations()))

    def _random(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])

    def _perturbed(self, search: Search, model: Model, number: int) -> Search:
        perturbation = float(np.round(self._random(number).uniform(-1, 1) * self.options.perturb, 6))
        return replace(search, perturbation=perturbation, offset_step=_offset_step(search, model))

    def _iterate(self, state: Iteration, executor: Executor, search: Search) -> Iteration:
        number = state.number + 1
        model, before = state.model, state.particles
        search = self._perturbed(search, model, number)
        search = replace(search, step_sigma=self.step_sigma(model, search.offset_step))
        step = Expectation(model, before, self.data.optics, search=search, load=self.data.load)
        self.memory.looking(step.grid.radius)
        sums = executor.run(step, self._shards(), self.reporter(number, self.options.iterations()))
        after, particles, spectra = maximise(model, before, sums, search=search, update=self._update(number))
        angles, offsets = accuracies(after, sums, step.grid)
        finished = Iteration(
            number,
            after,
            particles,
            spectra,
            step.grid.radius,
            angles,
            offsets,
            changes(before, particles),
            search.perturbation,
        )
        self._write(finished)
        self._say(finished)
        self.context.progress(number, self.options.iterations(), "iterations")
        return finished

    def _begun(self, executor: Executor, search: Search) -> Iteration:
        """Return the state before the first iteration: random seeds, or the references given."""
        poses = self.data.poses
        if not search.align:
            poses = replace(poses, norm=np.ones(len(poses)))
        else:
            zeros = np.zeros(len(poses))
            poses = replace(poses, psi=poses.psi if not search.rotate else zeros, norm=np.ones(len(poses)))
        classes = self.options.nr_classes
        empty = Model(
            references=np.zeros((classes, self.data.box, self.data.box), np.float32),
            pixel_size=self.data.pixel_size,
            class_share=np.full(classes, 1 / classes),
            tau2=np.zeros((classes, self.data.box // 2 + 1)),
            sigma2=np.ones((len(self.data.group_names), self.data.box // 2 + 1)),
            scale=np.ones(len(self.data.group_names)),
            offset_sigma=self.options.offset,
            mean_norm=1.0,
            radius=self.data.box // 2,
            resolution_shell=1,
        )
        look = FirstLook(empty, poses, self.data.optics, search=search, load=self.data.load, whole=search.align)
        passes = 1 if self.data.references is not None else 2
        model = noise_model(
            executor.run(look, self._shards(), self.first_reporter(share=(0, passes))),
            classes=classes,
            pixel_size=self.data.pixel_size,
            offset_sigma=self.options.offset,
        )
        ahead = self.options.incr_size
        if self.data.references is not None:
            model = self._with_references(model)
        else:
            turned, held = seeds(poses, classes, self.seed)
            turned = poses if not (search.align and search.rotate) else turned
            searched = seed_search(search, held)
            coarse = replace(model, radius=max(model.box // 4, 2))
            step = Expectation(coarse, turned, self.data.optics, search=searched, load=self.data.load)
            sums = executor.run(step, self._shards(), self.first_reporter(share=(1, passes)))
            model = first_model(coarse, sums, search=searched, shells_ahead=ahead, resolution=self.options.ini_high)
        state = Iteration(0, model, poses)
        self._write(state)
        return state

    def _with_references(self, model: Model) -> Model:
        given = self.data.references
        assert given is not None
        shell = model.box // 4
        if self.options.ini_high is not None:
            shell = max(round(model.box * model.pixel_size / self.options.ini_high), 1)
            given = low_pass(given, shell).astype(np.float32)
        model = replace(model, references=given, tau2=prior_variance(given))
        return model.resolved_to(shell, ahead=self.options.incr_size)

    def _restored(self, saved: Saved) -> Iteration:
        model = restored(saved, shells_ahead=self.options.incr_size)
        self.check_groups(model)
        self.context.say(f"Continuing from iteration {saved.iteration} of {self.options.fn_cont}.")
        return Iteration(saved.iteration, model, self.data.poses)

    # --- what the options mean --------------------------------------------------------------------------------

    def _search(self) -> Search:
        options = self.options
        finer = 2.0 / 2**options.oversampling  # the form's steps are those after one oversampling
        return Search(
            psi_step=options.psi_sampling * finer,
            offset_range=options.offset_range,
            offset_step=options.offset_step * finer,
            rotate=not options.skip_rotate,
            **self.shared_search(),
        )

    def _update(self, number: int) -> Update:
        options = self.options
        first = number == 1 and not options.ref
        return Update(
            prior=not first,
            centre=options.do_center,
            **self.shared_update(number),
        )

    def _shards(self) -> list[np.ndarray]:
        return shards(len(self.data.table), self.context.settings.particles_per_shard)

    # --- reports ------------------------------------------------------------------------------------------------

    def _write(self, state: Iteration) -> None:
        write_iteration(
            self.root,
            state,
            self.data.table,
            options=optimiser_options(self.options, self._search()),
            sampling=sampling_options(self.options, self.data.pixel_size),
            **self.shared_words(),
        )

    def _say(self, state: Iteration) -> None:
        model, particles = state.model, state.particles
        resolution = model.box * model.pixel_size / max(model.resolution_shell, 1)
        _, _, changed = state.changed
        self.context.say(
            f"Iteration {state.number:3d} of {self.options.iterations()}: resolution {resolution:6.2f} Å, "
            f"largest class {100 * model.class_share.max():4.1f} %, mean probability of the best pose "
            f"{particles.best_weight.mean():.3f}, {100 * changed:5.1f} % of the particles changed class"
        )


def _offset_step(search: Search, model: Model) -> float:
    """Return the offsets' step in px: the one asked for, or what the shells in use can tell apart if that is more."""
    return max(search.offset_step, model.box / (_OFFSETS_PER_PERIOD * model.radius))
