"""First tuning on a few micrographs, then all: the maps are computed once, thresholds cost milliseconds.

tuning = Tuning.of(program, context, chosen=5)
picks = tuning.picks(threshold=0.3, min_distance=120)   # name -> Picks, with hand edits laid over them
tuning.edit("mic01.mrc", Edits().add(812, 455))          # kept on disk, respected by every later pick
tuning.tuned(threshold=0.3).run(context)                 # all micrographs

In a project, :func:`relionlab.workflows.tuning.tune` does the same for an AutoPick job.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.engine.picking import Edits, Picks, Scores
from relionlab.errors import InputError, ParameterError
from relionlab.jobs.context import Context
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick_program import Autopick
from relionlab.jobs.picking.autopick_work import PickingRun, open_picking

TUNED = (
    "threshold",
    "log_adjust_threshold",
    "log_upper_threshold",
    "min_distance",
    "max_stddev_noise",
    "min_avg_noise",
)
"""The program's parameters that need no new maps."""


@dataclass(frozen=True)
class Tuning:
    """Maps of a few micrographs, from which picks are taken at any threshold.

    program  the picking whose thresholds are tuned
    run      the same with its micrographs and references read
    scores   name of the micrograph -> its maps
    """

    program: Autopick
    run: PickingRun = field(repr=False)
    scores: dict[str, Scores] = field(repr=False)

    @classmethod
    def of(cls, program: Autopick, context: Context, *, chosen: int | Sequence[str] = 3) -> Tuning:
        """Compute the maps of the chosen micrographs.

        chosen  names of micrographs, or how many: these are spread over the defocus range where the CTF is known, and
                over the list otherwise

        Raises InputError for a name that is not in the list.
        """
        program.check()
        run = open_picking(context, program.picking())
        scores = {}
        for index in _indices(run, chosen):
            scores[run.names[index]] = run.scores(index)
            context.progress(len(scores), len(_indices(run, chosen)), "micrographs")
            context.stop_if_asked()
        return cls(program, run, scores)

    def picks(self, **thresholds: Any) -> dict[str, Picks]:
        """Return the picks of each micrograph at these thresholds, in milliseconds; hand edits are laid over them.

        thresholds  parameters of the program by name: threshold, min_distance, max_stddev_noise, min_avg_noise,
                    log_adjust_threshold, log_upper_threshold; those not given stay as they are
        """
        run = replace(self.run, picking=self.tuned(**thresholds).picking())
        return {name: run.edited(run.names.index(name), run.picks(scores)) for name, scores in self.scores.items()}

    def tuned(self, **thresholds: Any) -> Autopick:
        """Return the program with these thresholds, to be run on all micrographs."""
        wrong = [name for name in thresholds if name not in TUNED]
        if wrong:
            raise ParameterError(f"{', '.join(wrong)} cannot be tuned without new maps; what can: {', '.join(TUNED)}.")
        return self.program.changed(**thresholds)

    def edits(self, micrograph: str) -> Edits:
        """Return the hand edits of a micrograph."""
        return pick_files.read_edits(edits_path(self.run, micrograph))

    def edit(self, micrograph: str, edits: Edits) -> None:
        """Keep the hand edits of a micrograph: the layer that no threshold wipes."""
        pick_files.write_edits(edits_path(self.run, micrograph), edits)


def edits_path(run: PickingRun, micrograph: str) -> Path:
    """Return the place of a micrograph's hand edits; InputError for a name that is not in the list."""
    if micrograph not in run.names:
        raise InputError(f"{micrograph} is not in {run.picking.micrographs}: it lists {len(run.names)} others.")
    root = run.root(run.names.index(micrograph))
    return root.with_name(f"{root.name}_edits.star")


def _indices(run: PickingRun, chosen: int | Sequence[str]) -> list[int]:
    if not isinstance(chosen, int):
        missing = [name for name in chosen if name not in run.names]
        if missing:
            raise InputError(
                f"{missing[0]} is not in {run.picking.micrographs}, which lists {len(run.names)} micrographs."
            )
        return [run.names.index(name) for name in chosen]
    order: np.ndarray = np.arange(len(run.names))
    if "rlnDefocusU" in run.micrographs:
        order = np.argsort(run.micrographs.column("rlnDefocusU"), kind="stable")
    places = np.linspace(0, len(order) - 1, min(chosen, len(order)))
    return [int(order[round(place)]) for place in places]
