"""First tuning on a few micrographs, then all: the maps are computed once, thresholds cost milliseconds.

tuning = Tuning.of(program, context, chosen=5)
picks = tuning.picks(threshold=0.3, min_distance=120)   # name -> Picks, with hand edits laid over them
tuning.edit("mic01.mrc", Edits().add(812, 455))          # kept on disk, respected by every later pick
tuning.tuned(threshold=0.3).run(context)                 # all micrographs

In a project, :func:`relionlab.workflows.tuning.tune` does the same for an AutoPick job.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from relionlab.engine.picking import Edits, Picks
from relionlab.errors import InputError, ParameterError
from relionlab.jobs.context import Context
from relionlab.jobs.picking import pick_files
from relionlab.jobs.picking.autopick_program import Autopick
from relionlab.jobs.picking.autopick_work import PickingRun, open_picking
from relionlab.jobs.picking.merits import Merits
from relionlab.jobs.picking.searched import Searched

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
    """What is left of the maps of a few micrographs, from which picks are taken at any threshold.

    program   the picking whose thresholds are tuned
    run       the same with its micrographs and references read
    searched  name of the micrograph -> what its maps told; :meth:`search` adds one
    """

    program: Autopick
    run: PickingRun = field(repr=False)
    searched: dict[str, Searched] = field(repr=False)

    @classmethod
    def of(cls, program: Autopick, context: Context, *, chosen: int | Sequence[str] = 3) -> Tuning:
        """Compute the maps of the chosen micrographs.

        chosen  names of micrographs, or how many: these are spread over the defocus range where the CTF is known, and
                over the list otherwise; 0: none yet

        Raises InputError for a name that is not in the list.
        """
        program.check()
        tuning = cls(program, open_picking(context, program.picking()), {})
        names = tuning.spread(chosen) if isinstance(chosen, int) else list(chosen)
        for count, name in enumerate(names, 1):
            tuning.search(name)
            context.progress(count, len(names), "micrographs")
            context.stop_if_asked()
        return tuning

    def search(self, micrograph: str, *, pictures: bool = True) -> Searched:
        """Compute the maps of a micrograph, and keep what thresholds need of them; one that is kept is not done again.

        pictures  whether its background is kept, which shows what the noise limits reject

        Raises InputError for a name that is not in the list, or a micrograph that cannot be searched.
        """
        index = self._index(micrograph)
        known = self.searched.get(micrograph)
        if known is None or (pictures and not known.stddev.size):
            start = time.perf_counter()
            scores = self.run.scores(index)
            known = Searched.of(scores, seconds=time.perf_counter() - start, pictures=pictures)
            self.searched[micrograph] = known
        return known

    def spread(self, count: int) -> list[str]:
        """Return the names of so many micrographs, spread over the defocus range, or over the list if there is no CTF."""
        names, table = self.run.names, self.run.micrographs
        order: np.ndarray = np.arange(len(names))
        if "rlnDefocusU" in table:
            order = np.argsort(table.column("rlnDefocusU"), kind="stable")
        places = np.linspace(0, len(order) - 1, min(count, len(order)))
        return [names[int(order[round(place)])] for place in places]

    def picks(self, *, micrographs: Sequence[str] | None = None, **thresholds: Any) -> dict[str, Picks]:
        """Return the picks of each micrograph at these thresholds, in milliseconds; hand edits are laid over them.

        micrographs  which; ``None``: all that were searched
        thresholds   parameters of the program by name: threshold, min_distance, max_stddev_noise, min_avg_noise,
                     log_adjust_threshold, log_upper_threshold; those not given stay as they are
        """
        run = self._run_at(thresholds)
        wanted = list(self.searched) if micrographs is None else micrographs
        return {
            name: run.edited(self._index(name), run.picks(self.searched[name].candidates), edits=self.edits(name))
            for name in wanted
        }

    def merits(self, micrograph: str, **thresholds: Any) -> Merits:
        """Return how the figures of merit of what could be picked from a searched micrograph are distributed."""
        run, candidates = self._run_at(thresholds), self.searched[micrograph].candidates
        lowest, highest = run.thresholds(candidates)
        kept = candidates.picks.fom[run.apart(candidates)]
        others = run.apart(candidates, limited=False)
        refused = ~candidates.accepted(max_stddev=run.picking.max_stddev, min_average=run.picking.min_average)
        picked, zero = (kept >= lowest) & (kept <= highest), _zero(run, lowest)
        return Merits(kept - zero, picked, candidates.picks.fom[others[refused[others]]] - zero)

    def ranked(self, micrograph: str, **thresholds: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return what any threshold could pick from a searched micrograph: its merits as :meth:`merits` gives them, and (n, 2) px.

        Hand edits are not among them, and neither is what an upper threshold leaves out.
        """
        run, candidates = self._run_at(thresholds), self.searched[micrograph].candidates
        lowest, highest = run.thresholds(candidates)
        kept = run.apart(candidates)
        found = candidates.rows(kept[candidates.picks.fom[kept] <= highest])
        return found.fom - _zero(run, lowest), np.stack([found.x, found.y], axis=1)

    def rejected(self, micrograph: str, **thresholds: Any) -> np.ndarray:
        """Return (y, x) bool, over the whole micrograph: where the noise limits let nothing be picked."""
        picking = self._run_at(thresholds).picking
        return self.searched[micrograph].rejected(max_stddev=picking.max_stddev, min_average=picking.min_average)

    def tuned(self, **thresholds: Any) -> Autopick:
        """Return the program with these thresholds, to be run on all micrographs."""
        wrong = [name for name in thresholds if name not in TUNED]
        if wrong:
            raise ParameterError(f"{', '.join(wrong)} cannot be tuned without new maps; what can: {', '.join(TUNED)}.")
        return self.program.changed(**thresholds)

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the searched micrographs take; their maps themselves are not kept."""
        return sum(searched.nbytes for searched in list(self.searched.values()))

    def edits(self, micrograph: str) -> Edits:
        """Return the hand edits of a micrograph."""
        return pick_files.read_edits(edits_path(self.run, micrograph))

    def edit(self, micrograph: str, edits: Edits) -> None:
        """Keep the hand edits of a micrograph: the layer that no threshold wipes."""
        pick_files.write_edits(edits_path(self.run, micrograph), edits)

    def edit_radius(self, micrograph: str) -> float:
        """Return how near in px an automatic pick has to be to an edit to be meant by it."""
        return self.run.edit_radius / float(self.run.micrographs.row_pixel_sizes[self._index(micrograph)])

    def _run_at(self, thresholds: dict[str, Any]) -> PickingRun:
        return self.run.with_thresholds(self.tuned(**thresholds).picking())

    def _index(self, micrograph: str) -> int:
        return index_of(self.run, micrograph)


def _zero(run: PickingRun, lowest: float) -> float:
    """Return from where merits count: with blobs, from each micrograph's own default threshold, which is adjusted."""
    return lowest - run.picking.threshold if run.picking.blobs is not None else 0.0


def index_of(run: PickingRun, micrograph: str) -> int:
    """Return a micrograph's place in the list; InputError for a name that is not there."""
    if micrograph not in run.names:
        raise InputError(f"{micrograph} is not in {run.picking.micrographs}, which lists {len(run.names)} micrographs.")
    return run.names.index(micrograph)


def edits_path(run: PickingRun, micrograph: str) -> Path:
    """Return the place of a micrograph's hand edits; InputError for a name that is not in the list."""
    root = run.root(index_of(run, micrograph))
    return root.with_name(f"{root.name}_edits.star")
