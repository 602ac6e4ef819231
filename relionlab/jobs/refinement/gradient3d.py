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
from relionlab.jobs.refinement.batches import Batches
from relionlab.jobs.refinement.files3d import Iteration3D
from relionlab.jobs.refinement.gradient_stages import SHELLS_BEYOND, Stages
from relionlab.jobs.refinement.run3d import Run3D
from relionlab.jobs.refinement.sampling_file import SearchGrid

_START_BATCHES = 4  # batches whose average begins a descent
_FEWEST = 4  # iterations of a first stage in which several descents can be told apart
_T = 4.0  # the prior's T, unless another is given: as in 3D classification


@dataclass
class Descent:
    """One of the descents: its model, its averages, and how likely its last batches were."""

    number: int
    model: Model
    averages: Averages | None = None
    likelihoods: list[float] = field(default_factory=list)
    before: Model | None = None


def make_initial_model(run: Run3D, state: Iteration3D | None) -> None:
    """Make an initial model from the beginning, or go on from an iteration."""
    _Making(run, Stages.of(run)).make(state)


@dataclass(frozen=True)
class _Making:
    run: Run3D
    stages: Stages

    def make(self, state: Iteration3D | None) -> None:
        run, plan = self.run, self.stages.plan
        total = plan.iterations
        batches = Batches(len(run.data.poses), np.random.default_rng([run.seed, 0, 5]))
        if state is None:
            number, poses = 0, _unposed(run.data.poses)
            descents = self._begun(poses)
            self._write(descents[0], poses, run.first_grid(), number, None)
        else:
            number, poses = state.number, state.particles
            descents = [self._resumed(state, batches)]
        while number < total - 1:
            number += 1
            stage = self.stages.at(number)
            grid = run.perturbed(self.stages.grid(stage.resolution), number)
            indices = batches.draw(stage.batch)
            sums = []
            for each in descents:
                run.context.stop_if_asked()
                sums.append(self._descend(each, poses, grid, number, indices))
                run.context.progress(number - 1 + len(sums) / len(descents), total, "iterations")
            before, poses = poses, self._posed(poses, sums[0])
            descents = self._survivors(descents, stage.starts)
            if number % plan.write_every == 0:
                self._write(descents[0], poses, grid, number, before)
        if number < total:
            run.context.stop_if_asked()
            self._last(descents[0], poses)

    # --- one iteration ----------------------------------------------------------------------------------------

    def _descend(self, descent: Descent, poses: Particles, grid: SearchGrid, number: int, indices: np.ndarray) -> Sums:
        """Take one step; return the sums of its batch."""
        stage = self.stages.at(number)
        sums = self._looked_at(descent.model, poses, grid, number, indices)
        descent.averages = blended(descent.averages, sums, self.stages.lattice(stage), step=stage.step)
        descent.before = descent.model
        descent.model = stepped(
            descent.model,
            descent.averages,
            search=self.run.search(grid),
            update=self._update(),
            shell=self.run.extent / stage.resolution,
            particles=len(poses),
        )
        descent.likelihoods.append(likelihood(sums))
        return sums

    def _looked_at(self, model: Model, poses: Particles, grid: SearchGrid, number: int, indices: np.ndarray) -> Sums:
        """Return the sums of an E-step over some particles, as an iteration makes it."""
        radius = self.stages.radius(self.stages.at(number).resolution)
        model = replace(model, radius=radius, sigma2=model.sigma2 * self.stages.noise_factor(number))
        return self.run.expect(model, poses, self.run.search(grid), indices=indices)

    def _resumed(self, state: Iteration3D, batches: Batches) -> Descent:
        """Return the descent that goes on from an iteration; its batches are drawn.

        The running averages are in no file (RELION has no place for them): they are made anew, of the particles of the
        last batches as the map of the iteration sees them.
        """
        run, number = self.run, state.number
        model = replace(state.models[0], direction_share=None)  # of another sampling than the next iterations
        descent = Descent(0, model)
        drawn = [batches.draw(self.stages.at(done).batch) for done in range(1, number + 1)]
        if not drawn or number + 1 >= self.stages.plan.iterations:  # the last iteration needs none
            return descent
        stage = self.stages.at(number)
        remembered = self.stages.remembered(stage.step)
        indices = np.unique(np.concatenate(drawn[-remembered:]))
        run.context.say(
            f"The running averages of earlier batches are in no file: they begin anew with {len(indices)} particles of the"
            f" last {min(remembered, number)} batches."
        )
        grid = run.perturbed(self.stages.grid(stage.resolution), number)
        sums = self._looked_at(model, state.particles, grid, number, indices)
        descent.averages = blended(None, sums, self.stages.lattice(stage), step=1.0)
        return descent

    def _last(self, descent: Descent, poses: Particles) -> None:
        """Give all particles a pose (or many, of a large set), and make the map of them."""
        run, number = self.run, self.stages.plan.iterations
        grid = run.perturbed(self.stages.last_grid(), number)
        search = run.search(grid)
        rng = np.random.default_rng([run.seed, number])
        some = np.sort(rng.permutation(len(poses))[: self.stages.last_particles()])
        # poses are compared up to the last resolution; the map is made of shells beyond it, too, as far as two halves agree
        shells, reach = self.stages.last_radii()
        search = replace(search, radius_limit=min(search.radius_limit or shells, shells))
        model = replace(descent.model, radius=reach)
        half = rng.permutation(np.arange(len(some)) % 2)
        first, second = (
            run.expect(model, poses, search, indices=some[half == h], report=run.reporter(number, number, share=(h, 2)))
            for h in (0, 1)
        )
        group = grid.orientations.group
        fsc = correlation_of_sums(first, second, group)
        sums = first.merged(second).in_order()
        update = replace(self._update(), tau2_fudge=1.0, norm=False, scale=False)
        after, _, spectra = maximise(
            model, poses.rows(some), sums, search=search, update=update, fsc=joint_correlation(fsc)
        )
        moved = self._posed(poses, sums)
        state = Iteration3D(
            number, (after,), moved, grid, run.first_grid(), (spectra,), model.radius, None, None,
            changes(poses, moved, group), gradients=after.references - descent.model.references,
        )  # fmt: skip
        run.write(state)
        run.say(state, total=f" of {number}", more=[f"{len(some)} particles"])

    def _posed(self, poses: Particles, sums: Sums) -> Particles:
        """Return all particles, those of a batch with their new poses."""
        indices = sums.indices[0]
        moved = posed(poses.rows(indices), sums, pixel_size=self.run.data.pixel_size, norm=False)
        return poses.with_rows(indices, moved)

    def _survivors(self, descents: list[Descent], starts: int) -> list[Descent]:
        """Return the descents that go on, the most likely first."""
        if len(descents) == 1:
            return descents
        recent = max(len(descents[0].likelihoods) // 2, 1)
        likely = [float(np.mean(each.likelihoods[-recent:])) for each in descents]
        order = np.argsort(likely)[::-1]
        if starts < len(descents):
            values = ", ".join(f"{likely[i] - likely[order[0]]:.1f}" for i in order)
            self.run.context.say(
                f"Of {len(descents)} random starts {starts} go{'es' if starts == 1 else ''} on (log-likelihood per particle,"
                f" less the best: {values})."
            )
        return [descents[i] for i in order[:starts]]

    def _update(self) -> Update:
        update, options = self.run.update(0), self.run.options
        given = options.tau_fudge != options.default("tau_fudge")
        return update if given else replace(update, tau2_fudge=_T)

    # --- the beginning ----------------------------------------------------------------------------------------

    def _begun(self, poses: Particles) -> list[Descent]:
        """Return the descents from random averages, or the one from given maps."""
        run = self.run
        noise = run.noise()
        shell = run.extent / self.stages.resolutions[0]
        search = run.search(run.first_grid())
        several = run.given is None and self.stages.plan.initial >= _FEWEST
        descents = []
        for number in range(STARTS if several else 1):
            rng = np.random.default_rng([run.seed, number, 3])
            blank = first_model(
                np.zeros((run.options.nr_classes, *[run.data.box] * 3)),
                noise,
                pixel_size=run.data.pixel_size,
                offset_sigma=run.options.offset,
                shell=max(round(shell), 1),
                shells_ahead=SHELLS_BEYOND,
            )
            maps = run.given if run.given is not None else self._random(blank, poses, search, rng)
            references = flattened(low_passed(maps, shell), blank, search=search, update=self._update())
            descents.append(Descent(number, replace(blank, references=references, tau2=signal_variance(references))))
        return descents

    def _random(self, blank: Model, poses: Particles, search: Search, rng: np.random.Generator) -> np.ndarray:
        """Return maps (class, n, n, n) of some particles in orientations drawn at random."""
        run = self.run
        size = min(_START_BATCHES * self.stages.batches[0], len(poses))
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
                    radius=self.stages.radius(self.stages.resolutions[0]),
                    rng=rng,
                )
                for _ in range(run.options.nr_classes)
            ]
        )

    def _write(
        self, descent: Descent, poses: Particles, grid: SearchGrid, number: int, before: Particles | None
    ) -> None:
        run, group = self.run, grid.orientations.group
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


def _unposed(poses: Particles) -> Particles:
    """Return particles of which nothing is known."""
    count = len(poses)
    zeros = np.zeros(count)
    return replace(
        poses, rot=zeros, tilt=zeros, psi=zeros, origin=np.zeros((count, 2)), norm=np.ones(count),
        class_index=np.zeros(count, np.int64),
    )  # fmt: skip
