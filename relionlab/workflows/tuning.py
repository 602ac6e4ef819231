"""First tuning of an AutoPick job: look at a few micrographs at other thresholds, correct by hand, then pick from all.

    job = project.add(AutoPick(fn_input_autopick="CtfFind/job003/micrographs_ctf.star", …))
    tuning = tune(job, chosen=3)                              # computes the maps of three micrographs
    picks = tuning.picks(threshold_autopick=0.3)              # name -> Picks (x, y, fom …), in milliseconds
    tuning.edit(name, Edits().add(812, 455).remove(90, 310, radius=20))
    tuning.pick_all(threshold_autopick=0.3).wait()

Parameters are named as in the form. Hand edits lie in the job's directory, as MICROGRAPH_autopick_edits.star, and are laid
over every later pick there, whatever the threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from relionlab.engine.picking import Edits, Picks
from relionlab.engine.picking.agreement import Agreement, agreement
from relionlab.errors import JobStateError, ParameterError
from relionlab.jobs.context import Context, PlainContext
from relionlab.jobs.job_star import write_job
from relionlab.jobs.picking.autopick import AutoPick
from relionlab.jobs.picking.autopick_program import Autopick
from relionlab.jobs.picking.autopick_tuning import TUNED, Tuning
from relionlab.jobs.picking.merits import Merits
from relionlab.project import JobDirectory, Project


@dataclass(frozen=True)
class Estimate:
    """How many particles all micrographs together will give.

    total     particles
    spread    standard error of that; 0 where all micrographs were searched
    searched  micrographs that it rests on
    listed    micrographs in all
    """

    total: int
    spread: int
    searched: int
    listed: int

    @property
    def exact(self) -> bool:
        """Whether every micrograph was counted."""
        return self.searched == self.listed


@dataclass(frozen=True)
class JobTuning:
    """A tuning of a project's job; see the module's example.

    directory  the AutoPick job
    form       the values that the maps were made with
    maps       of the chosen micrographs
    """

    directory: JobDirectory
    form: AutoPick = field(repr=False)
    maps: Tuning = field(repr=False)

    @property
    def micrographs(self) -> list[str]:
        """The micrographs that were searched."""
        return list(self.maps.searched)

    @property
    def listed(self) -> list[str]:
        """All micrographs of the job's list."""
        return self.maps.run.names

    @property
    def tunable(self) -> dict[str, str]:
        """The form's name of each threshold that applies -> the program's: they share a flag."""
        return {name: program for name, program in _names().items() if self.form.applies(name)}

    def picks(self, *, micrographs: Sequence[str] | None = None, **thresholds: Any) -> dict[str, Picks]:
        """Return the picks of searched micrographs at these thresholds, with the hand edits laid over them.

        micrographs  which; ``None``: all that were searched
        thresholds   by their names in the form: threshold_autopick, mindist_autopick, log_adjust_thr …; those not given
                     are the job's

        Raises ParameterError for another parameter: that needs new maps, so a new :func:`tune`.
        """
        return self.maps.picks(micrographs=micrographs, **self._of_program(thresholds))

    def merits(self, micrographs: Sequence[str] | None = None, **thresholds: Any) -> Merits:
        """Return how the figures of merit of what could be picked are distributed; the micrographs as for :meth:`picks`."""
        wanted = self.micrographs if micrographs is None else micrographs
        named = self._of_program(thresholds)
        return Merits.together([self.maps.merits(name, **named) for name in wanted])

    def rejected(self, micrograph: str, **thresholds: Any) -> np.ndarray:
        """Return (y, x) bool, over the whole micrograph: where the noise limits let nothing be picked."""
        return self.maps.rejected(micrograph, **self._of_program(thresholds))

    def estimate(self, *, picked: Mapping[str, int] | None = None, **thresholds: Any) -> Estimate:
        """Return how many particles all micrographs will give, by those that were searched; hand edits count.

        picked  micrograph -> its picks at these thresholds, if they were counted already
        """
        if picked is None:
            picked = {name: len(picks) for name, picks in self.picks(**thresholds).items()}
        counts = np.array(list(picked.values()), dtype=float)
        listed, searched = len(self.listed), len(counts)
        if not searched:
            return Estimate(0, 0, 0, listed)
        left = listed - searched
        deviation = float(counts.std(ddof=1)) if searched > 1 else float(np.sqrt(counts[0]))
        spread = deviation * np.sqrt(left + left**2 / searched)  # of the others' counts, and of their mean
        return Estimate(round(counts.sum() + left * counts.mean()), round(spread), searched, listed)

    def agreement(
        self, known: Callable[[str], np.ndarray | None], *, micrographs: Sequence[str] | None = None, **thresholds: Any
    ) -> Agreement:
        """Return precision and recall at every threshold, the other limits as given; hand edits do not count.

        known  returns the particles of a micrograph, (n, 2) px, or ``None``: then it is left out; as
               :meth:`relionlab.workflows.known_picks.KnownPicks.of`
        """
        named = self._of_program(thresholds)
        pairs = [(name, known(name)) for name in (self.micrographs if micrographs is None else micrographs)]
        return agreement(
            [
                (*self.maps.ranked(name, **named), particles, self.maps.edit_radius(name))
                for name, particles in pairs
                if particles is not None
            ]
        )

    def edits(self, micrograph: str) -> Edits:
        """Return the hand edits of a micrograph."""
        return self.maps.edits(micrograph)

    def edit(self, micrograph: str, edits: Edits) -> None:
        """Keep the hand edits of a micrograph, in place of the earlier ones."""
        self.maps.edit(micrograph, edits)

    def job(self, **thresholds: Any) -> AutoPick:
        """Return the job's parameters with these thresholds, for a new job."""
        return self.form.changed(**self._checked(thresholds))

    def pick_all(self, **thresholds: Any) -> JobDirectory:
        """Start the job on all micrographs with these thresholds; one that has ended picks again from all of them.

        Values that the job may not change when it is continued (the references, a filter) make a new job, which takes the
        hand edits with it. Returns the job that was started; raises JobStateError if this one runs.
        """
        state, tuned = self.directory.state, self.job(**thresholds)
        tuned.check()
        if state == "running":
            raise JobStateError(f"{self.directory.name} is running: wait for it, or abort it, then pick again.")
        if state == "scheduled":
            write_job(self.directory.path / "job.star", tuned, dialect=self.directory.project.pipeline.dialect)
            return self.directory.start()
        before, parameters = _autopick(self.directory), AutoPick.parameters()
        changes = {name: getattr(tuned, name) for name in parameters if getattr(tuned, name) != getattr(before, name)}
        changes.pop("redo_micrographs", None)
        if all(parameters[name].on_continue for name in changes):
            return self.directory.continue_with(**{**changes, "redo_micrographs": "*"})
        return self._new_job(tuned.changed(redo_micrographs="")).start()

    def _new_job(self, tuned: AutoPick) -> JobDirectory:
        job = self.directory.project.add(tuned)
        other = tune(job, chosen=0)
        for name in self.listed:
            edits = self.edits(name)
            if len(edits):
                other.edit(name, edits)
        return job

    def _of_program(self, thresholds: dict[str, Any]) -> dict[str, Any]:
        self.form.changed(**self._checked(thresholds)).check()
        return {_names()[name]: value for name, value in thresholds.items()}

    def _checked(self, thresholds: dict[str, Any]) -> dict[str, Any]:
        wrong = [name for name in thresholds if name not in _names()]
        if wrong:
            raise ParameterError(
                f"{', '.join(wrong)} cannot be tuned without new maps; what can: {', '.join(_names())}."
            )
        return thresholds


def tune(
    job: JobDirectory, *, chosen: int | Sequence[str] = 3, context: Context | None = None, **changes: Any
) -> JobTuning:
    """Compute the maps of a few micrographs of an AutoPick job, scheduled or done, so that thresholds can be tried.

    chosen   how many, spread over the defocus range, or which, by their names in the list; 0: none yet
    context  is told how far the work is; ``None``: nobody is
    changes  parameters that are to be other than the job's: diameters, references, filters

    Raises ParameterError if the job is no AutoPick job or its values are wrong, InputError if an input is missing.
    """
    form = _autopick(job).changed(**changes)
    form.check()
    (command,) = form.commands(f"{job.name}/")
    program = Autopick.from_flags(command.arguments)
    quiet = PlainContext(job.project.directory, quiet=True)
    return JobTuning(job, form, Tuning.of(program, context or quiet, chosen=chosen))


def tuning_job(job: AutoPick, project: Project) -> JobDirectory:
    """Return a scheduled job of the project with these values, in which hand edits have their place; adds it if need be."""
    for directory in reversed(project.jobs()):
        if directory.name.startswith("AutoPick/") and directory.state == "scheduled" and directory.job == job:
            return directory
    return project.add(job)


def _names() -> dict[str, str]:
    """Return the form's name of each threshold -> the program's."""
    program = {Autopick.parameters()[name].flag: name for name in TUNED}
    parameters = AutoPick.parameters().items()
    return {name: program[parameter.flag] for name, parameter in parameters if parameter.flag in program}


def _autopick(job: JobDirectory) -> AutoPick:
    form = job.job
    if not isinstance(form, AutoPick):
        raise ParameterError(f"{job.name} is no AutoPick job: tune one of these, as AutoPick/job004.")
    return form
