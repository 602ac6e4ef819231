"""What 2D and 3D runs share: what their options mean to the engine, how a continued one is checked, what all files say."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from relionlab.engine.likelihood.model import SharedModel
from relionlab.errors import ParameterError
from relionlab.jobs.context import BEFOREHAND, Context
from relionlab.jobs.refinement.input import Dataset
from relionlab.jobs.refinement.program import Refine


@dataclass
class SharedRun:
    """A classification, refinement or initial model under way.

    root  of the results' names
    """

    options: Refine
    context: Context
    data: Dataset
    root: str

    @property
    def seed(self) -> int:
        """Seed of everything that is drawn."""
        assert self.options.random_seed is not None
        return self.options.random_seed

    @property
    def extent(self) -> float:
        """Side of the box in Å."""
        return self.data.box * self.data.pixel_size

    @property
    def diameter(self) -> float:
        """Diameter of the mask in Å."""
        return self.options.particle_diameter or self.extent - 2 * (self.options.maskedge + 1) * self.data.pixel_size

    @property
    def workers(self) -> int:
        """How many workers there will be, if they fit into the memory."""
        settings = self.context.settings
        wanted = settings.workers or (self.options.nr_threads if self.options.nr_threads > 1 else settings.cores())
        return max(min(wanted, -(-len(self.data.table) // settings.particles_per_shard)), 1)

    def shared_search(self) -> dict[str, Any]:
        """Return the fields of an E-step's search that are the same in 2D and 3D."""
        options, lowest = self.options, self.options.strict_lowres_exp
        return {
            "align": options.dont_skip_align,
            "diameter": self.diameter,
            "edge": options.maskedge,
            "zero_mask": options.do_zero_mask,
            "use_ctf": options.do_ctf_correction,
            "phase_flipped": options.ctf_phase_flipped,
            "only_flip_phases": options.only_flip_phases,
            "intact_first_peak": options.ctf_intact_first_peak,
            "radius_limit": None if options.highres_limit is None else max(int(self.extent / options.highres_limit), 1),
            "first_shell": 1 if lowest is None else max(int(np.ceil(self.extent / lowest)), 1),
            "size_prior": options.size_prior,
            "fraction": options.adaptive_fraction,
            "seed": self.seed,
        }

    def step_sigma(self, model: SharedModel, fine_step: float) -> float | None:
        """Return how far RELION 3.1 lets a particle move in one iteration: px, standard deviation per axis.

        fine_step  px, between the finest offsets that are tried
        ``None``: particles are expected near the middle of their images, as they are without --local_offsets.

        Inferred from the poses that RELION 3.1.3 gave the same images at 5, 3.54 and 1 Å per px: it weighs a step of its
        coarse grid, from the origin rounded to whole px, about as a Gaussian of ``offset_sigma`` Å / pixel size² px does
        (by the pixel size itself, one would expect). Fine offsets of one coarse step weigh the same, which adds their
        spread. A weak pull to the image's middle, which grows as pixels shrink, is left out: it changes no figure.
        """
        if not self.options.local_offsets:
            return None
        spread = fine_step**2 * (4**self.options.oversampling - 1) / 12
        return float(np.sqrt((model.offset_sigma / model.pixel_size**2) ** 2 + spread))

    def shared_update(self, number: int) -> dict[str, Any]:
        """Return the fields of an iteration's update that are the same in 2D and 3D."""
        options = self.options
        return {
            "tau2_fudge": options.tau_fudge,
            "norm": options.norm and not options.no_norm and number > 1,
            "scale": options.scale and not options.no_scale and number > 1,
            "fix_noise": options.fix_sigma_noise,
            "fix_offsets": options.fix_sigma_offset,
            "shells_ahead": options.incr_size,
        }

    def check_groups(self, model: SharedModel) -> None:
        """Raise ParameterError if the model that a run is continued from is not of its noise groups."""
        if len(model.scale) != len(self.data.group_names):
            raise ParameterError(
                f"{self.options.fn_cont} has {len(model.scale)} noise groups, its particles {len(self.data.group_names)}:"
                " the files do not belong together."
            )

    def reporter(self, number: int, total: int, *, share: tuple[int, int] = (0, 1)) -> Callable[[int, int], None]:
        """Return what is called as shards of an iteration finish; ``share``: which of how many passes this is."""

        def report(done: int, pieces: int) -> None:
            within = (share[0] + done / pieces) / share[1]
            self.context.progress(number - 1 + within, total, "iterations")
            self.context.stop_if_asked()

        return report

    def first_reporter(self, *, share: tuple[int, int] = (0, 1)) -> Callable[[int, int], None]:
        """Return the same for the passes before the first iteration, which a large set takes minutes for."""
        count = len(self.data.table)

        def report(done: int, pieces: int) -> None:
            within = (share[0] + done / pieces) / share[1]
            self.context.progress(round(within * count), count, f"particles looked at {BEFOREHAND}")
            self.context.stop_if_asked()

        return report

    def shared_words(self) -> dict[str, Any]:
        """Return what the files of all runs say, and where they lie."""
        return {
            "directory": self.context.directory,
            "command": shlex.join(self.options.changed(o=self.root).flags()),
            "group_names": self.data.group_names,
        }


def seeded(options: Refine) -> Refine:
    """Return the options with a random seed: their own, or one that is drawn."""
    if options.random_seed is not None:
        return options
    return options.changed(random_seed=int(np.random.default_rng().integers(1 << 31)))


def check_unfinished(options: Refine, iteration: int) -> None:
    """Raise ParameterError if the iteration that a run is continued from is its last one already."""
    if options.iterations() <= iteration:
        raise ParameterError(
            f"Number of iterations (--iter) is {options.iterations()}, but {options.fn_cont} is of iteration"
            f" {iteration} already: give the total, more than {iteration}."
        )
